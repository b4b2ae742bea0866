//! Gathers everything recorded about a person into one document.

use std::collections::{BTreeMap, BTreeSet};

use aal_ledger::Leaf;
use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::control_problem;
use crate::call::Call;
use crate::ledger::proof_text;
use crate::logs::{DetailRow, records_under, reveal};
use crate::scope::Scope;
use crate::sql::Sql;
use crate::subjects::masking::{Own, filled, part};
use crate::subjects::person::Person;

/// Most records of one export.
const MAX_RECORDS: u64 = 2_000;
/// Records whose inclusion proof is part of the document; the others' can be asked for one by one.
const MAX_PROOFS: usize = 200;
/// Reports and accesses listed.
const MAX_LISTED: u64 = 5_000;
const FORMAT: &str = "aal/subject-export/v1";

const THIRD_PARTIES: &str = "Values that were removed from the texts are shown where they equal one of the person's own \
    identifiers; all others may be about other people and stay masked by their placeholder.";
const EXPLANATION: &str = "Each of these records is the answer of a language model to a request that an application made. \
    The request is the input the model was given; the answer is shown as it was. Whether a person was involved is said by \
    the outcomes that were recorded for it: without one, none is known.";
const LIMITS: [&str; 4] = [
    "Applications may keep data about the person that they never sent here.",
    "Names in texts that the detector did not recognise stand in the texts as they are.",
    "Messages that have not been processed yet (a few seconds) are missing.",
    "Records in which the person is only mentioned, under another person's id, are not found.",
];

/// What is exported.
pub(super) struct Asked<'p> {
    pub(super) person: &'p Person,
    pub(super) identifiers: &'p [String],
    pub(super) from_us: Option<i64>,
    pub(super) to_us: Option<i64>,
}

/// The document.
pub(super) async fn dossier(call: &Call, asked: &Asked<'_>) -> Result<Value, Problem> {
    let scope = call.scope.narrowed(Some(asked.person.tenant))?;
    let period = (asked.from_us.unwrap_or(0), asked.to_us.unwrap_or(i64::MAX / 2));
    let keys = &asked.person.keys;
    let rows = records_under(&call.app, &scope, keys, period, MAX_RECORDS + 1).await?;
    if rows.len() as u64 > MAX_RECORDS {
        let problem = Problem::validation(format!("the export would have more than {MAX_RECORDS} records"));
        return Err(problem.with_error("/from", "choose a shorter period and make several exports"));
    }
    let id = call.request.path.first().cloned().unwrap_or_default();
    let own = Own::new(asked.identifiers.iter().map(String::as_str).chain([id.as_str()]));
    let events: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let outcomes = outcomes_of(call, &scope, &events).await?;
    let mut gathered = Gathered::default();
    for row in &rows {
        let revealed = reveal(&call.app, row).await?;
        let mut record = record_json(row, &revealed, &own, keys, &mut gathered);
        let said = outcomes.get(&row.event_id).cloned().unwrap_or_default();
        gathered.decision(&record, &said);
        record["outcomes"] = said.into();
        if gathered.records.len() < MAX_PROOFS {
            record["proof"] = proof_text(&call.app, row).await?.into();
        }
        gathered.records.push(record);
    }
    let accesses = accesses_of(call, &scope, &events).await?;
    let reports = reports_of(call, &scope, &events).await?;
    let recipients: Vec<Value> = gathered.recipients.into_values().collect();
    Ok(json!({
        "format": FORMAT, "tenant": asked.person.tenant, "generated_at": rfc3339_us(now_us()),
        "subject": {"id": id, "subject_key_ids": keys},
        "period": {"from": asked.from_us.map(rfc3339_us), "to": asked.to_us.map(rfc3339_us)},
        "counts": {"records": rows.len(), "decisions": gathered.decisions.len(), "sessions": gathered.sessions.len(),
                   "values_shown": gathered.shown, "values_masked": gathered.masked, "accesses": accesses.len()},
        "third_parties": THIRD_PARTIES, "recipients": recipients,
        "automated_decisions": {"explanation": EXPLANATION, "items": gathered.decisions},
        "sessions": gathered.sessions, "records": gathered.records, "accesses": accesses, "reports": reports,
        "limits": LIMITS,
    }))
}

#[derive(Default)]
struct Gathered {
    records: Vec<Value>,
    decisions: Vec<Value>,
    sessions: BTreeSet<String>,
    /// By provider and model.
    recipients: BTreeMap<(String, String), Value>,
    shown: usize,
    masked: usize,
}

fn text_of(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

impl Gathered {
    fn recipient(&mut self, header: &Value, at: &str) {
        let (provider, model) = (text_of(header, "provider"), text_of(header, "model"));
        if provider.is_empty() {
            return;
        }
        let key = (provider.clone(), model.clone());
        let entry = self.recipients.entry(key).or_insert_with(
            || json!({"provider": provider, "model": model, "calls": 0, "first": at, "last": at}),
        );
        entry["calls"] = (entry["calls"].as_u64().unwrap_or(0) + 1).into();
        entry["last"] = at.into();
    }

    /// Decisions are what applications gave a decision type, and what somebody judged.
    fn decision(&mut self, record: &Value, outcomes: &[Value]) {
        if record["kind"] != "event" || (record["decision_type"] == "" && outcomes.is_empty()) {
            return;
        }
        let names: Vec<&Value> = outcomes.iter().map(|outcome| &outcome["outcome"]).collect();
        self.decisions.push(json!({
            "event_id": record["event_id"], "at": record["at"], "decision_type": record["decision_type"],
            "application": record["application"], "model": record["model"], "outcomes": names,
            "human_involved": outcomes.iter().any(|outcome| outcome["reviewed"] == true),
        }));
    }
}

fn record_json(
    row: &DetailRow,
    revealed: &Value,
    own: &Own,
    keys: &[Uuid],
    gathered: &mut Gathered,
) -> Value {
    let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
    let mut attributes: Map<String, Value> = serde_json::from_str(&row.attributes).unwrap_or_default();
    // Where values stood, and the fields that are shown by themselves.
    for member in ["redactions", "request", "response"] {
        attributes.remove(member);
    }
    let user_key = Leaf::decode(&row.leaf).ok().and_then(|leaf| {
        let fixed = leaf.slots.iter().find(|slot| slot.slot == 8 || slot.slot == 9)?;
        Some(fixed.subject_key_id)
    });
    let parted = part(revealed, own, user_key.is_some_and(|key| keys.contains(&key)));
    gathered.shown += parted.shown.len() + parted.contact.len();
    gathered.masked += parted.masked;
    if !row.session_id.is_empty() {
        gathered.sessions.insert(row.session_id.clone());
    }
    let at = rfc3339_us(header["occurred_at_us"].as_i64().unwrap_or(0));
    if header["kind"] == "event" {
        gathered.recipient(&header, &at);
    }
    let details = Value::Object(attributes).to_string();
    let details: Value = serde_json::from_str(&filled(&details, &parted.shown)).unwrap_or_default();
    json!({
        "event_id": row.event_id, "kind": header["kind"], "at": at, "application": row.application,
        "environment": row.environment, "decision_type": text_of(&header, "decision_type"),
        "provider": text_of(&header, "provider"), "model": text_of(&header, "model"), "session_id": row.session_id,
        "request": filled(&row.request_body, &parted.shown), "response": filled(&row.response_body, &parted.shown),
        "details": details, "contact": parted.contact, "values_shown": parted.shown, "values_masked": parted.masked,
        "erased": row.attributes.is_empty() && header.get("content").is_some(),
        "ledger": {"chain": format!("{}/{}", row.tenant, row.shard), "index": row.chain_index,
                   "leaf_hash": aal_ledger::hash::to_hex(&row.leaf_hash)},
    })
}

#[derive(Row, Deserialize)]
struct LinkedRow {
    #[serde(with = "clickhouse::serde::uuid")]
    target: Uuid,
    at_us: i64,
    header: String,
    attributes: String,
}

async fn linked(call: &Call, scope: &Scope, kind: &str, events: &[Uuid]) -> Result<Vec<LinkedRow>, Problem> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(
        "SELECT target_event_id AS target, toInt64(toUnixTimestamp64Micro(occurred_at)) AS at_us, header, attributes",
    );
    sql.records(scope)
        .push(" AND kind = ? AND target_event_id IN ? ORDER BY occurred_at, event_id LIMIT ?")
        .bind_text(kind)
        .bind_uuids(events)
        .bind_u64(MAX_LISTED);
    call.app.rows(sql).await
}

/// What became of each event. The reviewer is somebody else and is not named.
async fn outcomes_of(
    call: &Call,
    scope: &Scope,
    events: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Value>>, Problem> {
    let mut outcomes: BTreeMap<Uuid, Vec<Value>> = BTreeMap::new();
    for row in linked(call, scope, "outcome", events).await? {
        let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
        let attributes: Value = serde_json::from_str(&row.attributes).unwrap_or_default();
        let told = &attributes["outcome"];
        outcomes.entry(row.target).or_default().push(json!({
            "at": rfc3339_us(row.at_us), "outcome": text_of(&header, "outcome"), "note": text_of(told, "note"),
            "override": header["outcome_override"] == true, "reviewed": told["reviewer"].is_string(),
        }));
    }
    Ok(outcomes)
}

/// Who looked at the records: in which role and what for, not by name.
async fn accesses_of(call: &Call, scope: &Scope, events: &[Uuid]) -> Result<Vec<Value>, Problem> {
    let rows = linked(call, scope, "access", events).await?;
    Ok(rows
        .iter()
        .map(|row| {
            let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
            let attributes: Value = serde_json::from_str(&row.attributes).unwrap_or_default();
            json!({"at": rfc3339_us(row.at_us), "event_id": row.target, "action": text_of(&header, "action"),
                   "role": text_of(&attributes["access"], "role")})
        })
        .collect())
}

/// Reports about single records of the person.
async fn reports_of(call: &Call, scope: &Scope, events: &[Uuid]) -> Result<Vec<Value>, Problem> {
    let jobs = call
        .app
        .control
        .jobs(scope.tenants, None, MAX_LISTED as u32)
        .await
        .map_err(control_problem)?;
    let about = jobs.iter().filter(|job| {
        let event = job.request["event_id"].as_str().and_then(|id| id.parse().ok());
        event.is_some_and(|event: Uuid| events.contains(&event))
    });
    Ok(about
        .map(|job| json!({"at": rfc3339_us(job.created_us), "id": job.id, "kind": job.kind}))
        .collect())
}
