//! One invented decision.

use std::collections::BTreeMap;

use reporter::model::{
    AccessEntry, Attribute, Body, Content, CostDetail, Decision, Digest, EventFacts, Instant, LedgerPosition,
    OutcomeEntry, Redaction, Related, Report, SCHEMA, SourceFacts, TimelineEntry,
};
use rust_decimal::Decimal;

use super::{DAY_US, FEBRUARY_US, head, id};

/// One decision with everything that can be recorded.
pub fn decision() -> Report {
    let at = FEBRUARY_US + 9 * DAY_US + 34_200_123_456;
    let entry = |at_us: i64, clock: &str, what: &str| TimelineEntry {
        at: Instant(at_us),
        clock: clock.to_owned(),
        what: what.to_owned(),
    };
    let attribute = |name: &str, value: &str| Attribute {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let input = "{\n  \"model\": \"gpt-4o\",\n  \"temperature\": 0.2,\n  \"messages\": [\n    {\n      \"role\": \"system\",\n      \"content\": \"You assess consumer credit applications of Hansebank AG.\"\n    },\n    {\n      \"role\": \"user\",\n      \"content\": \"Applicant <PERSON_7Q2M>, e-mail <EMAIL_ADDRESS_K3VD>, account <IBAN_CODE_9XRT>. Income 4,150 € a month, rent 1,240 €. Requested: 18,000 € over 48 months.\"\n    }\n  ]\n}";
    let header = "{\"application\":\"credit-decisions\",\"cost\":\"0.0041025\",\"decision_type\":\"loan_preapproval\",\"kind\":\"event\",\"model\":\"gpt-4o-2024-08-06\"}";
    let decision = Decision {
        event: EventFacts {
            event_id: id(77),
            kind: "event".into(),
            occurred_at: Instant(at),
            edge_at: Instant(at + 2_500_000),
            application: "credit-decisions".into(),
            environment: Some("production".into()),
            decision_type: Some("loan_preapproval".into()),
            user_id: Some("clerk-7".into()),
            session_id: Some("case-2026-0815".into()),
            subject_key: Some(id(900_077)),
            provider: "openai".into(),
            operation: Some("chat".into()),
            model: Some("gpt-4o-2024-08-06".into()),
            model_requested: Some("gpt-4o".into()),
            status: Some(200),
            error_type: None,
            error_message: None,
            streamed: false,
            interrupted: false,
            finish_reasons: vec!["stop".into()],
            duration_us: Some(2_134_000),
            first_token_us: None,
            phi: false,
            request_method: Some("POST".into()),
            request_url: Some("https://api.openai.com/v1/chat/completions".into()),
            trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
            source: SourceFacts {
                sdk: Some("python".into()),
                version: Some("0.1.0".into()),
                instance: Some("credit-7f9c".into()),
                epoch: Some(3),
                sequence: Some(18_204),
            },
        },
        timeline: vec![
            entry(at, "source", "request sent to the provider"),
            entry(at + 2_134_000, "source", "answer complete"),
            entry(at + 2_500_000, "edge", "event accepted"),
            entry(at + 7_200_000_000, "edge", "outcome recorded: approved"),
        ],
        parameters: vec![attribute("temperature", "0.2"), attribute("max_tokens", "400")],
        input: Content { text: Some(input.to_owned()), absent_because: None, bytes: input.len() as u64 },
        output: Content {
            text: Some("Pre-approved up to 15,000 €. The requested sum exceeds 35 % of free income; a term of 60 months would fit.".to_owned()),
            absent_because: None,
            bytes: 112,
        },
        request_body: Content::default(),
        response_body: Content::default(),
        redactions: vec![Redaction {
            token: "<EMAIL_ADDRESS_K3VD>".into(),
            entity: "EMAIL_ADDRESS".into(),
            band: "certain".into(),
            rule: "email".into(),
            field: "request_body".into(),
            occurrences: 1,
        }],
        pii: BTreeMap::from([("EMAIL_ADDRESS".into(), 1), ("IBAN_CODE".into(), 1), ("PERSON".into(), 1)]),
        cost: CostDetail {
            usage_state: "complete".into(),
            usage: BTreeMap::from([("input".into(), 641), ("output".into(), 250)]),
            input_tokens: 641,
            output_tokens: 250,
            input: Some(Decimal::new(16_025, 7)),
            output: Some(Decimal::new(25, 4)),
            total: Some(Decimal::new(41_025, 7)),
            currency: Some("USD".into()),
            price_version: Some("2026-01-15".into()),
            rule: Some("openai/gpt-4o".into()),
            unpriced_reason: None,
        },
        outcomes: vec![OutcomeEntry {
            event_id: id(500_077),
            at: Instant(at + 7_200_000_000),
            outcome: Some("approved".into()),
            reviewer: Some("clerk-2".into()),
            overridden: false,
            flagged: false,
            note: Some("Term changed to 60 months with the applicant's consent.".into()),
        }],
        access: vec![AccessEntry {
            at: Instant(at + 90_000_000_000),
            actor: Some("auditor@example.com".into()),
            action: Some("reveal".into()),
            reason: Some("complaint 2026-114".into()),
        }],
        related: vec![Related { kind: "duplicate".into(), event_id: id(500_078), at: Instant(at), shard: 1, index: 4_712 }],
        attributes: vec![attribute("tag branch", "Altona"), attribute("metadata product", "consumer loan")],
        ledger: LedgerPosition {
            shard: 1,
            index: 4_711,
            leaf_hash: Digest([0x5a; 32]),
            prev_leaf_hash: Digest([0xc3; 32]),
            next_leaf_hash: None,
            sealed: Some(true),
            kafka_offset: 9_184,
            block: 733,
            header: header.into(),
            header_hash: reporter::model::sha256(header.as_bytes()),
        },
    };
    Report {
        schema: SCHEMA.to_owned(),
        head: head("Decision audit report", false),
        body: Body::Decision(Box::new(decision)),
    }
}
