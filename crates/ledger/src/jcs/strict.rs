//! Reading JSON so that no two readers can understand it differently.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{JcsError, MAX_SAFE_INTEGER, to_vec};

/// The value of one JSON text without duplicate names, numbers beyond ±2^53 or lone surrogates.
///
/// # Errors
/// Names what is wrong. Nesting is limited, so hostile input cannot exhaust the stack.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JcsError> {
    let refused = |error: serde_json::Error| JcsError::Json(error.to_string());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer).map_err(refused)?;
    deserializer.end().map_err(refused)?;
    Ok(value)
}

/// The value of bytes that are exactly its RFC 8785 form.
///
/// # Errors
/// As [`parse_strict`], and when the bytes are another form of the value.
pub fn parse_canonical(bytes: &[u8]) -> Result<Value, JcsError> {
    let value = parse_strict(bytes)?;
    let canonical = to_vec(&value)?;
    if canonical == bytes {
        return Ok(value);
    }
    let common_len = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(JcsError::NotCanonical(common_len))
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json with unique names and numbers within 2^53")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > MAX_SAFE_INTEGER {
            return Err(E::custom(format!("number {value} is beyond 2^53")));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_SAFE_INTEGER {
            return Err(E::custom(format!("number {value} is beyond 2^53")));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let in_range = value.abs() <= MAX_SAFE_INTEGER as f64;
        let number = Number::from_f64(value).filter(|_| in_range);
        let number = number.ok_or_else(|| E::custom(format!("number {value} is beyond 2^53")))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!(
                    "name {name:?} stands twice in an object"
                )));
            }
            let member = map.next_value_seed(Strict)?;
            members.insert(name, member);
        }
        Ok(Value::Object(members))
    }
}
