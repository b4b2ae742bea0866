//! The placeholders that replace removed values: `[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]`.

use crate::entity::Entity;

/// Makes the placeholder for a value.
///
/// The same entity and canonical value must give the same placeholder within a tenant, and the result must have
/// the shape `[[ENTITY:k<number>:16 characters of Crockford base 32]]`; [`is_token`] tests it.
pub trait TokenMaker {
    /// The placeholder for `canonical`, a value of the kind `entity` in its canonical form.
    fn token(&self, entity: Entity, canonical: &str) -> String;
}

/// Any function of that shape makes placeholders.
impl<F: Fn(Entity, &str) -> String> TokenMaker for F {
    fn token(&self, entity: Entity, canonical: &str) -> String {
        self(entity, canonical)
    }
}

const CODE_LEN: usize = 16;
const MAX_NAME: usize = 40;
/// `k` and the number of a key.
const MAX_KEY: usize = 7;

/// Whether `text` has the shape of a placeholder. A look-alike that a user typed has it too: only placeholders
/// listed as removed are real. The shape leaves no room for a value: the name is one of a known list, the key a
/// short number, and a code of mere digits is none.
pub fn is_token(text: &str) -> bool {
    token_length(text.as_bytes()) == Some(text.len())
}

/// Length of the placeholder at the start of `bytes`.
fn token_length(bytes: &[u8]) -> Option<usize> {
    let body = bytes.strip_prefix(b"[[")?;
    let is_name = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_';
    let name = body.iter().take(MAX_NAME + 1).take_while(is_name).count();
    let after_name = body.get(name..)?.strip_prefix(b":")?;
    let digits = after_name.strip_prefix(b"k")?;
    let key = digits
        .iter()
        .take(MAX_KEY + 1)
        .take_while(|byte| byte.is_ascii_digit())
        .count()
        + 1;
    let after_key = after_name.get(key..)?.strip_prefix(b":")?;
    let code = after_key.get(..CODE_LEN)?;
    let is_code = |byte: &u8| byte.is_ascii_digit() || (byte.is_ascii_uppercase() && !b"ILOU".contains(byte));
    let known = Entity::ALL
        .iter()
        .any(|entity| entity.name().as_bytes() == &body[..name]);
    // A number in the place of the code is a value that somebody hides, sixteen digits of a card for one.
    let hides_number = code.iter().all(u8::is_ascii_digit) && code.iter().any(|byte| *byte != code[0]);
    let shaped = known && (2..=MAX_KEY).contains(&key) && code.iter().all(is_code) && !hides_number;
    let closed = after_key[CODE_LEN..].starts_with(b"]]");
    (shaped && closed).then_some(2 + name + 1 + key + 1 + CODE_LEN + 2)
}

/// Adds the ranges of the placeholders in `bytes` to the empty `ranges`, in order.
pub(crate) fn token_ranges(bytes: &[u8], ranges: &mut Vec<(usize, usize)>) {
    for start in memchr::memmem::find_iter(bytes, b"[[") {
        // "[[[EMAIL...": the brackets nearest to the name open it.
        for start in [start, start + 1] {
            let overlaps = ranges.last().is_some_and(|(_, end)| *end > start);
            if let Some(length) = token_length(&bytes[start.min(bytes.len())..]).filter(|_| !overlaps) {
                ranges.push((start, start + length));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_shape_is_a_placeholder() {
        assert!(is_token("[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]"));
        for other in [
            "[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HB]]",
            "[[email:k1:7Q2M4XW8RJTC9HBD]]",
            "[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBI]]",
            "[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]",
            // Not made here, and of a shape that could hide something.
            "[[JOHN_SMITH:k1:7Q2M4XW8RJTC9HBD]]",
            "[[EMAIL_ADDRESS:johnsmith:7Q2M4XW8RJTC9HBD]]",
            "[[EMAIL_ADDRESS:k4155552671:7Q2M4XW8RJTC9HBD]]",
            "[[EMAIL_ADDRESS:k1:4111111111111111]]",
        ] {
            assert!(!is_token(other), "{other}");
        }
        let text = b"x [[[US_SSN:k1:7Q2M4XW8RJTC9HBD]] y";
        let mut ranges = Vec::new();
        token_ranges(text, &mut ranges);
        assert_eq!(ranges, [(3, 33)]);
    }
}
