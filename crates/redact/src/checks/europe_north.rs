//! Identifiers of Northern, Central and Eastern Europe.

use super::arithmetic::{all_digits, all_same, digit, number, weighted};
use super::dates::{is_date, two};

/// Polish PESEL: date with the century in the month, weights 1 3 7 9 mod 10.
pub(crate) fn pl_pesel(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) {
        return false;
    }
    let (year, month, day) = (two(digits), two(&digits[2..]), two(&digits[4..]));
    let century = match month / 20 {
        0 => 1900,
        1 => 2000,
        2 => 2100,
        3 => 2200,
        _ => 1800,
    };
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    is_date(century + year, month % 20, day) && sum.is_multiple_of(10)
}

/// Finnish personal identity code: date, century sign, serial, check character mod 31 (signs of 2023 included).
pub(crate) fn fi_hetu(compact: &[u8]) -> bool {
    const CHECK: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    if compact.len() != 11 || !all_digits(&compact[..6]) || !all_digits(&compact[7..10]) {
        return false;
    }
    let century = match compact[6] {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let dated = is_date(century + two(&compact[4..]), two(&compact[2..]), two(compact));
    let value = number(&compact[..6]) * 1000 + number(&compact[7..10]);
    dated && number(&compact[7..10]) >= 2 && compact[10] == CHECK[(value % 31) as usize]
}

/// Norwegian national number: date (day plus 40 for D numbers), two check digits mod 11, century by serial.
pub(crate) fn no_fnr(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) {
        return false;
    }
    let day = two(digits) % 40 + if two(digits) == 40 { 40 } else { 0 };
    let (month, year, serial) = (two(&digits[2..]) % 40, two(&digits[4..]), number(&digits[6..9]));
    let century = match (serial, year) {
        (0..=499, _) => 1900,
        (500..=749, 54..) => 1800,
        (500..=999, 0..=39) => 2000,
        (900..=999, 40..) => 1900,
        _ => return false,
    };
    let first = (11 - weighted(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    is_date(century + year, month, day) && first == digit(digits[9]) && second == digit(digits[10])
}

/// Danish CPR: a date with the century in the seventh digit; the mod 11 check has not been kept since 2007.
pub(crate) fn dk_cpr(digits: &[u8]) -> bool {
    if digits.len() != 10 || !all_digits(digits) || &digits[6..] == b"0000" {
        return false;
    }
    let year = two(&digits[4..]);
    let century = match (digits[6], year) {
        (b'0'..=b'3', _) | (b'4' | b'9', 37..) => 1900,
        (b'4' | b'9', _) | (_, 0..=57) => 2000,
        _ => 1800,
    };
    is_date(century + year, two(&digits[2..]), two(digits))
}

/// Estonian and Lithuanian personal code: century digit, date, two-pass mod 11.
pub(crate) fn baltic_id(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) || !matches!(digits[0], b'1'..=b'8') {
        return false;
    }
    let century = 1800 + (digit(digits[0]) - 1) / 2 * 100;
    if !is_date(century + two(&digits[1..]), two(&digits[3..]), two(&digits[5..])) {
        return false;
    }
    let expected = match weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        value => value,
    };
    expected == digit(digits[10])
}

/// Latvian personal code: date and mod 11, or the undated codes that start with 32.
pub(crate) fn lv_personal_code(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) {
        return false;
    }
    if digits.starts_with(b"32") {
        return true;
    }
    let century = match digits[6] {
        b'0' => 1800,
        b'1' => 1900,
        b'2' => 2000,
        _ => return false,
    };
    let check = 1 + weighted(digits, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    is_date(century + two(&digits[4..]), two(&digits[2..]), two(digits))
        && check % 11 % 10 == digit(digits[10])
}

/// Czech and Slovak birth number: date (month plus 20, 50 or 70), ten digits divisible by 11.
pub(crate) fn cz_rodne_cislo(digits: &[u8]) -> bool {
    if digits.len() != 10 || !all_digits(digits) {
        return false;
    }
    let year = two(digits);
    let century = if year >= 54 { 1900 } else { 2000 };
    let month = match two(&digits[2..]) {
        month @ 1..=12 => month,
        month @ 51..=62 => month - 50,
        month @ 21..=32 if century == 2000 => month - 20,
        month @ 71..=82 if century == 2000 => month - 70,
        _ => return false,
    };
    // A remainder of 10 is written as 0; common until 1985, and still accepted.
    let expected = number(&digits[..9]) % 11 % 10;
    is_date(century + year, month, two(&digits[4..])) && expected == u64::from(digit(digits[9]))
}

/// Romanian CNP: century and sex, date, county, weights 2 7 9 1 4 6 3 5 8 2 7 9 mod 11.
pub(crate) fn ro_cnp(digits: &[u8]) -> bool {
    if digits.len() != 13 || !all_digits(digits) {
        return false;
    }
    let centuries: &[u32] = match digits[0] {
        b'1' | b'2' => &[1900],
        b'3' | b'4' => &[1800],
        b'5' | b'6' => &[2000],
        b'7' | b'8' | b'9' => &[1900, 2000],
        _ => return false,
    };
    let (year, month, day) = (two(&digits[1..]), two(&digits[3..]), two(&digits[5..]));
    let county_known = matches!(two(&digits[7..]), 1..=48 | 51 | 52 | 70 | 80..=83);
    let check = match weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
        10 => 1,
        value => value,
    };
    county_known
        && centuries
            .iter()
            .any(|century| is_date(century + year, month, day))
        && check == digit(digits[12])
}

/// Bulgarian EGN: date with the century in the month, weights 2 4 8 5 10 9 7 3 6 mod 11.
pub(crate) fn bg_egn(digits: &[u8]) -> bool {
    if digits.len() != 10 || !all_digits(digits) {
        return false;
    }
    let (year, month) = match (two(digits), two(&digits[2..])) {
        (year, month @ 41..=52) => (2000 + year, month - 40),
        (year, month @ 21..=32) => (1800 + year, month - 20),
        (year, month) => (1900 + year, month),
    };
    let check = weighted(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    is_date(year, month, two(&digits[4..])) && check == digit(digits[9])
}

/// Hungarian TAJ: weights 3 and 7 mod 10.
pub(crate) fn hu_taj(digits: &[u8]) -> bool {
    digits.len() == 9
        && all_digits(digits)
        && !all_same(digits)
        && weighted(digits, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == digit(digits[8])
}
