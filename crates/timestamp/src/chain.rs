//! From a signer's certificate to a pinned root, RFC 5280 as far as timestamping needs it.

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages};

use crate::signature;
use crate::time::duration_us;

/// Most certificates between signer and root, both counted.
const MAX_CHAIN: usize = 8;
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
/// Says under which policies a certificate was issued; it restricts nobody who asks for none.
const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
/// Critical extensions that are understood here; any other refuses the certificate.
const UNDERSTOOD: [ObjectIdentifier; 4] = [
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    CERTIFICATE_POLICIES,
];

/// Pinned certificates that chains must end in.
#[derive(Clone, Debug)]
pub struct Roots(Vec<Certificate>);

/// Why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("pinned root {0} is no X.509 certificate")]
    Root(usize),
    #[error("no chain of at most {MAX_CHAIN} certificates leads to a pinned root")]
    Untrusted,
    #[error("certificate {subject} was not valid at the token's time")]
    Expired { subject: String },
    #[error("certificate {subject} has a critical extension {oid} that is not understood")]
    Extension { subject: String, oid: String },
    #[error("certificate {subject} may not issue certificates at that place of the chain")]
    Authority { subject: String },
    #[error("the signer's certificate is not for timestamping only, marked critical")]
    Purpose,
    #[error("certificate {subject} has an extension that cannot be read")]
    Malformed { subject: String },
}

impl Roots {
    /// Roots of these DER certificates.
    ///
    /// # Errors
    /// [`ChainError::Root`] with the position, from 1, of what is no certificate.
    pub fn from_der<'d>(certificates: impl IntoIterator<Item = &'d [u8]>) -> Result<Roots, ChainError> {
        let parse = |(position, der): (usize, &[u8])| {
            Certificate::from_der(der).map_err(|_| ChainError::Root(position + 1))
        };
        let roots: Result<Vec<Certificate>, ChainError> =
            certificates.into_iter().enumerate().map(parse).collect();
        roots.map(Roots)
    }

    /// Checks purpose and chain of a signer at a time.
    pub(crate) fn check(
        &self,
        signer: &Certificate,
        others: &[Certificate],
        at_us: i64,
    ) -> Result<(), ChainError> {
        check_purpose(signer)?;
        check_one(signer, at_us)?;
        // A pinned certificate that itself signs tokens needs no issuer.
        if self.0.contains(signer) {
            return Ok(());
        }
        self.climb(signer, others, at_us, 1)
    }

    /// Tries every issuer; the first fault met is the one reported when none leads to a root.
    fn climb(
        &self,
        child: &Certificate,
        others: &[Certificate],
        at_us: i64,
        depth: usize,
    ) -> Result<(), ChainError> {
        if depth >= MAX_CHAIN {
            return Err(ChainError::Untrusted);
        }
        let mut fault = None;
        for root in self.0.iter().filter(|root| issued(root, child)) {
            match check_authority(root, at_us, depth) {
                Ok(()) => return Ok(()),
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        for issuer in others
            .iter()
            .filter(|issuer| *issuer != child && issued(issuer, child))
        {
            let tried = check_authority(issuer, at_us, depth)
                .and_then(|()| self.climb(issuer, others, at_us, depth + 1));
            match tried {
                Ok(()) => return Ok(()),
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        Err(fault.unwrap_or(ChainError::Untrusted))
    }
}

/// Whether `issuer` is named by, and signed, the other certificate.
fn issued(issuer: &Certificate, child: &Certificate) -> bool {
    let body = &child.tbs_certificate;
    if issuer.tbs_certificate.subject != body.issuer || body.signature != child.signature_algorithm {
        return false;
    }
    let (Ok(message), Some(signature)) = (body.to_der(), child.signature.as_bytes()) else {
        return false;
    };
    let key = &issuer.tbs_certificate.subject_public_key_info;
    signature::verifies(key, &child.signature_algorithm, None, &message, signature) == Some(true)
}

fn subject(certificate: &Certificate) -> String {
    // For a finding only; whatever stands in a name is shown escaped.
    format!("{:?}", certificate.tbs_certificate.subject.to_string())
}

/// Validity and critical extensions.
fn check_one(certificate: &Certificate, at_us: i64) -> Result<(), ChainError> {
    let validity = &certificate.tbs_certificate.validity;
    let from_us = duration_us(validity.not_before.to_unix_duration());
    // The last second is still in.
    let to_us = duration_us(validity.not_after.to_unix_duration()).map(|end| end.saturating_add(999_999));
    let is_valid = from_us.is_some_and(|from| from <= at_us) && to_us.is_some_and(|to| at_us <= to);
    if !is_valid {
        return Err(ChainError::Expired {
            subject: subject(certificate),
        });
    }
    let extensions = certificate.tbs_certificate.extensions.iter().flatten();
    for extension in extensions.filter(|extension| extension.critical) {
        if !UNDERSTOOD.contains(&extension.extn_id) {
            return Err(ChainError::Extension {
                subject: subject(certificate),
                oid: extension.extn_id.to_string(),
            });
        }
    }
    Ok(())
}

/// An issuer with `below` certificates between it and the end of the chain, the signer counted.
fn check_authority(certificate: &Certificate, at_us: i64, below: usize) -> Result<(), ChainError> {
    check_one(certificate, at_us)?;
    let malformed = |_| ChainError::Malformed {
        subject: subject(certificate),
    };
    let body = &certificate.tbs_certificate;
    let constraints = body.get::<BasicConstraints>().map_err(malformed)?;
    let usage = body.get::<KeyUsage>().map_err(malformed)?;
    // The path length counts intermediate certificates; the signer is none.
    let may_issue = constraints.is_some_and(|(_, constraints)| {
        let length = constraints.path_len_constraint.map(usize::from);
        constraints.ca && length.is_none_or(|length| below - 1 <= length)
    });
    let may_sign = usage.is_none_or(|(_, usage)| usage.0.contains(KeyUsages::KeyCertSign));
    if may_issue && may_sign {
        return Ok(());
    }
    Err(ChainError::Authority {
        subject: subject(certificate),
    })
}

/// RFC 3161 section 2.3: one purpose, timestamping, critical.
fn check_purpose(signer: &Certificate) -> Result<(), ChainError> {
    let purpose = signer.tbs_certificate.get::<ExtendedKeyUsage>();
    match purpose {
        Ok(Some((true, ExtendedKeyUsage(purposes)))) if purposes == [TIME_STAMPING] => Ok(()),
        _ => Err(ChainError::Purpose),
    }
}
