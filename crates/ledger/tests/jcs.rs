//! RFC 8785 against its published data, and strict reading.

mod common;

use aal_ledger::jcs::{JcsError, MAX_DEPTH, parse_canonical, parse_strict, to_string, to_vec};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn published_inputs_give_the_published_outputs() {
    let data = common::vectors().join("jcs/testdata");
    let mut count = 0;
    for entry in std::fs::read_dir(data.join("input")).unwrap() {
        let input = entry.unwrap().path();
        let name = input.file_name().unwrap();
        let value: Value = serde_json::from_slice(&std::fs::read(&input).unwrap()).unwrap();
        let expected = std::fs::read(data.join("output").join(name)).unwrap();
        assert_eq!(to_vec(&value).unwrap(), expected, "{}", input.display());
        let hex_text = std::fs::read_to_string(data.join("outhex").join(name).with_extension("txt")).unwrap();
        let hex_digits: String = hex_text.split_whitespace().collect();
        assert_eq!(hex::encode(&expected), hex_digits);
        // The one file with a number beyond 2^53 (1E30) is canonical JSON, but no header of ours.
        let is_header = name != "values.json";
        assert_eq!(
            parse_canonical(&expected).is_ok(),
            is_header,
            "{}",
            input.display()
        );
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn what_readers_understand_differently_is_refused() {
    for bad in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":{"b":1,"c":2,"b":3}}"#,
        r#"{"a":1,"\u0061":2}"#,
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551615",
        "1e300",
        "1e999",
        "123456789012345678901234567890",
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        "NaN",
        "Infinity",
        "[1,]",
        "{} {}",
        "{}x",
        "",
        "01",
        "\u{feff}{}",
    ] {
        assert!(
            matches!(parse_strict(bad.as_bytes()), Err(JcsError::Json(_))),
            "{bad}"
        );
    }
    assert!(parse_strict(b"\"\xff\"").is_err());
    assert_eq!(
        parse_strict(b"9007199254740992").unwrap(),
        json!(9_007_199_254_740_992_u64)
    );
    assert_eq!(
        to_vec(&json!(u64::MAX)),
        Err(JcsError::Number(u64::MAX.to_string()))
    );
    assert_eq!(
        to_vec(&json!(i64::MIN)),
        Err(JcsError::Number(i64::MIN.to_string()))
    );
}

#[test]
fn other_forms_of_a_value_are_not_canonical() {
    assert!(parse_canonical(br#"{"a":[1,"x"],"b":0.5}"#).is_ok());
    for other in [
        r#"{"b":0.5,"a":[1,"x"]}"#,
        r#"{"a":[1,"x"],"b":0.50}"#,
        r#"{"a":[1,"x"],"b":5e-1}"#,
        r#"{"a":[1.0,"x"],"b":0.5}"#,
        r#"{"a": [1,"x"],"b":0.5}"#,
        r#"{"a":[1,"\u0078"],"b":0.5}"#,
        "{\"a\":[1,\"x\"],\"b\":0.5}\n",
        "-0",
    ] {
        assert!(
            matches!(parse_canonical(other.as_bytes()), Err(JcsError::NotCanonical(_))),
            "{other}"
        );
    }
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_canonical(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(parse_strict(nested(1_000_000).as_bytes()).is_err());
    let mut value = json!(1);
    for _ in 0..=MAX_DEPTH {
        value = Value::Array(vec![value]);
    }
    assert_eq!(to_vec(&value), Err(JcsError::Depth));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1i64 << 53)..=1 << 53).prop_map(Value::from),
        (-1e15..1e15).prop_map(|float: f64| json!(float)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_form_is_a_fixed_point(value in any_json()) {
        let bytes = to_vec(&value).unwrap();
        let again = parse_canonical(&bytes).unwrap();
        prop_assert_eq!(to_vec(&again).unwrap(), bytes.clone());
        // However it was laid out, it is the same form.
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(to_vec(&parse_strict(&pretty).unwrap()).unwrap(), bytes);
        prop_assert_eq!(to_string(&value).unwrap().into_bytes(), to_vec(&value).unwrap());
    }

    #[test]
    fn accepted_bytes_are_the_one_form(bytes in prop::collection::vec(any::<u8>(), 0..40), text in r#"[\[\]{}",:0-9a-z\\.-]{0,20}"#) {
        for candidate in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(value) = parse_canonical(candidate) {
                prop_assert_eq!(to_vec(&value).unwrap(), candidate);
            }
        }
    }
}
