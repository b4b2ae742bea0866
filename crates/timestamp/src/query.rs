//! The query that is sent to an authority.

use der::Encode as _;
use der::asn1::{Int, OctetString};
use spki::AlgorithmIdentifierOwned;

use crate::asn1::{MessageImprint, SHA_256, TimeStampReq};

/// Longest nonce in bytes.
pub const MAX_NONCE_LEN: usize = 32;

/// DER of a `TimeStampReq` for a SHA-256 digest that asks for the signer's certificates. The nonce is random bytes, 1 to
/// 32; they are made a positive integer. `None` when the nonce is empty or too long.
pub fn query(imprint: &[u8; 32], nonce: &[u8]) -> Option<Vec<u8>> {
    if nonce.is_empty() || nonce.len() > MAX_NONCE_LEN {
        return None;
    }
    let request = TimeStampReq {
        version: 1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid: SHA_256,
                parameters: Some(der::asn1::Null.into()),
            },
            hashed_message: OctetString::new(imprint.as_slice()).ok()?,
        },
        nonce: Some(positive(nonce)?),
        cert_req: true,
    };
    request.to_der().ok()
}

/// The bytes as a positive DER integer: without leading zeros but one where the first bit is set.
pub(crate) fn positive(bytes: &[u8]) -> Option<Int> {
    let significant = bytes.iter().position(|byte| *byte != 0)?;
    let mut value = vec![0];
    value.extend_from_slice(&bytes[significant..]);
    if value[1] < 0x80 {
        value.remove(0);
    }
    Int::new(&value).ok()
}
