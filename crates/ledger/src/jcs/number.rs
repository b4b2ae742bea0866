//! Numbers as ECMAScript writes them, RFC 8785 §3.2.2.3.

use serde_json::Number;

use super::{JcsError, MAX_SAFE_INTEGER};

pub(super) fn write(number: &Number, out: &mut Vec<u8>) -> Result<(), JcsError> {
    let too_large = || JcsError::Number(number.to_string());
    if let Some(integer) = number.as_i64() {
        if integer.unsigned_abs() > MAX_SAFE_INTEGER {
            return Err(too_large());
        }
        out.extend_from_slice(integer.to_string().as_bytes());
        return Ok(());
    }
    if number.is_u64() {
        return Err(too_large());
    }
    let float = number
        .as_f64()
        .filter(|float| float.is_finite())
        .ok_or_else(too_large)?;
    out.extend_from_slice(format_f64(float).as_bytes());
    Ok(())
}

/// ECMAScript `Number::toString` of a finite number.
fn format_f64(float: f64) -> String {
    if float == 0.0 {
        return "0".to_owned(); // minus zero too
    }
    let scientific = shortest_digits(float.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let digit_count = digits.len() as i32;
    // The decimal point stands after this many digits; the exponent of a finite f64 always parses.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let sign = if float < 0.0 { "-" } else { "" };
    let unsigned = if digit_count <= point && point <= 21 {
        format!("{digits}{}", "0".repeat((point - digit_count) as usize))
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(point as usize);
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", "0".repeat(-point as usize))
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{:+}", point - 1)
    };
    format!("{sign}{unsigned}")
}

/// The fewest digits that read back as the number, in scientific form. Of several such texts ECMAScript takes the
/// closest, and of two equally close ones that with the even last digit, where Rust's `{:e}` rounds a tie up.
fn shortest_digits(positive: f64) -> String {
    let shortest = format!("{positive:e}");
    let mantissa_len = shortest.find('e').unwrap_or(shortest.len());
    let decimals = mantissa_len.saturating_sub(2); // one digit and the point before them
    let half_even = format!("{positive:.decimals$e}");
    if half_even.parse() == Ok(positive) {
        half_even
    } else {
        shortest
    }
}

#[cfg(test)]
mod tests {
    use super::format_f64;

    /// Appendix B of RFC 8785: bits of the number, and its text.
    #[test]
    fn samples_of_the_rfc() {
        let samples = [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ];
        for (bits, text) in samples {
            let float = f64::from_bits(bits);
            assert_eq!(format_f64(float), text, "{bits:016x}");
        }
    }
}
