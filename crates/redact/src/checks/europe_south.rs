//! Identifiers of Southern Europe.

use super::arithmetic::{all_digits, all_same, digit, luhn, mod_11_10, number, weighted};
use super::dates::{is_date, is_ddmmyy, two};

const ES_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Spanish NIF of a citizen: eight digits and a letter mod 23.
pub(crate) fn es_nif(compact: &[u8]) -> bool {
    compact.len() == 9
        && all_digits(&compact[..8])
        && !all_same(&compact[..8])
        && compact[8] == ES_LETTERS[(number(&compact[..8]) % 23) as usize]
}

/// Spanish NIE of a foreigner: X, Y or Z stand for 0, 1 or 2 before seven digits.
pub(crate) fn es_nie(compact: &[u8]) -> bool {
    if compact.len() != 9 || !all_digits(&compact[1..8]) {
        return false;
    }
    let leading = match compact[0] {
        b'X' => 0,
        b'Y' => 10_000_000,
        b'Z' => 20_000_000,
        _ => return false,
    };
    compact[8] == ES_LETTERS[((leading + number(&compact[1..8])) % 23) as usize]
}

/// Italian fiscal code: structure with date and place, digits possibly replaced by letters where two codes would
/// be equal (omocodia), and a check letter from the odd and even tables (D.M. 23/12/1976).
pub(crate) fn it_fiscal_code(compact: &[u8]) -> bool {
    // Values of 0-9 then A-Z at odd positions.
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12,
        14, 16, 10, 22, 25, 24, 23,
    ];
    const DIGIT_POSITIONS: [usize; 7] = [6, 7, 9, 10, 12, 13, 14];
    if compact.len() != 16
        || !compact
            .iter()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    {
        return false;
    }
    let letters_fit = compact[..6].iter().all(u8::is_ascii_uppercase)
        && b"ABCDEHLMPRST".contains(&compact[8])
        && compact[11].is_ascii_uppercase();
    let mut plain = [0_u8; 16];
    plain.copy_from_slice(compact);
    for position in DIGIT_POSITIONS {
        let byte = compact[position];
        if byte.is_ascii_digit() {
            continue;
        }
        let Some(value) = b"LMNPQRSTUV".iter().position(|letter| *letter == byte) else {
            return false;
        };
        plain[position] = b'0' + value as u8;
    }
    let day = two(&plain[9..]);
    let day_fits = matches!(day, 1..=31 | 41..=71);
    let value = |byte: u8| {
        if byte.is_ascii_digit() {
            digit(byte) as usize
        } else {
            usize::from(byte - b'A') + 10
        }
    };
    let mut sum = 0;
    for (position, byte) in compact[..15].iter().enumerate() {
        sum += match position % 2 {
            0 => ODD[value(*byte)],
            _ if byte.is_ascii_digit() => digit(*byte),
            _ => u32::from(byte - b'A'),
        };
    }
    letters_fit && day_fits && compact[15] == b'A' + (sum % 26) as u8
}

/// Portuguese NIF: weights 9 to 2 mod 11, known first digits.
pub(crate) fn pt_nif(digits: &[u8]) -> bool {
    if digits.len() != 9 || !all_digits(digits) || digits[0] == b'0' || all_same(digits) {
        return false;
    }
    let expected = match 11 - weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
        10 | 11 => 0,
        value => value,
    };
    expected == digit(digits[8])
}

/// Greek AMKA: date and Luhn.
pub(crate) fn gr_amka(digits: &[u8]) -> bool {
    digits.len() == 11 && all_digits(digits) && is_ddmmyy(digits) && luhn(digits)
}

/// Croatian OIB: MOD 11,10.
pub(crate) fn hr_oib(digits: &[u8]) -> bool {
    digits.len() == 11 && !all_same(digits) && mod_11_10(digits)
}

/// Slovenian EMŠO (and the other JMBG of former Yugoslavia): date, region, weights 7 to 2 mod 11.
pub(crate) fn si_emso(digits: &[u8]) -> bool {
    if digits.len() != 13 || !all_digits(digits) {
        return false;
    }
    let short_year = number(&digits[4..7]) as u32;
    let year = if short_year < 800 {
        2000 + short_year
    } else {
        1000 + short_year
    };
    let sum = weighted(digits, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let expected = (11 - sum % 11) % 11 % 10;
    is_date(year, two(&digits[2..]), two(digits)) && expected == digit(digits[12])
}
