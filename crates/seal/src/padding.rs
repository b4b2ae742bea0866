//! Padding to length buckets, so that a ciphertext's length says little about the value.

use zeroize::Zeroizing;

/// Longest value that can be sealed, in bytes (32 MiB): well above any event the edge accepts.
pub const MAX_PLAINTEXT_LEN: usize = 32 * 1024 * 1024;

const LENGTH_PREFIX: usize = 4;
const SMALLEST_BUCKET: usize = 16;
/// Above this the buckets are multiples of it instead of powers of two: doubling a long text costs too much.
const LINEAR_FROM: usize = 64 * 1024;

/// Length in bytes of a value of `plaintext_len` bytes after padding: 4 bytes of length, the value, zeros up to
/// the next bucket (16, 32, 64, ... 65,536, then multiples of 65,536).
pub fn padded_len(plaintext_len: usize) -> usize {
    let needed = plaintext_len.saturating_add(LENGTH_PREFIX);
    if needed > LINEAR_FROM {
        return needed.div_ceil(LINEAR_FROM).saturating_mul(LINEAR_FROM);
    }
    needed.next_power_of_two().max(SMALLEST_BUCKET)
}

/// Pads `plaintext`, or `None` when it is longer than [`MAX_PLAINTEXT_LEN`].
pub(crate) fn pad(plaintext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if plaintext.len() > MAX_PLAINTEXT_LEN {
        return None;
    }
    let length = u32::try_from(plaintext.len()).ok()?;
    let mut padded = Zeroizing::new(Vec::with_capacity(padded_len(plaintext.len())));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(plaintext);
    padded.resize(padded_len(plaintext.len()), 0);
    Some(padded)
}

/// The value inside `padded`, or `None` unless `padded` is exactly what [`pad`] makes of it. One padding per
/// value: otherwise two ciphertexts could open to the same text.
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = padded.split_first_chunk::<LENGTH_PREFIX>()?;
    let length = usize::try_from(u32::from_be_bytes(*prefix)).ok()?;
    let plaintext = rest.get(..length)?;
    let zeros = &rest[length..];
    let canonical = padded.len() == padded_len(length) && zeros.iter().all(|byte| *byte == 0);
    canonical.then_some(plaintext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fall_into_buckets() {
        let cases = [
            (0, 16),
            (12, 16),
            (13, 32),
            (28, 32),
            (29, 64),
            (60, 64),
            (65_532, 65_536),
            (65_533, 131_072),
        ];
        for (length, expected) in cases {
            assert_eq!(padded_len(length), expected, "value of {length} bytes");
        }
    }

    #[test]
    fn only_the_canonical_padding_is_accepted() {
        let padded = pad(b"4111").unwrap();
        assert_eq!(unpad(&padded), Some(&b"4111"[..]));

        let mut dirty = padded.to_vec();
        dirty[15] = 1;
        assert_eq!(unpad(&dirty), None, "non-zero filler");

        let mut longer = padded.to_vec();
        longer.resize(32, 0);
        assert_eq!(unpad(&longer), None, "a larger bucket than needed");
        assert_eq!(unpad(&[0, 0, 0, 200, 1]), None, "length beyond the end");
        assert_eq!(unpad(&[0, 0]), None, "no length");
    }
}
