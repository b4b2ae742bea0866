//! HKDF-SHA256 (RFC 5869) and HMAC-SHA256 (RFC 2104) in the two shapes this crate needs.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Derives `LEN` bytes from `key_material` for the purpose named by `info` (its parts are concatenated; every
/// part after the first has a fixed width).
pub(crate) fn derive<const LEN: usize>(key_material: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; LEN]> {
    const { assert!(LEN <= 255 * 32, "HKDF-SHA256 yields at most 255 blocks") };
    let mut output = Zeroizing::new([0_u8; LEN]);
    Hkdf::<Sha256>::new(None, key_material)
        .expand_multi_info(info, &mut output[..])
        // Expansion fails only above 255 blocks, which the assertion above rules out at compile time.
        .expect("output length within HKDF's limit");
    output
}

/// HMAC-SHA256 over the concatenated `parts`.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length (RFC 2104 section 3).
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("hmac accepts any key length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
