//! Cards, accounts and banks.

use super::arithmetic::{all_digits, all_same, luhn, mod_97, number, weighted};
use super::dates::two;

/// Card number: issuer identification number, length of that issuer, Luhn (ISO/IEC 7812-1).
pub(crate) fn card(digits: &[u8]) -> bool {
    (12..=19).contains(&digits.len()) && card_length_fits(digits) && !all_same(digits) && luhn(digits)
}

/// Whether the issuer that the first six digits name gives out numbers of this length.
fn card_length_fits(digits: &[u8]) -> bool {
    if !all_digits(digits) {
        return false;
    }
    let length = digits.len();
    let prefix = number(&digits[..6]);
    match prefix {
        // Visa.
        400_000..=499_999 => matches!(length, 13 | 16 | 19),
        // Mastercard.
        222_100..=272_099 | 510_000..=559_999 => length == 16,
        // American Express.
        340_000..=349_999 | 370_000..=379_999 => length == 15,
        // Diners Club.
        300_000..=305_999 | 309_500..=309_599 | 380_000..=399_999 => matches!(length, 14 | 16 | 19),
        360_000..=369_999 => (14..=19).contains(&length),
        // JCB.
        352_800..=358_999 => (16..=19).contains(&length),
        180_000..=180_099 | 213_100..=213_199 => length == 15,
        // Discover; RuPay shares 60, 65, 81 and 82.
        601_100..=601_199 | 644_000..=659_999 => (16..=19).contains(&length),
        // Maestro.
        500_000..=509_999
        | 560_000..=589_999
        | 600_000..=601_099
        | 601_200..=619_999
        | 630_000..=643_999
        | 660_000..=699_999 => (12..=19).contains(&length),
        // UnionPay.
        620_000..=629_999 => (16..=19).contains(&length),
        // Mir.
        220_000..=220_499 => (16..=19).contains(&length),
        810_000..=829_999 => length == 16,
        _ => false,
    }
}

/// Length of a country's IBAN (SWIFT IBAN registry), or `None`.
pub(crate) fn iban_length(country: &[u8]) -> Option<usize> {
    let length = match country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FO" | b"FI" | b"GL" | b"NL" | b"SD" | b"FK" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"XK" | b"MN" => 20,
        b"CH" | b"HR" | b"LV" | b"LI" => 21,
        b"BG" | b"BH" | b"CR" | b"DE" | b"GE" | b"GB" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"TL" | b"SO" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL" | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" | b"YE" => 29,
        b"JO" | b"KW" | b"MU" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    };
    Some(length)
}

/// IBAN: country, its length, MOD 97-10 (ISO 13616-1).
pub(crate) fn iban(compact: &[u8]) -> bool {
    if compact.len() < 5 || iban_length(&compact[..2]) != Some(compact.len()) {
        return false;
    }
    let rotated = compact[4..].iter().chain(&compact[..4]).copied();
    all_digits(&compact[2..4]) && mod_97(rotated) == 1
}

/// ABA routing number: Federal Reserve prefix and weights 3, 7, 1.
pub(crate) fn aba_routing(digits: &[u8]) -> bool {
    if digits.len() != 9 || !all_digits(digits) || all_same(digits) {
        return false;
    }
    let prefix_known = matches!(two(digits), 0..=12 | 21..=32 | 61..=72 | 80);
    prefix_known && weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// US account numbers have no check digit; fillers are refused.
pub(crate) fn us_account(digits: &[u8]) -> bool {
    (7..=17).contains(&digits.len()) && all_digits(digits) && !all_same(digits)
}

/// BIC (ISO 9362): four letters, a country, two characters, and a branch of three or none.
pub(crate) fn bic(compact: &[u8]) -> bool {
    // ISO 3166-1 alpha-2 codes (and XK) in one string of pairs.
    const COUNTRIES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCL\
        CMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEIL\
        IMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA\
        NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTG\
        THTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";
    let country = compact.get(4..6).unwrap_or_default();
    matches!(compact.len(), 8 | 11)
        && compact[..6].iter().all(u8::is_ascii_uppercase)
        && COUNTRIES.as_bytes().chunks_exact(2).any(|known| known == country)
}

/// IMEI: 15 digits with Luhn (3GPP TS 23.003 annex B), not a filler.
pub(crate) fn imei(digits: &[u8]) -> bool {
    digits.len() == 15 && !all_same(digits) && luhn(digits)
}

/// Vehicle identification number with the North American check digit (49 CFR 565.15).
pub(crate) fn vin(compact: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if compact.len() != 17 {
        return false;
    }
    let mut sum = 0;
    for (byte, weight) in compact.iter().zip(WEIGHTS) {
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'H' => u32::from(byte - b'A') + 1,
            b'J'..=b'N' => u32::from(byte - b'J') + 1,
            b'P' => 7,
            b'R' => 9,
            b'S'..=b'Z' => u32::from(byte - b'S') + 2,
            _ => return false,
        };
        sum += value * weight;
    }
    let expected = match sum % 11 {
        10 => b'X',
        value => b'0' + value as u8,
    };
    compact[8] == expected
        && compact.iter().any(u8::is_ascii_alphabetic)
        && compact.iter().any(u8::is_ascii_digit)
}
