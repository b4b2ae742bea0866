//! Turns a planned step into what an application would send.

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use uuid::Uuid;

use crate::{
    calendar::HOUR_US,
    catalogue::{Api, COMPANIES, Company, Route, Scenario},
    people::{self, Person},
    plan::Session,
    rng::{Rng, mix},
    script::{self, Script},
    wire::{self, Call, Fate, Wire},
};

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

// Streams of a session's seed; each part of an event draws from its own, so that a change of one leaves the others.
const SCRIPT: u64 = 1;
const USER: u64 = 2;
const ROUTE: u64 = 3;
const TURN: u64 = 100;
const OUTCOME: u64 = 200;

/// When OpenAI had its bad afternoon: two hours on the twentieth day of the month.
const INCIDENT_HOURS_BEFORE_END: std::ops::Range<i64> = 10 * 24..10 * 24 + 2;

/// Facts of the whole month that an event depends on.
#[derive(Debug, Clone, Copy)]
pub struct Month {
    pub end_us: i64,
}

/// An event, its id, and when somebody will record what became of it.
#[derive(Debug)]
pub struct Made {
    pub event_id: Uuid,
    pub body: Value,
    pub outcome_at_us: Option<i64>,
}

/// RFC 3339, UTC, microseconds.
fn time_text(at_us: i64) -> String {
    let nanoseconds = i128::from(at_us) * 1_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(TIME).unwrap_or_default()
}

/// A UUID of version 7's shape whose random part comes from the seed.
fn event_id(at_us: i64, rng: &mut Rng) -> Uuid {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&rng.next().to_be_bytes());
    random[8..].copy_from_slice(&rng.next().to_be_bytes()[..2]);
    let at_ms = u64::try_from(at_us / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(at_ms, &random).into_uuid()
}

struct Setting {
    company: &'static Company,
    scenario: &'static Scenario,
    script: Script,
}

fn setting(session: &Session) -> Setting {
    let company = &COMPANIES[session.company];
    let scenario = &company.scenarios[session.scenario];
    let turns = usize::try_from(session.turns).unwrap_or(1);
    let script = script::write(scenario.topic, turns, &mut Rng::new(mix(session.seed, SCRIPT)));
    Setting {
        company,
        scenario,
        script,
    }
}

/// The event of one call.
pub fn make(month: Month, session: &Session, turn: u64, at_us: i64, sequence: u64) -> Made {
    let Setting {
        company,
        scenario,
        script,
    } = setting(session);
    let mut rng = Rng::new(mix(session.seed, TURN + turn));
    let event_id = event_id(at_us, &mut rng);
    let mut route_rng = Rng::new(mix(session.seed, ROUTE));
    let route = &scenario.routes[route_rng.weighted(scenario.routes.iter().map(|route| route.weight))];
    let is_incident = is_incident(month, route, at_us);

    let stream = rng.chance(route.streams_per_mille);
    let fate = fate(route, stream, is_incident, &mut rng);
    let asked = usize::try_from(turn).unwrap_or(0).min(script.turns.len() - 1);
    let (question, answer) = &script.turns[asked];
    let mut call = Call {
        route,
        system: &script.system,
        history: &script.turns[..asked],
        question,
        answer,
        cached_tokens: 0,
        cache_written_tokens: 0,
        reasoning_tokens: if route.reasons { rng.between(1, 18) * 64 } else { 0 },
        stream,
        created_s: at_us / 1_000_000,
    };
    (call.cached_tokens, call.cache_written_tokens) = cached_tokens(&call, &mut rng);
    let wire = wire::render(&call, fate, &mut rng);

    let timing = timing(&call, fate, is_incident, at_us, &mut rng);
    let mut body = identity(company, scenario, session, &script);
    body.insert("event_id".into(), json!(event_id));
    body.insert("occurred_at".into(), json!(time_text(at_us)));
    exchange(&mut body, route, wire);
    body.insert("timing".into(), timing);
    body.insert(
        "trace".into(),
        json!({"trace_id": rng.hex(32), "span_id": rng.hex(16)}),
    );
    body.insert("source".into(), source(company, scenario, month, sequence));

    let follows = turn == 0 && fate == Fate::Answered && rng.chance(scenario.outcomes_per_mille);
    let outcome_at_us =
        follows.then(|| at_us + i64::try_from(rng.between(180, 40 * 3_600) * 1_000_000).unwrap_or(0));
    Made {
        event_id,
        body: Value::Object(body),
        outcome_at_us,
    }
}

fn is_incident(month: Month, route: &Route, at_us: i64) -> bool {
    let hours_before_end = (month.end_us - at_us) / HOUR_US;
    INCIDENT_HOURS_BEFORE_END.contains(&hours_before_end) && route.url.contains("api.openai.com")
}

fn fate(route: &Route, stream: bool, is_incident: bool, rng: &mut Rng) -> Fate {
    let azure = u64::from(route.api == Api::AzureChat);
    let weights = [
        (Fate::BrokenOff, if stream { 42 } else { 0 }),
        (Fate::RateLimited, if is_incident { 120 } else { 8 }),
        (Fate::ServerError, if is_incident { 220 } else { 5 }),
        (Fate::TimedOut, if is_incident { 60 } else { 3 }),
        (Fate::Filtered, 9 * azure),
    ];
    let mut ticket = rng.below(1_000);
    for (fate, weight) in weights {
        if ticket < weight {
            return fate;
        }
        ticket -= weight;
    }
    Fate::Answered
}

/// Tokens read from and written to the cache. OpenAI caches from 1,024 tokens in steps of 128 and says nothing of
/// writing; Anthropic caches what is marked, from 1,024 tokens, and counts the call that writes it.
fn cached_tokens(call: &Call<'_>, rng: &mut Rng) -> (u64, u64) {
    let handbook_tokens = call.system.len() as u64 / 4;
    let is_warm = rng.chance(720);
    match call.route.api {
        Api::Embeddings => (0, 0),
        _ if handbook_tokens < 1_024 => (0, 0),
        Api::Messages if is_warm => (handbook_tokens, 0),
        Api::Messages => (0, handbook_tokens),
        _ if is_warm => (handbook_tokens / 128 * 128, 0),
        _ => (0, 0),
    }
}

/// Who, where, what for: everything that does not depend on the exchange.
fn identity(
    company: &Company,
    scenario: &Scenario,
    session: &Session,
    script: &Script,
) -> Map<String, Value> {
    let mut rng = Rng::new(mix(session.seed, USER));
    let staff = staff(company, rng.below(24));
    let mut body = Map::new();
    body.insert("application".into(), json!(scenario.application));
    body.insert(
        "environment".into(),
        json!(if rng.chance(30) { "staging" } else { "production" }),
    );
    body.insert("decision_type".into(), json!(scenario.decision_type));
    body.insert(
        "session_id".into(),
        json!(format!("{}-{:016x}", company.slug, session.seed)),
    );
    match &script.subject {
        Some(subject) if script.self_service => {
            body.insert("user_id".into(), json!(subject.id));
            body.insert("user_email".into(), json!(subject.email));
            body.insert("ip_address".into(), json!(subject.ip));
        }
        _ => {
            body.insert("user_id".into(), json!(staff.id));
            body.insert("user_email".into(), json!(staff.email));
            body.insert(
                "ip_address".into(),
                json!(format!(
                    "10.{}.{}.{}",
                    session.company,
                    rng.below(40),
                    rng.between(2, 250)
                )),
            );
        }
    }
    if let Some(subject) = &script.subject {
        body.insert(
            "subject".into(),
            json!({"id": subject.id, "email": subject.email}),
        );
    }
    let team = scenario.application;
    let release = format!("2026.{}.{}", rng.between(9, 11), rng.below(4));
    body.insert(
        "tags".into(),
        json!({"team": team, "release": release, "region": "eu-west-1"}),
    );
    let facts: Map<String, Value> = script
        .facts
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()))
        .collect();
    body.insert("metadata".into(), Value::Object(facts));
    if scenario.phi {
        body.insert("phi".into(), json!(true));
    }
    body
}

fn staff(company: &Company, number: u64) -> Person {
    let mut person = Person::numbered("STAFF", 70_000 + number + company.weight * 100);
    person.email = format!(
        "{}.{}@{}",
        person.first.to_lowercase(),
        person.last.to_lowercase(),
        company.staff_domain
    );
    person
}

fn exchange(body: &mut Map<String, Value>, route: &Route, wire: Wire) {
    body.insert("provider".into(), json!(route.api.provider()));
    body.insert("operation".into(), json!(route.api.operation()));
    body.insert(
        "request".into(),
        json!({"method": "POST", "url": route.url, "body": wire.request_body}),
    );
    if let Some(answer) = wire.answer {
        body.insert(
            "response".into(),
            json!({"status": answer.status, "content_type": answer.content_type, "body": answer.body}),
        );
    }
    if let Some((kind, message)) = wire.error {
        body.insert("error".into(), json!({"type": kind, "message": message}));
    }
    if wire.interrupted {
        body.insert("interrupted".into(), json!(true));
    }
}

fn timing(call: &Call<'_>, fate: Fate, is_incident: bool, at_us: i64, rng: &mut Rng) -> Value {
    let load_percent =
        rng.between(75, 165) * if is_incident { 5 } else { 1 } + if rng.chance(20) { 400 } else { 0 };
    let first_token_ms = call.route.first_token_ms * load_percent / 100;
    let generated = call.answer_tokens() + call.reasoning_tokens;
    let answered_ms = first_token_ms + generated * call.route.token_us * load_percent / 100_000;
    let duration_ms = match fate {
        Fate::Answered => answered_ms,
        Fate::BrokenOff => first_token_ms + (answered_ms - first_token_ms) / 2,
        Fate::RateLimited | Fate::Filtered => rng.between(45, 190),
        Fate::ServerError => rng.between(900, 9_000),
        Fate::TimedOut => 60_000 + rng.below(40),
    };
    let mut timing = json!({"started_at": time_text(at_us), "duration_ms": duration_ms});
    if call.stream && matches!(fate, Fate::Answered | Fate::BrokenOff) {
        timing["first_token_ms"] = json!(first_token_ms);
    }
    timing
}

/// `epoch` names the run, so that a second run's numbers do not look like a repetition of the first.
fn source(company: &Company, scenario: &Scenario, month: Month, sequence: u64) -> Value {
    let sdk = if company.slug == "hospital" {
        "aal-typescript"
    } else {
        "aal-python"
    };
    json!({
        "sdk": sdk,
        "version": "0.1.0",
        "instance": format!("{}-{}-0", company.slug, scenario.application),
        "epoch": month.end_us / 1_000_000,
        "sequence": sequence,
    })
}

/// What became of a decision, as `POST .../outcomes` takes it.
pub fn make_outcome(session: &Session) -> (&'static str, Value) {
    let Setting {
        company,
        scenario,
        script,
    } = setting(session);
    let mut rng = Rng::new(mix(session.seed, OUTCOME));
    let reviewer = staff(company, rng.below(24)).email;
    let overridden = rng.chance(70);
    let flagged = rng.chance(if overridden { 120 } else { 9 });
    let mut body =
        json!({"outcome": if overridden { script.reversed } else { script.proposed }, "reviewer": reviewer});
    if overridden {
        body["override"] = json!(true);
        body["note"] = json!(override_note(script.subject.as_ref(), &mut rng));
    }
    if flagged {
        body["flag"] = json!(true);
        body["note"] = json!(*rng.pick(&[
            "Incident: the reasons given do not match the documents. Sent to model risk.",
            "Incident: the answer names a person who is not part of this case.",
            "Incident: the proposal seems to rest on the postcode. Sent to compliance.",
            "Incident: invented reference. Sent to the quality circle.",
        ]));
    }
    (scenario.application, body)
}

fn override_note(subject: Option<&Person>, rng: &mut Rng) -> String {
    let reason = *rng.pick(&[
        "The newest document was not in the input.",
        "The figure was read from the wrong column.",
        "The rule does not apply to this case.",
        "Context from the conversation was missing.",
    ]);
    match subject {
        Some(person) if rng.chance(400) => {
            format!("{reason} Spoke to {} on {}.", person.name(), people::phone(rng))
        }
        _ => reason.to_owned(),
    }
}
