//! Reading and checking a `TimeStampResp`.

use cms::cert::CertificateChoices;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use crate::asn1::{
    CONTENT_TYPE, MESSAGE_DIGEST, SHA_256, SIGNED_DATA, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2,
    SigningCertificate, SigningCertificateV2, TST_INFO, TimeStampResp, TstInfo,
};
use crate::chain::{ChainError, Roots};
use crate::query::positive;
use crate::signature;
use crate::time::{accuracy_us, generalized_us};

/// Longest response in bytes that is read.
pub const MAX_RESPONSE_BYTES: usize = 256 << 10;
/// Most certificates in a token.
const MAX_CERTIFICATES: usize = 16;

/// What an answer says, before any signature is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// SHA-256 of what was timestamped.
    pub imprint: [u8; 32],
    /// The authority's time, µs since 1970.
    pub gen_time_us: i64,
    /// By how much that may be wrong either way, as the authority says, µs.
    pub accuracy_us: i64,
    nonce: Option<Vec<u8>>,
}

impl Read {
    /// Whether the answer carries the nonce of the query, see [`crate::query()`].
    pub fn has_nonce(&self, nonce: &[u8]) -> bool {
        let wanted = positive(nonce).map(|nonce| nonce.as_bytes().to_vec());
        wanted.is_some() && self.nonce == wanted
    }
}

/// A timestamp that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The authority's time, µs since 1970.
    pub gen_time_us: i64,
    /// By how much that may be wrong either way, as the authority says, µs.
    pub accuracy_us: i64,
}

/// Why an answer is no timestamp, or none of what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    #[error("answer has {0} bytes, at most {MAX_RESPONSE_BYTES} are read")]
    TooLong(usize),
    #[error("answer is not DER of a TimeStampResp: {0}")]
    Der(String),
    #[error("authority did not grant a timestamp: status {status}, {text:?}")]
    NotGranted { status: u8, text: String },
    #[error("answer is no CMS signed data of one signer over a TSTInfo: {0}")]
    Form(&'static str),
    #[error("token is for another digest than the one it should be for")]
    Imprint,
    #[error("token's {0} is not one of its content")]
    Attribute(&'static str),
    #[error("token does not hold the certificate it was signed with")]
    SignerCertificate,
    #[error("algorithm {0} is not accepted")]
    Algorithm(String),
    #[error("token's signature is wrong")]
    Signature,
    #[error(transparent)]
    Chain(#[from] ChainError),
}

struct Parsed {
    signed: SignedData,
    content: Vec<u8>,
    read: Read,
}

/// Reads an answer without checking its signature: to see whether it answers the query.
///
/// # Errors
/// When it is no granted timestamp over a SHA-256 digest.
pub fn read(response: &[u8]) -> Result<Read, TimestampError> {
    parse(response).map(|parsed| parsed.read)
}

/// Checks an answer wholly, against the digest it should be for and pinned roots.
///
/// # Errors
/// Names the first thing that does not hold.
pub fn verify(response: &[u8], imprint: &[u8; 32], roots: &Roots) -> Result<Verified, TimestampError> {
    let Parsed {
        signed,
        content,
        read,
    } = parse(response)?;
    if read.imprint != *imprint {
        return Err(TimestampError::Imprint);
    }
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(TimestampError::Form("it has not one signer"));
    };
    let certificates = certificates_of(&signed)?;
    let certificate = find_signer(signer, &certificates).ok_or(TimestampError::SignerCertificate)?;
    let message = check_attributes(signer, certificate, &content)?;
    let holds = signature::verifies(
        &certificate.tbs_certificate.subject_public_key_info,
        &signer.signature_algorithm,
        Some(&signer.digest_alg.oid),
        &message,
        signer.signature.as_bytes(),
    );
    match holds {
        Some(true) => {}
        Some(false) => return Err(TimestampError::Signature),
        None => {
            return Err(TimestampError::Algorithm(
                signer.signature_algorithm.oid.to_string(),
            ));
        }
    }
    roots.check(certificate, &certificates, read.gen_time_us)?;
    Ok(Verified {
        gen_time_us: read.gen_time_us,
        accuracy_us: read.accuracy_us,
    })
}

fn parse(response: &[u8]) -> Result<Parsed, TimestampError> {
    if response.len() > MAX_RESPONSE_BYTES {
        return Err(TimestampError::TooLong(response.len()));
    }
    let der = |error: der::Error| TimestampError::Der(error.to_string());
    let response = TimeStampResp::from_der(response).map_err(der)?;
    // 0 granted, 1 granted with modifications; whether the modifications matter is seen by the checks.
    let token = match (response.status.status, response.token) {
        (0 | 1, Some(token)) => token,
        (status, _) => {
            let text = response.status.status_string.unwrap_or_default().join("; ");
            return Err(TimestampError::NotGranted { status, text });
        }
    };
    if token.content_type != SIGNED_DATA {
        return Err(TimestampError::Form("it is not signed data"));
    }
    let signed: SignedData = token.content.decode_as().map_err(der)?;
    if signed.encap_content_info.econtent_type != TST_INFO {
        return Err(TimestampError::Form("its content is not TSTInfo"));
    }
    let content = signed.encap_content_info.econtent.as_ref();
    let content = content.ok_or(TimestampError::Form("it has no content"))?;
    let content = content.decode_as::<OctetString>().map_err(der)?.into_bytes();
    let info = TstInfo::from_der(&content).map_err(der)?;
    let read = read_info(&info)?;
    Ok(Parsed {
        signed,
        content,
        read,
    })
}

fn read_info(info: &TstInfo) -> Result<Read, TimestampError> {
    if info.version != 1 {
        return Err(TimestampError::Form("its version is not 1"));
    }
    if info
        .extensions
        .iter()
        .flatten()
        .any(|extension| extension.critical)
    {
        return Err(TimestampError::Form("it has a critical extension"));
    }
    let imprint = &info.message_imprint;
    if imprint.hash_algorithm.oid != SHA_256 {
        return Err(TimestampError::Algorithm(imprint.hash_algorithm.oid.to_string()));
    }
    let digest = imprint.hashed_message.as_bytes();
    let gen_time_us = generalized_us(&info.gen_time);
    let accuracy_us = info.accuracy.as_ref().map_or(Some(0), accuracy_us);
    Ok(Read {
        imprint: digest
            .try_into()
            .map_err(|_| TimestampError::Form("its imprint has not 32 bytes"))?,
        gen_time_us: gen_time_us.ok_or(TimestampError::Form("its time is malformed"))?,
        accuracy_us: accuracy_us.ok_or(TimestampError::Form("its accuracy is malformed"))?,
        nonce: info.nonce.as_ref().map(|nonce| nonce.as_bytes().to_vec()),
    })
}

fn certificates_of(signed: &SignedData) -> Result<Vec<Certificate>, TimestampError> {
    let choices = signed.certificates.as_ref().map(|set| set.0.as_slice());
    let choices = choices.unwrap_or_default();
    if choices.len() > MAX_CERTIFICATES {
        return Err(TimestampError::Form("it has too many certificates"));
    }
    let plain = |choice: &CertificateChoices| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate.clone()),
        CertificateChoices::Other(_) => None,
    };
    Ok(choices.iter().filter_map(plain).collect())
}

fn find_signer<'c>(signer: &SignerInfo, certificates: &'c [Certificate]) -> Option<&'c Certificate> {
    certificates.iter().find(|certificate| {
        let body = &certificate.tbs_certificate;
        match &signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(id) => {
                id.issuer == body.issuer && id.serial_number == body.serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(id) => {
                matches!(body.get::<SubjectKeyIdentifier>(), Ok(Some((_, own))) if own == *id)
            }
        }
    })
}

/// The signed attributes: right content type, right digest, right certificate. Gives the bytes that were signed.
fn check_attributes(
    signer: &SignerInfo,
    certificate: &Certificate,
    content: &[u8],
) -> Result<Vec<u8>, TimestampError> {
    let der = |error: der::Error| TimestampError::Der(error.to_string());
    let attributes = signer.signed_attrs.as_ref();
    let attributes = attributes.ok_or(TimestampError::Form("it has no signed attributes"))?;
    // Exactly one attribute of a kind, with exactly one value.
    let only = |oid: ObjectIdentifier| {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        match (found.next(), found.next()) {
            (Some(attribute), None) if attribute.values.len() == 1 => attribute.values.get(0),
            _ => None,
        }
    };
    let content_type = only(CONTENT_TYPE).and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
    if content_type != Some(TST_INFO) {
        return Err(TimestampError::Attribute("content type"));
    }
    let digest = signature::digest_of(&signer.digest_alg.oid, content)
        .ok_or_else(|| TimestampError::Algorithm(signer.digest_alg.oid.to_string()))?;
    let stated = only(MESSAGE_DIGEST).and_then(|value| value.decode_as::<OctetString>().ok());
    if stated.is_none_or(|stated| stated.as_bytes() != digest) {
        return Err(TimestampError::Attribute("message digest"));
    }
    let certificate = certificate.to_der().map_err(der)?;
    // The first certificate named is the signer's; of the two attributes the newer is believed where both are.
    let is_named = match (only(SIGNING_CERTIFICATE_V2), only(SIGNING_CERTIFICATE)) {
        (Some(value), _) => {
            let named = value.decode_as::<SigningCertificateV2>().map_err(der)?;
            let first = named.certs.first();
            first.is_some_and(|first| {
                let digest = signature::digest_of(&first.hash_algorithm, &certificate);
                digest.is_some_and(|digest| digest == first.cert_hash.as_bytes())
            })
        }
        (None, Some(value)) => {
            let named = value.decode_as::<SigningCertificate>().map_err(der)?;
            let first = named.certs.first();
            first.is_some_and(|first| first.cert_hash.as_bytes() == signature::sha1_name(&certificate))
        }
        (None, None) => false,
    };
    if !is_named {
        return Err(TimestampError::SignerCertificate);
    }
    // Signed as a SET OF, not with the tag they have inside the structure (RFC 5652 section 5.4).
    attributes.to_der().map_err(der)
}
