//! The check-digit schemes that many identifiers share.

/// Value of an ASCII digit; letters and others give 255, which no check accepts by accident because callers test
/// [`all_digits`] first.
pub(crate) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

pub(crate) fn all_digits(compact: &[u8]) -> bool {
    !compact.is_empty() && compact.iter().all(u8::is_ascii_digit)
}

/// The number that up to 18 digits write.
pub(crate) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, byte| {
        value.wrapping_mul(10).wrapping_add(u64::from(digit(*byte)))
    })
}

/// Whether every character is the same, as in a filler such as 0000000000.
pub(crate) fn all_same(compact: &[u8]) -> bool {
    compact.windows(2).all(|pair| pair[0] == pair[1])
}

/// Whether the digits count up or down by one throughout, as in 123456789.
pub(crate) fn is_sequence(digits: &[u8]) -> bool {
    let steps_by = |step: i16| {
        digits
            .windows(2)
            .all(|pair| (i16::from(pair[1]) - i16::from(pair[0]) - step) % 10 == 0)
    };
    digits.len() > 2 && (steps_by(1) || steps_by(-1))
}

/// Luhn's formula (ISO/IEC 7812-1 annex B).
pub(crate) fn luhn(digits: &[u8]) -> bool {
    if !all_digits(digits) {
        return false;
    }
    let mut sum = 0;
    for (position, byte) in digits.iter().rev().enumerate() {
        let value = digit(*byte);
        sum += match position % 2 {
            0 => value,
            _ if value > 4 => value * 2 - 9,
            _ => value * 2,
        };
    }
    sum % 10 == 0
}

/// Sum of `weights[i] * digits[i]` over the shorter of the two.
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(byte, weight)| digit(*byte) * weight)
        .sum()
}

/// ISO/IEC 7064 MOD 97-10 of letters and digits (A = 10 ... Z = 35): the remainder, 1 when valid.
pub(crate) fn mod_97(compact: impl Iterator<Item = u8>) -> u32 {
    let mut remainder = 0_u32;
    for byte in compact {
        remainder = match byte {
            b'0'..=b'9' => (remainder * 10 + digit(byte)) % 97,
            b'A'..=b'Z' => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
            _ => return 0,
        };
    }
    remainder
}

/// ISO/IEC 7064 MOD 11,10 (hybrid): valid when the running product ends at 1.
pub(crate) fn mod_11_10(digits: &[u8]) -> bool {
    if !all_digits(digits) {
        return false;
    }
    let mut check = 5;
    for byte in digits {
        let doubled = if check == 0 { 10 } else { check } * 2 % 11;
        check = (doubled + digit(*byte)) % 10;
    }
    check == 1
}

/// ISO/IEC 7064 MOD 11-2: the last character may be X for 10.
pub(crate) fn mod_11_2(compact: &[u8]) -> bool {
    let Some((last, body)) = compact.split_last() else {
        return false;
    };
    if !all_digits(body) {
        return false;
    }
    let sum = body.iter().fold(0, |sum, byte| (sum + digit(*byte)) * 2 % 11);
    let expected = (12 - sum) % 11;
    match expected {
        10 => *last == b'X',
        value => u32::from(last.wrapping_sub(b'0')) == value,
    }
}

/// Verhoeff's dihedral check (J. Verhoeff, 1969).
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    const MULTIPLY: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const PERMUTE: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    if !all_digits(digits) {
        return false;
    }
    let mut check = 0_u8;
    for (position, byte) in digits.iter().rev().enumerate() {
        let permuted = PERMUTE[position % 8][digit(*byte) as usize];
        check = MULTIPLY[check as usize][permuted as usize];
    }
    check == 0
}
