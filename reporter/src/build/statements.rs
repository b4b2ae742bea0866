//! Fixed statements of every report: what it cannot show, which clauses its evidence belongs to, what its fields
//! mean. The wording points at evidence; it never claims conformity with a law or a standard.

use crate::model::{Clause, Field};

/// What a record of `kind` means; empty for a kind this version does not know.
#[must_use]
pub fn kind_meaning(kind: &str) -> &'static str {
    match kind {
        "event" => "a decision as recorded",
        "outcome" => "what became of a decision, or a review of it",
        "access" => "somebody read, revealed or exported audit data",
        "duplicate" => "an event sent again with the same content; recorded once",
        "conflict" => "an event sent again with different content; both are kept",
        "rejected" => "a message that could not be recorded; its digest and reason are",
        "gap" => "messages lost before they could be recorded",
        "withheld" => "an event whose content may not be stored",
        "admin" => "a change of configuration, users, keys, policies or prices",
        "erasure_request" => "somebody asked for erasure",
        "erasure_done" => "an erasure was carried out",
        "legal_hold" => "a legal hold was set or lifted",
        "key_change" => "a signing or encryption key changed",
        "shard_open" => "a chain was opened",
        "shard_close" => "a chain was closed",
        "heartbeat" => "proof of silence",
        "reprice" => "a cost computed again with another price table",
        "incident" => "something was found wrong with the ledger, or is no longer",
        "config_change" => "a service runs with another configuration",
        "price_table_change" => "events are priced by another table",
        "policy_change" => "detector rules or the trust policy changed",
        "prune" => "records past their retention were removed",
        "clock" => "a clock made a step",
        "intent" => "a call about to be made; its event follows",
        _ => "",
    }
}

/// What no report of this kind can show.
#[must_use]
pub fn limits(for_range: bool) -> Vec<String> {
    let common = [
        "Calls that an application made without sending an event are not in the ledger. Compare the token and cost figures with the provider's own usage report to find them.",
        "Source times are claims of the calling application. Edge and ledger times come from the operator's clocks.",
        "Records newer than the last signed checkpoint are stored and linked, but not yet covered by a signature.",
        "The checkpoint is signed by the operator. Without independent witnesses, an operator who controls the signing key, the store and every copy of earlier checkpoints could present another history; a checkpoint kept by the auditor rules this out from then on.",
        "Personal data found by the detectors was replaced by typed placeholders before storage. What the detectors did not recognise may remain in the texts.",
        "Costs are computed from the usage that the provider reported and the price table named in the record. They are not invoices. Events without a known price are counted as unpriced and add nothing to any sum.",
        "The PDF has selectable text and embedded fonts, but no structure tags. report.json holds the same content for machines and assistive technology.",
    ];
    let range = [
        "The period is taken by the source time of each event. Events received late appear in the period they claim.",
        "A source's numbers show what is missing between the first and the last of them in the period. The loss of its last events shows when it goes on, or by the receipts it keeps; sources that do not number their events show nothing of it.",
        "Whether a review was careful, or an override right, is not something a record can show.",
    ];
    let decision = [
        "Whether the decision was solely automated is shown only as far as outcomes and reviewers were recorded.",
        "The model's internal reasons are not observable. The input, the settings and the answer are.",
    ];
    let specific: &[&str] = if for_range { &range } else { &decision };
    common
        .iter()
        .chain(specific)
        .map(|text| (*text).to_owned())
        .collect()
}

/// Clauses and where this report has evidence for them.
#[must_use]
pub fn clauses(for_range: bool) -> Vec<Clause> {
    let range = [
        (
            "EU AI Act, Art. 12(1)-(2)",
            "automatic recording of events",
            "Population; Models; Exceptions; Completeness of sources; Chains",
        ),
        ("EU AI Act, Art. 14, 26(2)", "human oversight", "Human oversight"),
        (
            "EU AI Act, Art. 19(1), 26(6)",
            "keeping of logs",
            "Chains (oldest and newest index); retention is set outside this report",
        ),
        (
            "GDPR, Art. 5(1)(f), 32",
            "integrity and confidentiality",
            "Verification; Personal data; Access to audit data",
        ),
        (
            "GDPR, Art. 30",
            "record of processing: recipients",
            "Models (providers are recipients of the requests)",
        ),
        (
            "HIPAA, 45 CFR 164.312(b)",
            "audit controls: record and examine activity",
            "Access to audit data; Totals (protected health information)",
        ),
        ("HIPAA, 45 CFR 164.312(c)", "integrity", "Verification"),
        (
            "SOC 2, CC7.2",
            "monitoring for anomalies",
            "Exceptions; Errors and latency; Verification",
        ),
        ("SOC 2, CC8.1", "change management", "Changes"),
        (
            "AT-C 205.36 (information produced by the entity)",
            "completeness and accuracy",
            "Parameters; Population and reconciliation; Completeness of sources; Chains",
        ),
        (
            "ISO/IEC 42001, A.6.2.8",
            "event logs of AI systems",
            "Population; Chains",
        ),
        (
            "SEC 17a-4(f)(2)(i)(A)",
            "audit trail of records",
            "Chains; Verification; Changes",
        ),
    ];
    let decision = [
        (
            "EU AI Act, Art. 12(1)-(2)",
            "automatic recording of events",
            "Timeline; Model; Input and output; Ledger position",
        ),
        ("EU AI Act, Art. 14", "human oversight", "Human oversight"),
        (
            "EU AI Act, Art. 86",
            "explanation of individual decisions",
            "Input and output; Human oversight (as far as recorded)",
        ),
        (
            "GDPR, Art. 15(1)(h), 22",
            "automated individual decisions",
            "Human oversight; Model; Input and output",
        ),
        (
            "GDPR, Art. 5(1)(f), 32",
            "integrity and confidentiality",
            "Verification; Personal data; Access",
        ),
        ("HIPAA, 45 CFR 164.312(b)", "audit controls", "Access"),
        (
            "SEC 17a-4(f)(2)(i)(A)",
            "audit trail of one record",
            "Timeline; Related records; Ledger position",
        ),
        (
            "FINRA 3110",
            "supervision of communications",
            "Input and output; Human oversight",
        ),
    ];
    let rows: &[(&str, &str, &str)] = if for_range { &range } else { &decision };
    let row = |(clause, subject, evidence): &(&str, &str, &str)| Clause {
        clause: (*clause).to_owned(),
        subject: (*subject).to_owned(),
        evidence: (*evidence).to_owned(),
    };
    rows.iter().map(row).collect()
}

/// The field dictionary.
#[must_use]
pub fn fields() -> Vec<Field> {
    let rows = [
        (
            "event_id",
            "UUID of the event; the same id with the same content is recorded once",
        ),
        (
            "occurred_at",
            "source's clock, RFC 3339, UTC, microseconds; a claim",
        ),
        (
            "edge_at",
            "clock of the edge that accepted the event, RFC 3339, UTC, microseconds",
        ),
        (
            "application, environment, decision_type",
            "as the application named them",
        ),
        (
            "user_id, session_id",
            "who used the application, and the conversation or case",
        ),
        (
            "subject_key",
            "random UUID that stands for the person the decision is about; it cannot be computed from the person's data",
        ),
        (
            "provider, operation, model, model_requested",
            "who answered which kind of call with which model, and the model asked for",
        ),
        (
            "status, error_type",
            "HTTP status of the provider (0: none) and type of the error",
        ),
        (
            "streamed, interrupted",
            "answered as a stream; the stream broke off",
        ),
        (
            "duration_us, first_token_us",
            "microseconds from the request to the end and to the first token",
        ),
        (
            "usage_state, usage",
            "whether the usage is complete, and the disjoint buckets it was normalised into",
        ),
        (
            "input_tokens, output_tokens",
            "totals as the provider counts them, including cached, audio and reasoning parts",
        ),
        (
            "input_cost, output_cost, cost, currency",
            "exact decimals; empty when unpriced or with nothing to price, which is not zero",
        ),
        (
            "price_version, price_rule, unpriced_reason",
            "version of the price table and the rule applied, or why there is none",
        ),
        ("pii", "number of removed spans by type"),
        ("phi", "marked as protected health information"),
        (
            "outcome, overridden, flagged",
            "newest outcome; whether any outcome overrode or flagged the decision",
        ),
        (
            "shard, index",
            "chain and position in it; indexes are dense from 0",
        ),
        (
            "leaf_hash",
            "SHA-256(0x00 || leaf) as in RFC 6962; the leaf holds the hashes of everything stored",
        ),
        (
            "source_id, source_epoch, source_seq",
            "instance of an application, its start, and the number it gave the event; empty when it does not number its events",
        ),
    ];
    let row = |(name, meaning): (&str, &str)| Field {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
    };
    rows.into_iter().map(row).collect()
}
