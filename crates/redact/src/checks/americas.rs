//! Identifiers of North and South America.

use super::arithmetic::{all_digits, all_same, digit, is_sequence, luhn, number, weighted};
use super::dates::{is_yymmdd, two};

/// US social security number: no area 000, 666 or 9xx, no group 00, no serial 0000 (SSA rules since 2011).
pub(crate) fn us_ssn(digits: &[u8]) -> bool {
    if digits.len() != 9 || !all_digits(digits) || all_same(digits) {
        return false;
    }
    let (area, group, serial) = (number(&digits[..3]), number(&digits[3..5]), number(&digits[5..]));
    !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0 && digits != b"123456789"
}

/// US individual taxpayer number: 9xx and the groups that the IRS assigns.
pub(crate) fn us_itin(digits: &[u8]) -> bool {
    digits.len() == 9
        && all_digits(digits)
        && digits[0] == b'9'
        && matches!(two(&digits[3..]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// US national provider identifier: starts with 1 or 2, Luhn over 80840 and the number (45 CFR 162.406).
pub(crate) fn us_npi(digits: &[u8]) -> bool {
    if digits.len() != 10 || !matches!(digits[0], b'1' | b'2') {
        return false;
    }
    let mut prefixed = *b"80840..........";
    prefixed[5..].copy_from_slice(digits);
    luhn(&prefixed)
}

/// US DEA number: registrant letter, letter or 9, seven digits; (d1+d3+d5) + 2(d2+d4+d6) ends in d7.
pub(crate) fn us_dea(compact: &[u8]) -> bool {
    if compact.len() != 9 || !all_digits(&compact[2..]) {
        return false;
    }
    let registrant = matches!(compact[0], b'A'..=b'H' | b'J'..=b'M' | b'P' | b'R'..=b'U' | b'X');
    let initial = compact[1].is_ascii_uppercase() || compact[1] == b'9';
    let sum = weighted(&compact[2..8], &[1, 2, 1, 2, 1, 2]);
    registrant && initial && sum % 10 == digit(compact[8])
}

/// US Medicare beneficiary identifier: eleven positions of fixed class, letters without S, L, O, I, B, Z (CMS).
pub(crate) fn us_mbi(compact: &[u8]) -> bool {
    // C 1-9, A letter, X letter or digit, 9 digit.
    const CLASSES: &[u8; 11] = b"CAX9AX9AA99";
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
    let fits = |(byte, class): (&u8, &u8)| match class {
        b'C' => matches!(byte, b'1'..=b'9'),
        b'A' => letter(*byte),
        b'X' => letter(*byte) || byte.is_ascii_digit(),
        _ => byte.is_ascii_digit(),
    };
    compact.len() == CLASSES.len() && compact.iter().zip(CLASSES).all(fits)
}

/// Canadian social insurance number: Luhn, first digit neither 0 nor 8.
pub(crate) fn ca_sin(digits: &[u8]) -> bool {
    digits.len() == 9 && !matches!(digits[0], b'0' | b'8') && luhn(digits)
}

/// Brazilian CPF: two check digits, mod 11.
pub(crate) fn br_cpf(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) || all_same(digits) {
        return false;
    }
    let first = weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
    let second = weighted(digits, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
    first == digit(digits[9]) && second == digit(digits[10])
}

/// Brazilian CNPJ: two check digits, mod 11; letters (since July 2026) count as their code less 48.
pub(crate) fn br_cnpj(compact: &[u8]) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    if compact.len() != 14 || !all_digits(&compact[12..]) || all_same(compact) {
        return false;
    }
    let value = |byte: &u8| u32::from(byte.wrapping_sub(48));
    let check = |body: &[u8]| {
        let weights = &WEIGHTS[WEIGHTS.len() - body.len()..];
        let sum: u32 = body
            .iter()
            .zip(weights)
            .map(|(byte, weight)| value(byte) * weight)
            .sum();
        if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
    };
    check(&compact[..12]) == value(&compact[12]) && check(&compact[..13]) == value(&compact[13])
}

/// Argentine CUIT or CUIL: type prefix, weights 5432765432 mod 11.
pub(crate) fn ar_cuit(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) {
        return false;
    }
    let kind_known = matches!(two(digits), 20 | 23 | 24 | 27 | 30 | 33 | 34 | 50 | 51 | 55);
    let check = match 11 - weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        value => value,
    };
    kind_known && check == digit(digits[10])
}

/// Chilean RUT: weights 2 to 7 from the right, mod 11, check K for 10.
pub(crate) fn cl_rut(compact: &[u8]) -> bool {
    let Some((check, body)) = compact.split_last() else {
        return false;
    };
    if !(7..=8).contains(&body.len()) || !all_digits(body) || all_same(body) {
        return false;
    }
    let sum: u32 = body
        .iter()
        .rev()
        .zip([2, 3, 4, 5, 6, 7].iter().cycle())
        .map(|(b, w)| digit(*b) * w)
        .sum();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        value => b'0' + value as u8,
    };
    *check == expected
}

/// Mexican CURP: date, sex, state, and a check digit over the base-37 alphabet with Ñ.
pub(crate) fn mx_curp(compact: &[u8]) -> bool {
    const STATES: &[u8] = b"ASBCBSCCCSCHCLCMDFDGGRGTHGJCMCMNMSNENLNTOCPLQRQTSLSPSRTCTLTSVZYNZS";
    if compact.len() != 18 || !all_digits(&compact[4..10]) || !compact[17].is_ascii_digit() {
        return false;
    }
    let letters = compact[..4]
        .iter()
        .chain(&compact[10..16])
        .all(u8::is_ascii_uppercase);
    let state_known = STATES.chunks_exact(2).any(|state| state == &compact[11..13]);
    let sex_known = matches!(compact[10], b'H' | b'M' | b'X');
    if !letters || !state_known || !sex_known || !is_yymmdd(&compact[4..10]) {
        return false;
    }
    let value = |byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        // Ñ sits between N and O.
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        _ => u32::from(byte - b'A') + 11,
    };
    let sum: u32 = compact[..17]
        .iter()
        .zip(2..=18_u32)
        .map(|(byte, position)| value(byte) * (20 - position))
        .sum();
    (10 - sum % 10) % 10 == digit(compact[17])
}

/// Mexican RFC of a person: four letters, date, three characters. The last is a check digit only in principle:
/// the tax office has given out many that do not hold, so it is not checked.
pub(crate) fn mx_rfc(compact: &[u8]) -> bool {
    compact.len() == 13
        && compact[..4].iter().all(u8::is_ascii_uppercase)
        && all_digits(&compact[4..10])
        && is_yymmdd(&compact[4..10])
}

/// Colombian NIT: prime weights mod 11.
pub(crate) fn co_nit(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 15] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    let Some((check, body)) = digits.split_last() else {
        return false;
    };
    if !(8..=15).contains(&body.len()) || !all_digits(digits) {
        return false;
    }
    let sum: u32 = body
        .iter()
        .rev()
        .zip(WEIGHTS)
        .map(|(byte, weight)| digit(*byte) * weight)
        .sum();
    let expected = match sum % 11 {
        remainder @ 0..=1 => remainder,
        remainder => 11 - remainder,
    };
    expected == digit(*check)
}

/// US passports have no check digit: a letter and eight digits, or nine digits.
pub(crate) fn us_passport(compact: &[u8]) -> bool {
    compact.len() == 9 && all_digits(&compact[1..]) && !all_same(&compact[1..]) && !is_sequence(compact)
}

/// US driver's licences: the state formats come down to these classes; no check digit in most states.
pub(crate) fn us_driver_license(compact: &[u8]) -> bool {
    let digits = compact.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = compact.len() - digits;
    let shape_known = match letters {
        0 => (7..=12).contains(&digits),
        1 => (4..=14).contains(&digits),
        2 => (3..=7).contains(&digits),
        3..=5 => (5..=9).contains(&digits),
        _ => false,
    };
    shape_known && !all_same(compact)
}

/// A record or member number: at least five characters with a digit, no check digit exists.
pub(crate) fn record_number(compact: &[u8]) -> bool {
    let digits = compact.iter().filter(|byte| byte.is_ascii_digit()).count();
    (5..=14).contains(&compact.len()) && digits >= 3 && !all_same(compact)
}
