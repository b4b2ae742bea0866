//! The demonstration is what the rest of the layer takes for real traffic: exchanges parse, usage is read, prices are
//! found where there are any, and the personal data in it is found.

use std::collections::BTreeMap;

use aal_demo::{Demo, DemoEntry};
use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState};
use aal_pricing::PriceTable;
use aal_redact::{Detector, Entity};
use serde_json::Value;

// Monday, 23 November 2026, 12:00 UTC.
const END_US: i64 = 1_795_435_200_000_000;

fn events(count: u64) -> impl Iterator<Item = (i64, Value)> {
    Demo::new(1, count, END_US).filter_map(|item| match item.entry {
        DemoEntry::Event { body, .. } => Some((item.at_us, body)),
        DemoEntry::Outcome { .. } => None,
    })
}

fn text<'v>(event: &'v Value, pointer: &str) -> &'v str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn parsed(event: &Value) -> Exchange {
    let response = event.get("response").map(|response| ResponsePart {
        status: response["status"].as_u64().unwrap() as u16,
        content_type: text(event, "/response/content_type"),
        body: text(event, "/response/body").as_bytes(),
    });
    aal_exchange::parse(&ExchangeInput {
        provider: text(event, "/provider"),
        operation: Some(text(event, "/operation")),
        request: Some(RequestPart {
            method: "POST",
            url: text(event, "/request/url"),
            body: text(event, "/request/body").as_bytes(),
        }),
        response,
        interrupted: event["interrupted"] == true,
        header_counts: None,
    })
}

#[test]
fn every_exchange_is_understood_and_priced_where_a_price_exists() {
    let table = PriceTable::builtin();
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let mut used: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (at_us, event) in events(4_000) {
        let exchange = parsed(&event);
        assert!(exchange.understood, "{event}");
        assert_eq!(exchange.operation, text(&event, "/operation"));
        let status = event["response"]["status"].as_u64();
        let is_interrupted = event["interrupted"] == true;
        assert_eq!(exchange.interrupted, is_interrupted, "{event}");
        let model = exchange.model.as_deref().unwrap_or_default();
        let state = match (status, is_interrupted) {
            (Some(200), false) => UsageState::Reported,
            (Some(200), true) => UsageState::Incomplete,
            _ => UsageState::NotApplicable,
        };
        let is_lost = status.is_none();
        assert!(
            exchange.usage_state == state || is_lost,
            "{:?} of {event}",
            exchange.usage_state
        );
        match exchange.price(table, at_us) {
            Ok(_) => {
                assert_eq!(state, UsageState::Reported);
                let buckets = exchange
                    .usage
                    .expect("what is priced was used")
                    .buckets()
                    .expect("parts fit their totals");
                for (bucket, count) in buckets {
                    *used.entry(bucket.as_str()).or_default() += count;
                }
            }
            Err(unpriced) => {
                let is_in_house = model.starts_with("meridian-risk");
                assert!(
                    state != UsageState::Reported || is_in_house,
                    "{model}: {}",
                    unpriced.reason
                );
                *reasons.entry(unpriced.reason).or_default() += 1;
            }
        }
    }
    assert!(reasons.len() >= 3, "{reasons:?}");
    for kind in ["cache_read", "cache_write", "output_reasoning"] {
        assert!(
            used.keys().any(|bucket| bucket.contains(kind)),
            "no {kind} in {used:?}"
        );
    }
}

#[test]
fn its_personal_data_is_found_and_none_of_the_known_values_survives() {
    let detector = Detector::builtin();
    let tokens =
        |entity: Entity, canonical: &str| format!("[[{}:k1:{:016X}]]", entity.name(), canonical.len());
    let mut found: BTreeMap<&'static str, u32> = BTreeMap::new();
    for (_, event) in events(1_500) {
        for (body, content_type) in [
            (text(&event, "/request/body"), "application/json"),
            (
                text(&event, "/response/body"),
                text(&event, "/response/content_type"),
            ),
        ] {
            let redacted = detector
                .redact_body(body.as_bytes(), content_type, &tokens)
                .expect("text redacts");
            for (entity, count) in redacted.counts {
                *found.entry(entity).or_default() += count;
            }
            let email = text(&event, "/subject/email");
            assert!(
                email.is_empty() || !redacted.template.contains(email),
                "{email} in {}",
                redacted.template
            );
        }
    }
    for entity in [
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "CREDIT_CARD",
        "IBAN_CODE",
        "US_SSN",
        "IP_ADDRESS",
    ] {
        assert!(
            found.get(entity).is_some_and(|count| *count > 20),
            "{entity}: {found:?}"
        );
    }
    let keys = ["OPENAI_API_KEY", "AWS_ACCESS_KEY", "GITHUB_TOKEN"];
    let credentials: u32 = found
        .iter()
        .filter(|(name, _)| keys.contains(name))
        .map(|(_, count)| count)
        .sum();
    assert!(credentials > 5, "{found:?}");
}
