//! Where a key stands twice. The strict parser only says that one does; this looks again, and only then.

use std::collections::HashSet;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The JSON pointer of the first key that occurs twice in one object, if that is what is wrong with the text.
pub fn find(text: &[u8]) -> Option<String> {
    let mut found = None;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let seeking = Seek {
        pointer: String::new(),
        found: &mut found,
    }
    .deserialize(&mut deserializer);
    // The search stops at the key by an error of its own; any other error is not ours to tell.
    seeking.err().and(found)
}

struct Seek<'f> {
    pointer: String,
    found: &'f mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        loop {
            let pointer = format!("{}/{index}", self.pointer);
            if seq
                .next_element_seed(Seek {
                    pointer,
                    found: &mut *self.found,
                })?
                .is_none()
            {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let pointer = format!(
                "{}/{}",
                self.pointer,
                aal_event::shown_name(&key).replace('~', "~0").replace('/', "~1")
            );
            if !seen.insert(key) {
                map.next_value::<IgnoredAny>()?;
                *self.found = Some(pointer);
                return Err(A::Error::custom("found"));
            }
            map.next_value_seed(Seek {
                pointer,
                found: &mut *self.found,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(find(text.as_bytes()).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_first_repeated_key_is_found_wherever_it_is() {
        check(r#"{"a":1,"b":2}"#, None);
        check(r#"{"a":1,"a":2}"#, Some("/a"));
        check(r#"{"a":{"x":[{},{"y/z":1,"y/z":2}]}}"#, Some("/a/x/1/y~1z"));
        check(r#"{"a":1,"\u0061":2}"#, Some("/a"));
        check(r#"{"a":{"b":1},"c":{"b":1}}"#, None);
        check(r#"{"a":1,"a""#, None);
        check("", None);
    }
}
