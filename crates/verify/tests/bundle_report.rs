//! Figures of a report inside a bundle, computed again from the headers.

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use aal_bundle::{Filter, MemberKind, Scope};
use aal_verify::{Report, Status, Verdict};
use bundles::{make_with, scope_of, verify};
use common::{Log, default_log};
use serde_json::{Value, json};

/// 2026-09-21T14:13:19Z and an hour later, as [`scope_of`] has them.
const FROM: &str = "2026-09-21T14:13:19.000000Z";
const TO: &str = "2026-09-21T15:13:20.000000Z";

/// What the reporter writes for the sealed records of the default log, with the parts that are not compared left out.
fn report_of(log: &Log) -> Value {
    let heads = &log.epochs.last().unwrap().heads;
    let chains: Vec<Value> = heads
        .chains()
        .iter()
        .map(|head| json!({"tenant": head.chain.tenant, "shard": head.chain.shard, "size": head.size, "head": ""}))
        .collect();
    let group = json!({"calls": 19, "errors": 0, "input_tokens": 2280, "output_tokens": 570, "cost": {"USD": "0.0114"}});
    let named = |name: Value| {
        let mut group = group.clone();
        group["name"] = name;
        group
    };
    json!({
        "schema": "ai-audit-layer/report/1",
        "head": {
            "period": {"from": FROM, "to": TO},
            "parameters": [{"name": "type", "value": "range"}, {"name": "from", "value": FROM}, {"name": "to", "value": TO}],
            "title": "not compared",
        },
        "body": {"range": {
            "population": {
                "kinds": [{"kind": "event", "meaning": "", "count": 19}, {"kind": "gap", "meaning": "", "count": 1},
                          {"kind": "heartbeat", "meaning": "", "count": 1}],
                "records_in_period": 21, "events_in_period": 19, "events_filtered_out": 0, "events_reported": 19,
            },
            "totals": {
                "calls": 19, "errors": 0, "streamed": 0, "interrupted": 0, "phi": 0, "sessions": 1,
                "input_tokens": 2280, "output_tokens": 570, "usage": {"input_text": 2280, "output_text": 570},
                "input_cost": {}, "output_cost": {}, "cost": {"USD": "0.0114"},
                "priced": 19, "unpriced": 0, "nothing_to_price": 0, "free": 0,
                "redactions": 19, "events_with_redactions": 19,
            },
            "by_model": [named(json!(["openai", "gpt-4o-2024-08-06"]))],
            "by_application": [named(json!(["loan-desk"]))],
            "chains": chains, "days": [], "records": null,
        }},
    })
}

fn outcome(scope: &Scope, report: &Value) -> Report {
    let bytes = serde_json::to_vec_pretty(report).unwrap();
    let bundle = make_with(&default_log(), scope, |writer| {
        writer.report(MemberKind::ReportJson, &bytes).unwrap();
    });
    verify(&bundle)
}

#[test]
fn figures_that_follow_from_the_records_pass() {
    let log = default_log();
    let report = outcome(&scope_of(&log), &report_of(&log));
    assert_eq!(report.exit_code(), 0, "{report}");
    let judged = report.verdict(Verdict::Report);
    assert_eq!(judged.status, Status::Pass, "{report}");
    assert!(judged.checked > 20 && judged.is_required);
}

#[test]
fn every_changed_figure_is_refuted() {
    let log = default_log();
    for (pointer, value) in [
        ("/body/range/population/kinds/0/count", json!(18)),
        ("/body/range/population/records_in_period", json!(20)),
        ("/body/range/population/events_in_period", json!(20)),
        ("/body/range/population/events_filtered_out", json!(1)),
        ("/body/range/population/events_reported", json!(18)),
        ("/body/range/totals/calls", json!(18)),
        ("/body/range/totals/errors", json!(1)),
        ("/body/range/totals/phi", json!(1)),
        ("/body/range/totals/input_tokens", json!(2281)),
        ("/body/range/totals/usage/input_text", json!(2279)),
        ("/body/range/totals/cost/USD", json!("0.0115")),
        ("/body/range/totals/cost", json!({})),
        ("/body/range/totals/cost", json!({"EUR": "0.0114"})),
        ("/body/range/totals/input_cost", json!({"USD": "0"})),
        ("/body/range/totals/redactions", json!(18)),
        ("/body/range/totals/priced", json!(18)),
        ("/body/range/totals/free", json!(1)),
        ("/body/range/by_model/0/calls", json!(18)),
        ("/body/range/by_model/0/name/1", json!("gpt-4o")),
        ("/body/range/by_application", json!([])),
    ] {
        let mut forged = report_of(&log);
        *forged.pointer_mut(pointer).unwrap() = value;
        let report = outcome(&scope_of(&log), &forged);
        assert_eq!(
            report.verdict(Verdict::Report).status,
            Status::Fail,
            "{pointer}:\n{report}"
        );
        assert_eq!(report.exit_code(), 1, "{pointer}");
    }
}

#[test]
fn a_report_about_something_else_is_unproven() {
    let log = default_log();
    let mut longer = report_of(&log);
    longer["head"]["period"]["to"] = json!("2026-09-22T00:00:00Z");
    let mut filtered = report_of(&log);
    filtered["head"]["parameters"] = json!([{"name": "application", "value": "loan-desk"}]);
    let mut larger = report_of(&log);
    larger["body"]["range"]["chains"][0]["size"] = json!(1_000);
    let mut newer = report_of(&log);
    newer["schema"] = json!("ai-audit-layer/report/9");
    let decision = json!({"schema": "ai-audit-layer/report/1", "head": {"period": null, "parameters": []},
                          "body": {"decision": {}}});
    for report in [longer, filtered, larger, newer, decision] {
        let outcome = outcome(&scope_of(&log), &report);
        assert_eq!(
            outcome.verdict(Verdict::Report).status,
            Status::Unproven,
            "{outcome}"
        );
        assert_eq!(outcome.exit_code(), 3);
    }
    let no_report = outcome(&scope_of(&log), &json!({"figures": 7}));
    assert_eq!(no_report.exit_code(), 1, "{no_report}");
}

#[test]
fn filtered_events_are_counted_as_left_out() {
    let log = default_log();
    let mut scope = scope_of(&log);
    scope.filter = Filter::new([("provider", "anthropic")]).unwrap();
    let mut report = report_of(&log);
    report["head"]["parameters"] = json!([{"name": "provider", "value": "anthropic"}]);
    let range = &mut report["body"]["range"];
    range["population"]["events_filtered_out"] = json!(19);
    range["population"]["events_reported"] = json!(0);
    for (name, value) in range["totals"].as_object_mut().unwrap() {
        *value = if value.is_object() { json!({}) } else { json!(0) };
        assert!(!name.is_empty());
    }
    range["by_model"] = json!([]);
    range["by_application"] = json!([]);
    let outcome = outcome(&scope, &report);
    assert_eq!(outcome.verdict(Verdict::Report).status, Status::Pass, "{outcome}");
}
