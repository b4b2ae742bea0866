//! Sample reports of an invented bank; deterministic.

#![allow(dead_code, unused_imports, reason = "every test binary uses a part")]

mod decision;

use std::collections::BTreeMap;

use reporter::build::{ChainHead, Fact, Filters, RangeBuilder, RangeLimits, ServerCounts, SourceNumber};
use reporter::build::{clauses, fields, limits};
use reporter::model::{
    Body, Checkpoint, Head, Instant, Parameter, Period, Report, SCHEMA, Tenant, Verdict, VerdictState,
};
use rust_decimal::Decimal;
use uuid::Uuid;

pub use decision::decision;

pub const DAY_US: i64 = 86_400_000_000;
/// 2026-02-01T00:00:00Z.
pub const FEBRUARY_US: i64 = 1_769_904_000_000_000;

pub fn id(number: u64) -> Uuid {
    Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

/// Small numbers that look irregular and are the same on every run.
fn scatter(number: u64, modulus: u64) -> u64 {
    let mixed = (number ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 29)) % modulus
}

/// One event of the month.
pub fn event(number: u64) -> Fact {
    let applications = ["credit-decisions", "customer-chat", "fraud-triage"];
    let decisions = ["loan_preapproval", "answer", "transaction_review"];
    let models = [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o", Some(31)),
        (
            "anthropic",
            "claude-sonnet-4-20250514",
            "claude-sonnet-4",
            Some(47),
        ),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini", Some(3)),
        ("mistral", "in-house-finetune-7", "in-house-finetune-7", None),
    ];
    let which = scatter(number, 3) as usize;
    let (provider, model, requested, price) = models[scatter(number + 7, 13).min(3) as usize];
    let is_error = scatter(number + 3, 37) == 0;
    let (input, output) = (
        200 + scatter(number, 1900),
        if is_error {
            0
        } else {
            40 + scatter(number + 1, 700)
        },
    );
    let cost = price.map(|price| Decimal::new((input * price + output * price * 4) as i64, 7));
    let occurred_at_us = FEBRUARY_US
        + (scatter(number, 28) as i64) * DAY_US
        + (scatter(number + 5, 86_400) as i64) * 1_000_000;
    let pii = match scatter(number + 2, 5) {
        0 => BTreeMap::from([("EMAIL_ADDRESS".to_owned(), 1), ("PERSON".to_owned(), 2)]),
        1 => BTreeMap::from([("IBAN_CODE".to_owned(), 1)]),
        _ => BTreeMap::new(),
    };
    Fact {
        tenant: id(42),
        shard: (number % 2) as u32,
        index: 40 + number / 2,
        leaf_hash: reporter::model::sha256(&number.to_be_bytes()).0,
        kind: "event".into(),
        event_id: id(number),
        occurred_at_us,
        edge_at_us: occurred_at_us + 180_000,
        application: applications[which].into(),
        environment: "production".into(),
        decision_type: decisions[which].into(),
        user_id: format!("clerk-{}", scatter(number, 17)),
        session_id: format!("case-{}", number / 3),
        subject_key: id(900_000 + number / 3),
        provider: provider.into(),
        operation: "chat".into(),
        model: model.into(),
        model_requested: requested.into(),
        status: if is_error { 429 } else { 200 },
        error_type: if is_error {
            "rate_limit_exceeded".into()
        } else {
            String::new()
        },
        is_error,
        streamed: number.is_multiple_of(4),
        interrupted: number.is_multiple_of(211),
        finish_reasons: if is_error { vec![] } else { vec!["stop".into()] },
        duration_us: Some(400_000 + scatter(number, 3_000_000)),
        first_token_us: number
            .is_multiple_of(4)
            .then_some(120_000 + scatter(number, 300_000)),
        usage_state: if is_error {
            "absent".into()
        } else {
            "complete".into()
        },
        usage: BTreeMap::from([
            ("input".to_owned(), input - input / 4),
            ("input_cached".to_owned(), input / 4),
            ("output".to_owned(), output),
        ]),
        input_tokens: input,
        output_tokens: output,
        input_cost: price.map(|price| Decimal::new((input * price) as i64, 7)),
        output_cost: price.map(|price| Decimal::new((output * price * 4) as i64, 7)),
        cost,
        currency: if cost.is_some() {
            "USD".into()
        } else {
            String::new()
        },
        price_version: if cost.is_some() {
            "2026-01-15".into()
        } else {
            String::new()
        },
        price_rule: if cost.is_some() {
            format!("{provider}/{requested}")
        } else {
            String::new()
        },
        unpriced_reason: if cost.is_none() {
            "unknown_model".into()
        } else {
            String::new()
        },
        pii,
        source: source(number, which),
        ..Fact::default()
    }
}

/// Two of the applications number their events; each seventh number of the second was lost.
fn source(number: u64, which: usize) -> Option<SourceNumber> {
    (which < 2).then(|| SourceNumber {
        source_id: id(800_000 + which as u64),
        epoch: 3,
        sequence: if which == 1 {
            number + number / 7
        } else {
            number / 4
        },
        instance: format!("pod-{which}"),
        sdk: "python".into(),
    })
}

/// A review of every ninth decision.
pub fn outcomes(events: u64) -> Vec<Fact> {
    let review = |number: u64| Fact {
        kind: "outcome".into(),
        event_id: id(500_000 + number),
        target_event_id: id(number),
        occurred_at_us: FEBRUARY_US + 27 * DAY_US,
        edge_at_us: FEBRUARY_US + 27 * DAY_US,
        shard: (number % 2) as u32,
        index: 100_000 + number,
        outcome: if number.is_multiple_of(36) {
            "declined".into()
        } else {
            "approved".into()
        },
        outcome_override: number.is_multiple_of(36),
        outcome_flag: number.is_multiple_of(90),
        ..Fact::default()
    };
    (0..events)
        .filter(|number| number.is_multiple_of(9))
        .map(review)
        .collect()
}

fn other(number: u64, kind: &str, detail: &str) -> Fact {
    Fact {
        tenant: id(42),
        kind: kind.into(),
        event_id: id(700_000 + number),
        occurred_at_us: FEBRUARY_US + (scatter(number, 28) as i64) * DAY_US,
        edge_at_us: FEBRUARY_US + (scatter(number, 28) as i64) * DAY_US,
        application: "credit-decisions".into(),
        user_id: if kind == "access" {
            "auditor@example.com".into()
        } else {
            String::new()
        },
        detail: detail.into(),
        shard: 0,
        index: 2_000 + number,
        ..Fact::default()
    }
}

fn verdicts() -> Vec<Verdict> {
    let verdict = |name: &str, state, checked, detail: &str| Verdict {
        name: name.to_owned(),
        state,
        checked,
        detail: detail.to_owned(),
    };
    vec![
        verdict(
            "content",
            VerdictState::Pass,
            604,
            "every leaf of the range was hashed again and its links followed",
        ),
        verdict(
            "identity",
            VerdictState::Pass,
            1,
            "the checkpoint's signature was checked with the service's key",
        ),
        verdict(
            "time",
            VerdictState::Unproven,
            0,
            "no time-stamp token is kept in this version",
        ),
        verdict(
            "witness",
            VerdictState::Unproven,
            0,
            "no witness cosigned the checkpoint",
        ),
    ]
}

pub fn head(title: &str, is_range: bool) -> Head {
    Head {
        report_id: id(1_000_000),
        title: title.to_owned(),
        tenant: Tenant { id: Some(id(42)), name: Some("Hansebank AG".to_owned()) },
        period: is_range.then_some(Period { from: Instant(FEBRUARY_US), to: Instant(FEBRUARY_US + 28 * DAY_US) }),
        generated_at: Instant(FEBRUARY_US + 29 * DAY_US + 34_234_567_890),
        generated_by: "compliance@hansebank.example".to_owned(),
        software: "ai-audit-layer 0.1.0".to_owned(),
        template: "1".to_owned(),
        source: "Table `records` of the ledger's ClickHouse store, up to the heads listed under Chains.".to_owned(),
        parameters: vec![
            Parameter { name: "type".into(), value: if is_range { "range".into() } else { "decision".into() } },
            Parameter { name: "from".into(), value: Instant(FEBRUARY_US).to_string() },
        ],
        checkpoint: Some(Checkpoint {
            epoch: 241_920,
            origin: "audit.example/hansebank".to_owned(),
            note: "audit.example/hansebank\n241920\nq1Ro0mZ0bW9ja2VkLXJvb3QtaGFzaC0zMi1ieXRlcw==\n\n\u{2014} audit.example/hansebank pT3vAAAA\n".to_owned(),
        }),
        verdicts: verdicts(),
        limits: limits(is_range),
        clauses: clauses(is_range),
        fields: fields(),
    }
}

/// A month of `events` decisions.
pub fn month(events: u64, limits: RangeLimits) -> Report {
    let mut builder = RangeBuilder::new(Filters::default(), limits, outcomes(events));
    for number in 0..events {
        builder.push(&event(number)).unwrap();
    }
    let others = [
        other(1, "access", "read"),
        other(2, "access", "read"),
        other(3, "access", "reveal"),
        other(4, "rejected", "event_id is not a UUID"),
        other(5, "conflict", "the same event id with other content"),
        other(
            6,
            "admin",
            "price table 2026-01-15 installed by admin@hansebank.example",
        ),
    ];
    others.iter().for_each(|fact| builder.push(fact).unwrap());
    let heads = [
        ChainHead {
            tenant: id(42),
            sealed: Some(2_007),
            shard: 0,
            size: 2_007,
            head: [0x5a; 32],
        },
        ChainHead {
            tenant: id(42),
            sealed: Some(30 + events / 2),
            shard: 1,
            size: 40 + events / 2,
            head: [0xc3; 32],
        },
    ];
    let counts = ServerCounts {
        records_in_chains: 2_047 + events / 2,
        records_in_period: events + 6,
        unattributed: 0,
    };
    let range = builder.finish(&heads, counts);
    Report {
        schema: SCHEMA.to_owned(),
        head: head("System audit report", true),
        body: Body::Range(Box::new(range)),
    }
}
