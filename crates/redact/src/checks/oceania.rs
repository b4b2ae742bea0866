//! Identifiers of Australia and New Zealand.

use super::arithmetic::{all_digits, all_same, digit, number, weighted};

/// Australian tax file number: weights 1 4 3 7 5 8 6 9 10 mod 11 (nine digits).
pub(crate) fn au_tfn(digits: &[u8]) -> bool {
    digits.len() == 9
        && all_digits(digits)
        && !all_same(digits)
        && weighted(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Australian business number: first digit less one, weights 10 1 3 ... 19 mod 89.
pub(crate) fn au_abn(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) || digits[0] == b'0' {
        return false;
    }
    (weighted(digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10).is_multiple_of(89)
}

/// Australian company number: weights 8 to 1 mod 10.
pub(crate) fn au_acn(digits: &[u8]) -> bool {
    if digits.len() != 9 || !all_digits(digits) || all_same(digits) {
        return false;
    }
    (10 - weighted(digits, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == digit(digits[8])
}

/// Australian Medicare card: first digit 2 to 6, weights 1 3 7 9 1 3 7 9 mod 10, then issue number (and person).
pub(crate) fn au_medicare(digits: &[u8]) -> bool {
    if !matches!(digits.len(), 10 | 11) || !all_digits(digits) {
        return false;
    }
    let issued = digits[9] != b'0';
    matches!(digits[0], b'2'..=b'6')
        && issued
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(digits[8])
}

/// New Zealand IRD number: two weight tables mod 11, 10,000,000 to 150,000,000.
pub(crate) fn nz_ird(digits: &[u8]) -> bool {
    if !matches!(digits.len(), 8 | 9) || !all_digits(digits) {
        return false;
    }
    if !(10_000_000..150_000_000).contains(&number(digits)) {
        return false;
    }
    let mut padded = [b'0'; 9];
    padded[9 - digits.len()..].copy_from_slice(digits);
    let check = |weights: &[u32; 8]| match weighted(&padded, weights) % 11 {
        0 => 0,
        remainder => 11 - remainder,
    };
    let expected = match check(&[3, 2, 7, 6, 5, 4, 3, 2]) {
        10 => check(&[7, 4, 3, 2, 5, 2, 7, 6]),
        value => value,
    };
    expected == digit(padded[8])
}
