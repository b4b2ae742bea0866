//! What holds for any input, not only for the cases somebody thought of.

use aal_ledger::NoteSigner;
use ingest::{Acceptor, Caller};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn acceptor() -> Acceptor {
    Acceptor::new(
        NoteSigner::from_seed("audit.example/edge", &[1; 32]).unwrap(),
        64 * 1024,
    )
}

fn caller() -> Caller {
    Caller {
        tenant: Uuid::from_u128(5),
        application: "loan-desk".into(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((".{0,8}", inner), 0..5).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

const KEYS: [&str; 24] = [
    "event_id",
    "occurred_at",
    "application",
    "environment",
    "decision_type",
    "session_id",
    "user_id",
    "user_email",
    "ip_address",
    "subject",
    "provider",
    "operation",
    "request",
    "response",
    "timing",
    "error",
    "interrupted",
    "trace",
    "source",
    "tags",
    "metadata",
    "phi",
    "receipt",
    "tenant",
];

/// An event in which some keys have values of any kind.
fn almost_an_event() -> impl Strategy<Value = Value> {
    vec((proptest::sample::select(&KEYS[..]), any_json()), 0..6).prop_map(|changes| {
        let mut event = json!({"application": "loan-desk", "provider": "p", "request": {"body": "{}"}});
        for (key, value) in changes {
            event[key] = value;
        }
        event
    })
}

/// Texts that the checks let through.
fn clean_text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 äß€🙂.:/-]{1,40}".prop_map(|text| text)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in vec(any::<u8>(), 0..300)) {
        let _ = acceptor().event(&body, &caller(), Uuid::from_u128(9), 1);
    }

    #[test]
    fn whatever_stands_in_an_event_is_taken_or_refused_with_pointers(event in almost_an_event()) {
        let body = event.to_string();
        match acceptor().event(body.as_bytes(), &caller(), Uuid::from_u128(9), 77) {
            Ok(prepared) => {
                let stored = aal_event::decode(&prepared.value).unwrap();
                prop_assert_eq!(stored.tenant, Uuid::from_u128(5), "only the key says whose event it is");
                prop_assert_eq!(stored.edge_at_us, Some(77));
                prop_assert_eq!(stored.receipt.as_ref(), Some(&prepared.receipt));
                prop_assert!(prepared.key.starts_with(&stored.tenant.to_string()));
            }
            Err(refusal) => {
                prop_assert!([400, 403].contains(&refusal.problem.status));
                for error in &refusal.problem.errors {
                    let named = error.pointer.split('/').nth(1).map(|key| key.replace("~1", "/").replace("~0", "~"));
                    let is_known = named.as_ref().is_none_or(|key| event.get(key).is_some() || KEYS.contains(&key.as_str()));
                    prop_assert!(is_known, "{} is not in the event", error.pointer);
                }
            }
        }
    }

    #[test]
    fn what_is_accepted_is_what_was_sent(
        session in clean_text(),
        body in ".{0,200}",
        answer in vec(any::<u8>(), 0..200),
        tags in proptest::collection::btree_map("[a-z]{1,8}", clean_text(), 0..5),
    ) {
        let tags: Map<String, Value> = tags.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        let event = json!({
            "application": "loan-desk", "provider": "p", "session_id": session, "tags": tags,
            "request": {"body": body}, "response": {"status": 200, "body_base64": base64_text(&answer)},
        });
        let prepared = acceptor().event(event.to_string().as_bytes(), &caller(), Uuid::from_u128(9), 1).unwrap();
        let stored = aal_event::decode(&prepared.value).unwrap();
        prop_assert_eq!(prepared.event_id, Uuid::from_u128(9));
        prop_assert_eq!(stored.session_id.as_deref(), Some(session.as_str()));
        prop_assert_eq!(stored.request.unwrap().body, body.as_bytes());
        prop_assert_eq!(stored.response.unwrap().body, answer);
        prop_assert_eq!(stored.tags.len(), tags.len());
    }

    #[test]
    fn no_credential_of_an_address_is_stored(
        name in proptest::sample::select(vec!["key", "api-key", "sig", "token", "X-Amz-Signature", "API_KEY", "access%5Ftoken"]),
        secret in "[a-zA-Z0-9]{24}",
        before in "(a=1&)?(b=%20&)?",
        after in "(&c=3)?(#frag)?",
        user in "(u:[a-zA-Z0-9]{24}@)?",
    ) {
        let url = format!("https://{user}host.example/v1/x?{before}{name}={secret}{after}");
        let event = json!({"application": "loan-desk", "provider": "p", "request": {"url": url, "body": ""}});
        let prepared = acceptor().event(event.to_string().as_bytes(), &caller(), Uuid::from_u128(9), 1).unwrap();
        let stored = aal_event::decode(&prepared.value).unwrap().request.unwrap().url.unwrap();
        prop_assert!(!stored.contains(&secret), "{stored}");
        prop_assert!(!stored.contains('@'), "{stored}");
        prop_assert_eq!(stored.contains("c=3"), after.contains("c=3"));
        prop_assert_eq!(stored.contains("b=%20"), before.contains("b=%20"));
    }
}

/// Standard base64 with padding (RFC 4648, section 4).
fn base64_text(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, index| {
            word << 8 | u32::from(*group.get(index).unwrap_or(&0))
        });
        for index in 0..4 {
            let is_padding = index > group.len();
            let digit = (word >> (18 - 6 * index)) as usize & 63;
            text.push(if is_padding {
                '='
            } else {
                char::from(ALPHABET[digit])
            });
        }
    }
    text
}
