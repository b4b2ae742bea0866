//! Identifiers of Africa, Asia and Turkey.

use super::arithmetic::{all_digits, all_same, digit, luhn, mod_11_2, verhoeff, weighted};
use super::dates::{is_date, is_yymmdd, is_yyyymmdd, two};

/// Indian Aadhaar: first digit 2 to 9, not a palindrome, Verhoeff (UIDAI).
pub(crate) fn in_aadhaar(digits: &[u8]) -> bool {
    let palindrome = digits.iter().eq(digits.iter().rev());
    digits.len() == 12 && matches!(digits[0], b'2'..=b'9') && !palindrome && verhoeff(digits)
}

/// Indian permanent account number: the fourth letter is the holder's kind, the number is not 0000.
pub(crate) fn in_pan(compact: &[u8]) -> bool {
    compact.len() == 10
        && compact[..5].iter().all(u8::is_ascii_uppercase)
        && b"PCHABGJLFTK".contains(&compact[3])
        && all_digits(&compact[5..9])
        && &compact[5..9] != b"0000"
        && compact[9].is_ascii_uppercase()
}

/// Indian GSTIN: state, PAN, entity, Z, and a base-36 Luhn character.
pub(crate) fn in_gstin(compact: &[u8]) -> bool {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if compact.len() != 15 || !all_digits(&compact[..2]) || !matches!(two(compact), 1..=38 | 97 | 99) {
        return false;
    }
    if !in_pan(&compact[2..12]) || compact[12] == b'0' || compact[13] != b'Z' {
        return false;
    }
    let mut sum = 0;
    for (position, byte) in compact.iter().rev().enumerate() {
        let Some(value) = ALPHABET.iter().position(|known| known == byte) else {
            return false;
        };
        let product = value * (1 + position % 2);
        sum += product / 36 + product % 36;
    }
    sum % 36 == 0
}

/// South African identity number: date, citizenship 0 to 2, Luhn.
pub(crate) fn za_id(digits: &[u8]) -> bool {
    digits.len() == 13
        && all_digits(digits)
        && is_yymmdd(digits)
        && matches!(digits[10], b'0'..=b'2')
        && luhn(digits)
}

/// Singapore NRIC or FIN: weights 2 7 6 5 4 3 2 with an offset by series and a check letter.
pub(crate) fn sg_nric(compact: &[u8]) -> bool {
    if compact.len() != 9 || !all_digits(&compact[1..8]) {
        return false;
    }
    let sum = weighted(&compact[1..8], &[2, 7, 6, 5, 4, 3, 2]) as usize;
    let expected = match compact[0] {
        b'S' => b"JZIHGFEDCBA"[sum % 11],
        b'T' => b"JZIHGFEDCBA"[(sum + 4) % 11],
        b'F' => b"XWUTRQPNMLK"[sum % 11],
        b'G' => b"XWUTRQPNMLK"[(sum + 4) % 11],
        b'M' => b"KLJNPQRTUWX"[10 - (sum + 3) % 11],
        _ => return false,
    };
    compact[8] == expected
}

/// Thai national id: weights 13 to 2 mod 11; the first digit is neither 0 nor 9.
pub(crate) fn th_pin(digits: &[u8]) -> bool {
    if digits.len() != 13 || !all_digits(digits) || matches!(digits[0], b'0' | b'9') {
        return false;
    }
    (11 - weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == digit(digits[12])
}

/// South Korean resident registration number: date and century digit. Numbers issued since October 2020 carry no
/// checksum, so none is required.
pub(crate) fn kr_rrn(digits: &[u8]) -> bool {
    if digits.len() != 13 || !all_digits(digits) {
        return false;
    }
    let century = match digits[6] {
        b'1' | b'2' | b'5' | b'6' => 1900,
        b'3' | b'4' | b'7' | b'8' => 2000,
        _ => 1800,
    };
    is_date(century + two(digits), two(&digits[2..]), two(&digits[4..]))
}

/// Japanese individual number: weights 6 5 4 3 2 7 6 5 4 3 2 mod 11.
pub(crate) fn jp_my_number(digits: &[u8]) -> bool {
    if digits.len() != 12 || !all_digits(digits) || all_same(digits) {
        return false;
    }
    let remainder = weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let expected = if remainder <= 1 { 0 } else { 11 - remainder };
    expected == digit(digits[11])
}

/// Chinese resident id: province, date, MOD 11-2 (GB 11643).
pub(crate) fn cn_resident_id(compact: &[u8]) -> bool {
    const PROVINCES: [u32; 34] = [
        11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53,
        54, 61, 62, 63, 64, 65, 71, 81, 82,
    ];
    compact.len() == 18
        && all_digits(&compact[..17])
        && PROVINCES.contains(&two(compact))
        && is_yyyymmdd(&compact[6..14])
        && mod_11_2(compact)
}

/// Taiwanese id: area letter, sex or residence digit, weights mod 10.
pub(crate) fn tw_id(compact: &[u8]) -> bool {
    // The order in which letters stand for 10, 11, 12, ...
    const LETTERS: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    if compact.len() != 10 || !all_digits(&compact[1..]) || !matches!(compact[1], b'1' | b'2' | b'8' | b'9') {
        return false;
    }
    let Some(position) = LETTERS.iter().position(|letter| *letter == compact[0]) else {
        return false;
    };
    let code = position as u32 + 10;
    let sum = code / 10 + code % 10 * 9 + weighted(&compact[1..], &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    sum.is_multiple_of(10)
}

/// Hong Kong identity card: one or two letters, six digits, check 0 to 9 or A, mod 11.
pub(crate) fn hk_id(compact: &[u8]) -> bool {
    let letters = compact.len().saturating_sub(7);
    if !matches!(letters, 1 | 2) || !all_digits(&compact[letters..letters + 6]) {
        return false;
    }
    if !compact[..letters].iter().all(u8::is_ascii_uppercase) {
        return false;
    }
    let check = match compact[compact.len() - 1] {
        b'A' => 10,
        byte @ b'0'..=b'9' => digit(byte),
        _ => return false,
    };
    let value = |byte: u8| {
        if byte.is_ascii_digit() {
            digit(byte)
        } else {
            u32::from(byte - b'A') + 10
        }
    };
    // A single letter counts as if a space (36) stood before it.
    let mut sum = if letters == 1 { 36 * 9 } else { 0 };
    let first_weight = if letters == 1 { 8 } else { 9 };
    for (position, byte) in compact[..compact.len() - 1].iter().enumerate() {
        sum += value(*byte) * (first_weight - position as u32);
    }
    (sum + check).is_multiple_of(11)
}

/// Malaysian NRIC: date and a known place of birth; no check digit.
pub(crate) fn my_nric(digits: &[u8]) -> bool {
    if digits.len() != 12 || !all_digits(digits) || !is_yymmdd(digits) {
        return false;
    }
    let place = two(&digits[6..]);
    !matches!(place, 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97)
}

/// Indonesian NIK: province, date (day plus 40 for women), serial not 0000.
pub(crate) fn id_nik(digits: &[u8]) -> bool {
    if digits.len() != 16 || !all_digits(digits) || &digits[12..] == b"0000" {
        return false;
    }
    let province_known =
        matches!(two(digits), 11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=96);
    let (day, month, year) = (two(&digits[6..]) % 40, two(&digits[8..]), two(&digits[10..]));
    let day_in_range = two(&digits[6..]) <= 71;
    province_known && day_in_range && (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
}

/// Turkish identity number: first digit not 0, two check digits.
pub(crate) fn tr_tckn(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) || digits[0] == b'0' {
        return false;
    }
    let odd = weighted(digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(digits, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let tenth = (odd * 7 + 10 * 9 - even) % 10;
    let eleventh = (odd + even + tenth) % 10;
    tenth == digit(digits[9]) && eleventh == digit(digits[10])
}

/// Israeli identity number: Luhn over nine digits.
pub(crate) fn il_id(digits: &[u8]) -> bool {
    digits.len() == 9 && !all_same(digits) && luhn(digits)
}
