//! Roots of timestamping authorities as PEM certificates (RFC 7468), read strictly.

use crate::codec::parse_base64;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Most roots of one authority.
pub const MAX_ROOTS: usize = 16;
/// Longest certificate in bytes of DER.
pub const MAX_ROOT_BYTES: usize = 16 << 10;

/// Whose RFC 3161 timestamps are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampAuthority {
    /// For findings.
    pub name: String,
    /// DER of the certificates a chain must end in; at least one.
    pub roots: Vec<Vec<u8>>,
}

/// Why roots are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    #[error("roots hold no certificate; paste PEM from BEGIN CERTIFICATE to END CERTIFICATE")]
    None,
    #[error("roots line {0} is neither PEM of a certificate nor blank")]
    Line(usize),
    #[error("certificate {0} of the roots is not base64, empty, or longer than {MAX_ROOT_BYTES} bytes")]
    Certificate(usize),
    #[error("roots hold more than {MAX_ROOTS} certificates")]
    TooMany,
}

impl TimestampAuthority {
    /// The authority whose roots this PEM text holds. That they are certificates is seen by whoever parses them.
    ///
    /// # Errors
    /// On text that is not PEM of 1 to 16 certificates and blank lines.
    pub fn from_pem(name: &str, pem: &str) -> Result<TimestampAuthority, RootsError> {
        let mut roots = Vec::new();
        let mut body: Option<String> = None;
        for (position, line) in pem.lines().enumerate() {
            let line = line.trim_end();
            match (&mut body, line) {
                (None, "") => {}
                (None, BEGIN) => body = Some(String::new()),
                (Some(encoded), END) => {
                    let der =
                        parse_base64(encoded).filter(|der| !der.is_empty() && der.len() <= MAX_ROOT_BYTES);
                    roots.push(der.ok_or(RootsError::Certificate(roots.len() + 1))?);
                    body = None;
                }
                (Some(encoded), data) if !data.starts_with('-') && encoded.len() <= 2 * MAX_ROOT_BYTES => {
                    encoded.push_str(data);
                }
                _ => return Err(RootsError::Line(position + 1)),
            }
            if roots.len() > MAX_ROOTS {
                return Err(RootsError::TooMany);
            }
        }
        match (roots.is_empty(), body) {
            (false, None) => Ok(TimestampAuthority {
                name: name.to_owned(),
                roots,
            }),
            (_, Some(_)) => Err(RootsError::Certificate(roots.len() + 1)),
            (true, None) => Err(RootsError::None),
        }
    }
}
