//! Dates inside identifiers.

use super::arithmetic::{digit, number};

/// Whether the Gregorian date exists.
pub(crate) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// The number that two digits write.
pub(crate) fn two(digits: &[u8]) -> u32 {
    digits
        .iter()
        .take(2)
        .fold(0, |value, byte| value * 10 + digit(*byte))
}

/// `YYMMDD` in either the 20th or the 21st century.
pub(crate) fn is_yymmdd(digits: &[u8]) -> bool {
    let (year, month, day) = (two(digits), two(&digits[2..]), two(&digits[4..]));
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// `DDMMYY` in either the 20th or the 21st century.
pub(crate) fn is_ddmmyy(digits: &[u8]) -> bool {
    let (day, month, year) = (two(digits), two(&digits[2..]), two(&digits[4..]));
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// `YYYYMMDD` between 1850 and 2099.
pub(crate) fn is_yyyymmdd(digits: &[u8]) -> bool {
    let year = number(&digits[..4]) as u32;
    (1850..2100).contains(&year) && is_date(year, two(&digits[4..]), two(&digits[6..]))
}
