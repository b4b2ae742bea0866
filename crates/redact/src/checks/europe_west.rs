//! Identifiers of Western Europe: the British Isles, the Benelux, Germany, France, the Alps.

use super::arithmetic::{all_digits, all_same, digit, luhn, mod_11_10, number, weighted};
use super::dates::{is_date, is_ddmmyy, two};

/// British NHS number: weights 10 to 2 mod 11.
pub(crate) fn uk_nhs(digits: &[u8]) -> bool {
    if digits.len() != 10 || !all_digits(digits) || all_same(digits) {
        return false;
    }
    let expected = match 11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        value => value,
    };
    expected == digit(digits[9])
}

/// British National Insurance number: prefix rules and suffix A to D (HMRC NIM39110).
pub(crate) fn uk_nino(compact: &[u8]) -> bool {
    if compact.len() != 9 || !all_digits(&compact[2..8]) || !matches!(compact[8], b'A'..=b'D') {
        return false;
    }
    let prefix = &compact[..2];
    let letters_fit = prefix
        .iter()
        .all(|byte| byte.is_ascii_uppercase() && !b"DFIQUV".contains(byte));
    let unused: [&[u8]; 7] = [b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"];
    letters_fit && prefix[1] != b'O' && !unused.contains(&prefix)
}

/// British driving licence: surname, decade, month (plus 50 for women), day, year, initials, tie-breaker.
pub(crate) fn uk_driving_licence(compact: &[u8]) -> bool {
    if compact.len() != 16 || !all_digits(&compact[5..11]) {
        return false;
    }
    let surname = &compact[..5];
    let letters = surname
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let padded = letters > 0 && surname[letters..].iter().all(|byte| *byte == b'9');
    let month = two(&compact[6..]) % 50;
    let day = two(&compact[8..]);
    let initials =
        compact[11].is_ascii_uppercase() && (compact[12].is_ascii_uppercase() || compact[12] == b'9');
    padded
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && initials
        && compact[14..].iter().all(u8::is_ascii_uppercase)
}

/// British unique taxpayer reference: check digit first, weights 6 7 8 9 10 5 4 3 2 mod 11.
pub(crate) fn uk_utr(digits: &[u8]) -> bool {
    if digits.len() != 10 || !all_digits(digits) {
        return false;
    }
    let remainder = weighted(&digits[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    let expected = b"21987654321"[remainder as usize];
    digits[0] == expected
}

/// Irish PPS number: seven digits and a check letter mod 23, with an optional second letter.
pub(crate) fn ie_pps(compact: &[u8]) -> bool {
    if !matches!(compact.len(), 8 | 9) || !all_digits(&compact[..7]) {
        return false;
    }
    // A, B and H count since 2013; W, T and X are older marks that do not.
    let second = match compact.get(8) {
        None | Some(b'W' | b'T' | b'X') => 0,
        Some(b'A') => 1,
        Some(b'B') => 2,
        Some(b'H') => 8,
        Some(_) => return false,
    };
    let sum = weighted(compact, &[8, 7, 6, 5, 4, 3, 2]) + second * 9;
    compact[7] == b"WABCDEFGHIJKLMNOPQRSTUV"[(sum % 23) as usize]
}

/// Dutch BSN: weights 9 to 2 and -1 mod 11.
pub(crate) fn nl_bsn(digits: &[u8]) -> bool {
    if digits.len() != 9 || !all_digits(digits) || all_same(digits) {
        return false;
    }
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) + 11 - digit(digits[8]);
    sum.is_multiple_of(11)
}

/// Belgian national number: date and 97 less the remainder, with a 2 in front for births since 2000.
pub(crate) fn be_nn(digits: &[u8]) -> bool {
    if digits.len() != 11 || !all_digits(digits) {
        return false;
    }
    let body = number(&digits[..9]);
    let check = u64::from(two(&digits[9..]));
    // Bis numbers add 20 or 40 to the month; month 0 and days past the month's end stand for unknown dates.
    let month_fits = two(&digits[2..]) <= 52 && two(&digits[2..]) % 20 <= 12;
    let born_1900s = 97 - body % 97 == check;
    let born_2000s = 97 - (2_000_000_000 + body) % 97 == check;
    body > 0 && month_fits && (born_1900s || born_2000s)
}

/// German tax id: MOD 11,10; among the first ten digits one appears twice or three times, at least one never.
pub(crate) fn de_tax_id(digits: &[u8]) -> bool {
    if digits.len() != 11 || digits[0] == b'0' || !mod_11_10(digits) {
        return false;
    }
    let mut counts = [0_u8; 10];
    for byte in &digits[..10] {
        counts[digit(*byte) as usize] += 1;
    }
    let repeated: Vec<u8> = counts.into_iter().filter(|count| *count > 1).collect();
    matches!(repeated.as_slice(), [2 | 3])
}

/// German pension number: area, date, initial, serial, and a check digit over digit sums.
pub(crate) fn de_rvnr(compact: &[u8]) -> bool {
    if compact.len() != 12 || !compact[8].is_ascii_uppercase() {
        return false;
    }
    let letter = u32::from(compact[8] - b'A') + 1;
    let mut expanded = [0_u8; 12];
    expanded[..8].copy_from_slice(&compact[..8]);
    expanded[8] = b'0' + (letter / 10) as u8;
    expanded[9] = b'0' + (letter % 10) as u8;
    expanded[10..].copy_from_slice(&compact[9..11]);
    if !all_digits(&expanded) || !compact[11].is_ascii_digit() {
        return false;
    }
    let day = two(&compact[2..]) % 50;
    let month = two(&compact[4..]);
    if !(1..=31).contains(&day) || !(1..=12).contains(&month) {
        return false;
    }
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = expanded
        .iter()
        .zip(weights)
        .map(|(byte, weight)| digit(*byte) * weight)
        .map(|p| p / 10 + p % 10)
        .sum();
    sum % 10 == digit(compact[11])
}

/// German identity card or passport: nine characters and the ICAO 9303 check digit (weights 7 3 1).
pub(crate) fn de_id_card(compact: &[u8]) -> bool {
    let Some((check, body)) = compact.split_last() else {
        return false;
    };
    if body.len() != 9 || !check.is_ascii_digit() || !b"CFGHJKLMNPRTVWXYZ".contains(&body[0]) {
        return false;
    }
    let mut sum = 0;
    for (byte, weight) in body.iter().zip([7, 3, 1].iter().cycle()) {
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'Z' => u32::from(byte - b'A') + 10,
            _ => return false,
        };
        sum += value * weight;
    }
    sum % 10 == digit(*check) && body.iter().any(u8::is_ascii_digit)
}

/// French social security number: sex, date, place, serial, key 97 less the remainder; Corsica is 2A and 2B.
pub(crate) fn fr_nir(compact: &[u8]) -> bool {
    if compact.len() != 15 || !matches!(compact[0], b'1'..=b'4' | b'7' | b'8') {
        return false;
    }
    let mut body = [b'0'; 13];
    body.copy_from_slice(&compact[..13]);
    match &compact[5..7] {
        b"2A" => body[5..7].copy_from_slice(b"19"),
        b"2B" => body[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    if !all_digits(&body) || !all_digits(&compact[13..]) {
        return false;
    }
    // 20 to 42 and 50 to 99 are months of births whose month is not known.
    let month_known = matches!(two(&compact[3..]), 1..=12 | 20..=42 | 50..=99);
    month_known && 97 - number(&body) % 97 == u64::from(two(&compact[13..]))
}

/// Austrian insurance number: check digit fourth, weights 3 7 9 0 5 8 4 2 1 6 mod 11, then a date.
pub(crate) fn at_svnr(digits: &[u8]) -> bool {
    if digits.len() != 10 || !all_digits(digits) || digits[0] == b'0' {
        return false;
    }
    // Months 13 to 15 serve when a day's numbers are used up.
    let month = two(&digits[6..]);
    let dated = is_ddmmyy(&digits[4..]) || (13..=15).contains(&month);
    dated && weighted(digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == digit(digits[3])
}

/// Swiss AHV number: 756 and an EAN-13 check digit.
pub(crate) fn ch_ahv(digits: &[u8]) -> bool {
    digits.len() == 13
        && all_digits(digits)
        && digits.starts_with(b"756")
        && weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// British passports have nine digits and no check digit in the number itself.
pub(crate) fn uk_passport(digits: &[u8]) -> bool {
    digits.len() == 9 && all_digits(digits) && !all_same(digits) && digits != b"123456789"
}

/// Swedish personal number: date (day plus 60 for coordination numbers), Luhn.
pub(crate) fn se_personnummer(digits: &[u8]) -> bool {
    let short = match digits.len() {
        10 => digits,
        12 if matches!(&digits[..2], b"18" | b"19" | b"20") => &digits[2..],
        _ => return false,
    };
    if !all_digits(short) {
        return false;
    }
    let day = two(&short[4..]);
    let (year, month, day) = (
        two(short),
        two(&short[2..]),
        if day > 60 { day - 60 } else { day },
    );
    (is_date(1900 + year, month, day) || is_date(2000 + year, month, day)) && luhn(short)
}
