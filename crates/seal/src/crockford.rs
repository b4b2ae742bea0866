//! Crockford's base 32: digits and upper-case letters without I, L, O and U.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Encodes 80 bits as 16 characters, most significant bit first.
pub fn encode_80_bits(bits: &[u8; 10]) -> String {
    let mut text = String::with_capacity(16);
    for half in bits.chunks_exact(5) {
        let mut value = 0_u64;
        for byte in half {
            value = value << 8 | u64::from(*byte);
        }
        for position in (0..8).rev() {
            let digit = (value >> (position * 5)) & 31;
            text.push(char::from(ALPHABET[digit as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(encode_80_bits(&[0; 10]), "0000000000000000");
        assert_eq!(encode_80_bits(&[255; 10]), "ZZZZZZZZZZZZZZZZ");
        assert_eq!(
            encode_80_bits(&[0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0]),
            "00000001G0000000"
        );
    }
}
