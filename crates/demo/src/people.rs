//! Invented people and identifiers. Everything is either reserved for documentation (example domains, RFC 5737
//! addresses, 555-01xx and Ofcom drama numbers, test card ranges) or built to pass its checksum from random digits.

use crate::rng::Rng;

const FIRST_NAMES: [&str; 48] = [
    "Aoife", "Marcus", "Priya", "Daniel", "Chioma", "Elena", "Tomasz", "Grace", "Hiroshi", "Fatima", "Liam",
    "Sofia", "Noah", "Amara", "Viktor", "Ingrid", "Carlos", "Mei", "Patrick", "Leila", "Oscar", "Hannah",
    "Rajesh", "Isabel", "Connor", "Yara", "Matteo", "Niamh", "Samuel", "Zainab", "Erik", "Olivia", "Diego",
    "Ruth", "Kwame", "Clara", "Jonas", "Teresa", "Ahmed", "Beatrix", "Colm", "Dalia", "Ewan", "Freya",
    "Gustav", "Imani", "Joan", "Kateryna",
];
const LAST_NAMES: [&str; 48] = [
    "Byrne",
    "Whitfield",
    "Raman",
    "Okafor",
    "Petrova",
    "Kowalski",
    "Tanaka",
    "Haddad",
    "Gallagher",
    "Moretti",
    "Lindqvist",
    "Alvarez",
    "Chen",
    "Doyle",
    "Farouk",
    "Novak",
    "Sharma",
    "Murphy",
    "Santos",
    "Bergmann",
    "Osei",
    "Fischer",
    "Delacroix",
    "Ahmadi",
    "Kaur",
    "Brennan",
    "Vasquez",
    "Nakamura",
    "Walsh",
    "Eriksen",
    "Popescu",
    "Hughes",
    "Mensah",
    "Laurent",
    "Quinn",
    "Rossi",
    "Schneider",
    "Adeyemi",
    "Keane",
    "Ivanova",
    "Costa",
    "Reilly",
    "Papadakis",
    "Sandoval",
    "Thorne",
    "Ueda",
    "Varga",
    "Winslow",
];
const MAIL_DOMAINS: [&str; 4] = ["example.com", "example.net", "example.org", "mail.example.com"];
const STREETS: [&str; 10] = [
    "Harbour Road",
    "Linden Avenue",
    "Mill Lane",
    "Station Street",
    "Ashgrove Park",
    "Church Hill",
    "Quay Street",
    "Elm Court",
    "Priory Walk",
    "Castle View",
];

/// Somebody a decision is about.
#[derive(Debug, Clone)]
pub struct Person {
    /// Given name.
    pub first: &'static str,
    /// Family name.
    pub last: &'static str,
    /// The organisation's own number for this person, e.g. `CUST-204417`.
    pub id: String,
    /// An address in a domain reserved by RFC 2606.
    pub email: String,
    /// A number reserved for fiction.
    pub phone: String,
    /// A source address of a documentation range.
    pub ip: String,
    /// Street and number.
    pub street: String,
    /// Date of birth, ISO 8601.
    pub born: String,
}

impl Person {
    /// The person behind `number`: the same number is always the same person, so people come back.
    #[must_use]
    pub fn numbered(prefix: &str, number: u64) -> Self {
        let mut rng = Rng::new(number.wrapping_mul(0x51_7c_c1_b7_27_22_0a_95));
        let first = *rng.pick(&FIRST_NAMES);
        let last = *rng.pick(&LAST_NAMES);
        let domain = rng.pick(&MAIL_DOMAINS);
        let suffix = number % 97;
        Self {
            first,
            last,
            id: format!("{prefix}-{:06}", 100_000 + number),
            email: format!(
                "{}.{}{suffix}@{domain}",
                first.to_lowercase(),
                last.to_lowercase()
            ),
            phone: phone(&mut rng),
            ip: public_ip(&mut rng),
            street: format!("{} {}", rng.between(1, 180), rng.pick(&STREETS)),
            born: format!(
                "{}-{:02}-{:02}",
                rng.between(1938, 2004),
                rng.between(1, 12),
                rng.between(1, 28)
            ),
        }
    }

    /// First and last name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// A telephone number reserved for fiction: NANP 555-01xx or Ofcom's London drama range.
pub fn phone(rng: &mut Rng) -> String {
    let area = *rng.pick(&["212", "415", "617", "312", "206", "305"]);
    match rng.below(3) {
        0 => format!("+1 {area}-555-01{}", rng.digits(2)),
        1 => format!("({area}) 555-01{}", rng.digits(2)),
        _ => format!("+44 20 7946 0{}", rng.digits(3)),
    }
}

/// An IPv4 address of RFC 5737, or now and then an IPv6 address of RFC 3849.
pub fn public_ip(rng: &mut Rng) -> String {
    match rng.below(8) {
        0 => format!("2001:db8:{}:{}::{}", rng.hex(3), rng.hex(3), rng.hex(2)),
        1..=3 => format!("198.51.100.{}", rng.between(1, 254)),
        _ => format!("203.0.113.{}", rng.between(1, 254)),
    }
}

/// A card number in a range that networks publish for tests, with its Luhn digit, in groups of four.
pub fn card(rng: &mut Rng) -> String {
    let prefix = *rng.pick(&["424242", "411111", "555555", "510510"]);
    let body = format!("{prefix}{}", rng.digits(9));
    let number = format!("{body}{}", luhn_digit(&body));
    let separator = *rng.pick(&[" ", "-", ""]);
    [&number[0..4], &number[4..8], &number[8..12], &number[12..16]].join(separator)
}

/// The digit that completes `digits` under Luhn (ISO/IEC 7812-1 annex B).
#[must_use]
pub fn luhn_digit(digits: &str) -> u32 {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(position, byte)| {
            let digit = u32::from(byte - b'0');
            let weighted = if position % 2 == 0 { digit * 2 } else { digit };
            if weighted > 9 { weighted - 9 } else { weighted }
        })
        .sum();
    (10 - sum % 10) % 10
}

/// An IBAN with correct check digits (ISO 13616), in groups of four.
pub fn iban(rng: &mut Rng) -> String {
    let (country, bban) = match rng.below(3) {
        0 => ("IE", format!("MERI{}", rng.digits(14))),
        1 => ("DE", rng.digits(18)),
        _ => ("GB", format!("MERI{}", rng.digits(14))),
    };
    let compact = format!("{country}{:02}{bban}", iban_check(country, &bban));
    let groups: Vec<String> = compact
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into())
        .collect();
    groups.join(" ")
}

fn iban_check(country: &str, bban: &str) -> u32 {
    let remainder = format!("{bban}{country}00")
        .bytes()
        .fold(0_u32, |remainder, byte| match byte {
            b'A'..=b'Z' => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
            _ => (remainder * 10 + u32::from(byte - b'0')) % 97,
        });
    98 - remainder
}

/// A US social security number that the administration's rules allow (no area 000, 666 or 9xx; no zero group or serial).
pub fn ssn(rng: &mut Rng) -> String {
    let area = match rng.between(1, 898) {
        666 => 667,
        area => area,
    };
    format!("{area:03}-{:02}-{:04}", rng.between(1, 99), rng.between(1, 9_999))
}

/// Something with the shape of a credential, put together here so that no such text stands in the source.
pub fn leaked_credential(rng: &mut Rng) -> String {
    match rng.below(3) {
        0 => format!("sk-{}-{}", "proj", rng.base62(48)),
        1 => format!(
            "{}{}",
            ["AK", "IA"].concat(),
            rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
        ),
        _ => format!("{}_{}", ["gh", "p"].concat(), rng.base62(36)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_published_examples() {
        assert_eq!(luhn_digit("424242424242424"), 2);
        assert_eq!(luhn_digit("37828224631000"), 5);
        assert_eq!(iban_check("GB", "WEST12345698765432"), 82);
        assert_eq!(iban_check("DE", "370400440532013000"), 89);
    }

    #[test]
    fn a_number_is_always_the_same_person() {
        let once = Person::numbered("CUST", 4_417);
        let again = Person::numbered("CUST", 4_417);
        assert_eq!(once.email, again.email);
        assert_eq!(once.id, "CUST-104417");
    }
}
