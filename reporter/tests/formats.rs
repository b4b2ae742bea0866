//! One model, three formats: their figures are equal, their bytes repeat, and nothing in a value becomes mark-up.

mod common;

use std::str::FromStr;

use proptest::prelude::*;
use reporter::build::{Fact, Filters, RangeBuilder, RangeLimits, ServerCounts};
use reporter::csv::to_csv;
use reporter::html::Templates;
use reporter::model::{Body, Money, Range, Report, VerdictState};
use rust_decimal::Decimal;

const LIMITS: RangeLimits = RangeLimits {
    listing_max: 10_000,
    exceptions_max: 50,
};

fn month() -> Report {
    common::month(300, LIMITS)
}

fn range_of(report: &Report) -> &Range {
    match &report.body {
        Body::Range(range) => range,
        Body::Decision(_) => panic!("a range report"),
    }
}

/// Compares with a file under `tests/golden`; `AAL_BLESS=1` writes it anew.
fn check_golden(name: &str, found: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("AAL_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    let difference = expected.lines().zip(found.lines()).position(|(a, b)| a != b);
    assert!(
        expected == found,
        "{name} differs from line {difference:?} on; look at it, then run with AAL_BLESS=1"
    );
}

#[test]
fn html_is_as_it_was_looked_at() {
    let templates = Templates::load().unwrap();
    check_golden("decision.html", &templates.render(&common::decision()).unwrap());
    check_golden(
        "range.html",
        &templates.render(&common::month(40, LIMITS)).unwrap(),
    );
}

#[test]
fn csv_is_as_it_was_looked_at() {
    let csv = |report: &Report| String::from_utf8(to_csv(report).unwrap()).unwrap();
    check_golden("decision.csv", &csv(&common::decision()));
    check_golden("range.csv", &csv(&common::month(40, LIMITS)));
}

#[test]
fn equal_models_give_equal_bytes() {
    let templates = Templates::load().unwrap();
    let (first, second) = (month(), month());
    assert_eq!(first, second);
    assert_eq!(first.to_json().unwrap(), second.to_json().unwrap());
    assert_eq!(to_csv(&first).unwrap(), to_csv(&second).unwrap());
    assert_eq!(
        templates.render(&first).unwrap(),
        templates.render(&second).unwrap()
    );
}

#[test]
fn json_reads_back_as_the_same_model() {
    for report in [month(), common::decision()] {
        let read: Report = serde_json::from_slice(&report.to_json().unwrap()).unwrap();
        assert_eq!(read, report);
    }
}

#[test]
fn csv_json_and_html_have_the_same_figures() {
    let report = month();
    let totals = &range_of(&report).totals;
    let csv = String::from_utf8(to_csv(&report).unwrap()).unwrap();
    let mut lines = csv.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let (cost_at, currency_at, input_at) = (column("cost"), column("currency"), column("input_tokens"));
    let (mut sum, mut priced, mut rows, mut input) = (Money::default(), 0, 0, 0u64);
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        rows += 1;
        input += cells[input_at].parse::<u64>().unwrap();
        if !cells[cost_at].is_empty() {
            priced += 1;
            sum.add(cells[currency_at], Decimal::from_str(cells[cost_at]).unwrap())
                .unwrap();
        }
    }
    assert_eq!(
        (rows, priced, input),
        (totals.calls, totals.priced, totals.input_tokens)
    );
    assert_eq!(sum, totals.cost);

    let json: serde_json::Value = serde_json::from_slice(&report.to_json().unwrap()).unwrap();
    let (currency, exact) = totals.cost.iter().next().unwrap();
    assert_eq!(
        json["body"]["range"]["totals"]["cost"][currency],
        exact.to_string()
    );
    let html = Templates::load().unwrap().render(&report).unwrap();
    assert!(
        html.contains(&format!("{currency} {exact}</td>")),
        "the sum row of the table"
    );
}

#[test]
fn values_never_become_markup() {
    let hostile = "</td><script>alert('x')</script><img src=\"http://host/\">{{head.title}}&amp;";
    let json = String::from_utf8(common::decision().to_json().unwrap()).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
    replace_texts(&mut value["body"]["decision"], hostile);
    value["head"]["title"] = hostile.into();
    value["head"]["tenant"]["name"] = hostile.into();
    let report: Report = serde_json::from_value(value).unwrap();
    let html = Templates::load().unwrap().render(&report).unwrap();
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    assert!(html.contains("&lt;script&gt;") && html.contains("{{head.title}}"));
}

/// Replaces every free text; ids, moments, hashes and amounts keep their form.
fn replace_texts(value: &mut serde_json::Value, text: &str) {
    match value {
        serde_json::Value::String(string) => {
            let has_form = string.parse::<uuid::Uuid>().is_ok()
                || string.parse::<Decimal>().is_ok()
                || string.len() == 64
                || string.ends_with('Z');
            if !has_form {
                *string = text.to_owned();
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| replace_texts(item, text)),
        serde_json::Value::Object(members) => members
            .values_mut()
            .for_each(|member| replace_texts(member, text)),
        _ => {}
    }
}

#[test]
fn a_listing_beyond_the_limit_is_left_out_and_said_so() {
    let limits = RangeLimits {
        listing_max: 10,
        exceptions_max: 3,
    };
    let report = common::month(40, limits);
    let range = range_of(&report);
    assert_eq!(range.records, None);
    assert_eq!((range.totals.calls, range.population.events_listed), (40, 0));
    assert!(range.overridden.len() <= 3);
    let html = Templates::load().unwrap().render(&report).unwrap();
    assert!(html.contains("none: more than 10, the longest listing"));
    let csv = String::from_utf8(to_csv(&report).unwrap()).unwrap();
    assert!(csv.starts_with("path,value\r\n") && csv.contains("/body/range/totals/calls,40\r\n"));
}

#[test]
fn a_failed_verification_and_a_broken_sum_are_shown_first() {
    let mut report = month();
    report.head.verdicts[0].state = VerdictState::Fail;
    if let Body::Range(range) = &mut report.body {
        range.population.checks[0].holds = false;
    }
    let html = Templates::load().unwrap().render(&report).unwrap();
    let alerts: Vec<_> = html.match_indices("class=\"alert\"").collect();
    assert_eq!(alerts.len(), 2);
    assert!(alerts[1].0 < html.find("class=\"cards\"").unwrap());
}

#[test]
fn an_empty_period_is_a_report_too() {
    let range = RangeBuilder::new(Filters::default(), LIMITS, []).finish(&[], ServerCounts::default());
    assert!(range.population.checks.iter().all(|check| check.holds));
    let report = Report {
        body: Body::Range(Box::new(range)),
        ..month()
    };
    let html = Templates::load().unwrap().render(&report).unwrap();
    assert!(html.contains("no events in the period") && html.contains("the tenant has no chain"));
}

#[test]
fn sums_are_exact_and_overflow_is_an_error() {
    let mut money = Money::default();
    for _ in 0..10 {
        money.add("USD", Decimal::new(1, 1)).unwrap();
    }
    money.add("USD", Decimal::new(1, 18)).unwrap();
    assert_eq!(money.iter().next().unwrap().1.to_string(), "1.000000000000000001");
    let mut money = Money::default();
    money.add("USD", Decimal::MAX).unwrap();
    assert!(money.add("USD", Decimal::ONE).is_err());
    assert!(
        money.add("USD", Decimal::new(-1, 1)).is_err(),
        "it would have to be rounded"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the order of records and the filter, the equations hold.
    #[test]
    fn every_equation_holds_in_any_order(order in Just((0..120u64).collect::<Vec<_>>()).prop_shuffle(), flagged in any::<bool>()) {
        let filters = Filters::parse([("flagged", if flagged { "true" } else { "false" })]).unwrap();
        let mut builder = RangeBuilder::new(filters.clone(), LIMITS, common::outcomes(120));
        let mut sorted = RangeBuilder::new(filters, LIMITS, common::outcomes(120));
        for &number in &order {
            builder.push(&common::event(number)).unwrap();
        }
        (0..120).for_each(|number| sorted.push(&common::event(number)).unwrap());
        let counts = ServerCounts { records_in_period: 120, ..ServerCounts::default() };
        let (range, sorted) = (builder.finish(&[], counts), sorted.finish(&[], counts));
        prop_assert_eq!(&range, &sorted);
        prop_assert!(range.population.checks.iter().all(|check| check.holds));
        prop_assert_eq!(range.population.events_reported + range.population.events_filtered_out, 120);
    }

    /// Nearest-rank percentiles against a count by hand.
    #[test]
    fn percentiles_are_nearest_rank(durations in proptest::collection::vec(0u64..1_000, 1..200)) {
        let mut builder = RangeBuilder::new(Filters::default(), LIMITS, []);
        for &duration_us in &durations {
            let fact = Fact { kind: "event".into(), duration_us: Some(duration_us), ..Fact::default() };
            builder.push(&fact).unwrap();
        }
        let latency = builder.finish(&[], ServerCounts::default()).totals.latency;
        for (percent, found) in [(50, latency.p50), (95, latency.p95), (99, latency.p99)] {
            let found = found.unwrap();
            let at_most = durations.iter().filter(|duration| **duration <= found).count();
            let below = durations.iter().filter(|duration| **duration < found).count();
            prop_assert!(at_most * 100 >= durations.len() * percent && below * 100 < durations.len() * percent);
        }
    }
}
