//! Which signatures are accepted: RSA of 2,048 to 8,192 bits (PKCS #1 v1.5) and ECDSA over P-256 and P-384, both with
//! SHA-256, SHA-384 or (RSA) SHA-512.

use der::asn1::ObjectIdentifier;
use ring::digest;
use ring::signature::{self as ring_signature, UnparsedPublicKey, VerificationAlgorithm};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::asn1::{SHA_256, SHA_384, SHA_512};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");

/// A digest of data by its algorithm's name; `None`: not accepted.
pub(crate) fn digest_of(algorithm: &ObjectIdentifier, data: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match *algorithm {
        SHA_256 => &digest::SHA256,
        SHA_384 => &digest::SHA384,
        SHA_512 => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, data).as_ref().to_vec())
}

/// SHA-1, only to find the certificate that RFC 2634 names by it; no signature rests on it.
pub(crate) fn sha1_name(data: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data)
        .as_ref()
        .to_vec()
}

/// Whether the key signed the message. `digest` is the digest algorithm stated beside the signature's algorithm, which
/// may leave it open (CMS with plain `rsaEncryption`). `None`: the algorithm is not accepted.
pub(crate) fn verifies(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    digest: Option<&ObjectIdentifier>,
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let verification = verification_of(key, algorithm, digest)?;
    let key = UnparsedPublicKey::new(verification, key.subject_public_key.as_bytes()?);
    Some(key.verify(message, signature).is_ok())
}

fn verification_of(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    digest: Option<&ObjectIdentifier>,
) -> Option<&'static dyn VerificationAlgorithm> {
    // A stated digest and the one inside the signature's algorithm must be the same.
    let agrees = |implied: ObjectIdentifier| digest.is_none_or(|stated| *stated == implied);
    if key.algorithm.oid == RSA {
        let implied = match algorithm.oid {
            RSA_SHA_256 => SHA_256,
            RSA_SHA_384 => SHA_384,
            RSA_SHA_512 => SHA_512,
            RSA => *digest?,
            _ => return None,
        };
        return match implied {
            SHA_256 if agrees(SHA_256) => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA256),
            SHA_384 if agrees(SHA_384) => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA384),
            SHA_512 if agrees(SHA_512) => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA512),
            _ => None,
        };
    }
    if key.algorithm.oid != EC {
        return None;
    }
    let curve = key.algorithm.parameters.as_ref()?.decode_as().ok()?;
    match (curve, algorithm.oid) {
        (P_256, ECDSA_SHA_256) if agrees(SHA_256) => Some(&ring_signature::ECDSA_P256_SHA256_ASN1),
        (P_256, ECDSA_SHA_384) if agrees(SHA_384) => Some(&ring_signature::ECDSA_P256_SHA384_ASN1),
        (P_384, ECDSA_SHA_256) if agrees(SHA_256) => Some(&ring_signature::ECDSA_P384_SHA256_ASN1),
        (P_384, ECDSA_SHA_384) if agrees(SHA_384) => Some(&ring_signature::ECDSA_P384_SHA384_ASN1),
        _ => None,
    }
}
