//! Country calling codes (ITU-T E.164) and the lengths of national numbers.

/// The calling code at the start of `digits`: its length, and the shortest and longest national number.
pub(crate) fn calling_code(digits: &[u8]) -> Option<(usize, usize, usize)> {
    let code = |length: usize| -> Option<u32> {
        digits.get(..length).map(|prefix| {
            prefix
                .iter()
                .fold(0, |value, byte| value * 10 + u32::from(byte - b'0'))
        })
    };
    if let Some((shortest, longest)) = match code(1)? {
        1 => Some((10, 10)),
        7 => Some((10, 10)),
        _ => None,
    } {
        return Some((1, shortest, longest));
    }
    if let Some((shortest, longest)) = two_digit_code(code(2)?) {
        return Some((2, shortest, longest));
    }
    is_three_digit_code(code(3)?).then_some((3, 6, 10))
}

fn two_digit_code(code: u32) -> Option<(usize, usize)> {
    let lengths = match code {
        20 => (8, 10),
        27 | 31 | 33 | 34 | 40 | 41 | 48 | 56 | 61 | 93 | 94 => (9, 9),
        30 | 52 | 58 | 90 | 91 | 98 => (10, 10),
        32 | 36 => (8, 9),
        39 => (6, 11),
        43 => (6, 13),
        44 => (9, 10),
        45 | 47 | 65 => (8, 8),
        46 => (7, 10),
        49 => (6, 12),
        51 => (8, 9),
        53 => (6, 8),
        54 | 55 => (10, 11),
        57 => (8, 10),
        60 => (7, 10),
        62 => (8, 12),
        63 => (8, 10),
        64 => (8, 10),
        66 => (8, 9),
        81 => (9, 10),
        82 => (8, 11),
        84 => (7, 10),
        86 => (9, 12),
        92 => (9, 10),
        95 => (7, 10),
        _ => return None,
    };
    Some(lengths)
}

fn is_three_digit_code(code: u32) -> bool {
    matches!(
        code,
        211..=213 | 216 | 218 | 220..=269 | 290 | 291 | 297..=299 | 350..=359 | 370..=378 | 380..=383 | 385..=387
            | 389 | 420 | 421 | 423 | 500..=509 | 590..=599 | 670 | 672..=683 | 685..=692 | 850 | 852 | 853 | 855 | 856
            | 880 | 886 | 960..=968 | 970..=977 | 992..=996 | 998
    )
}

/// Whether ten digits are a number of the North American plan: area and exchange start with 2 to 9 and are not
/// service codes such as 911.
pub(crate) fn is_north_american(digits: &[u8]) -> bool {
    let block = |part: &[u8]| matches!(part[0], b'2'..=b'9') && &part[1..] != b"11";
    digits.len() == 10 && block(&digits[..3]) && block(&digits[3..6])
}
