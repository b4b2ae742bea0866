//! Reports in the documented forms against ledger totals.

use aal_reconcile::{BadExport, Export, LedgerRow, Measure, Provider, Totals, compare};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const DAY_S: i64 = 1_730_419_200; // 2024-11-01T00:00:00Z
const DAY_US: i64 = DAY_S * 1_000_000;

fn read(provider: Provider, text: &str) -> Result<Export, BadExport> {
    let mut export = Export::default();
    export.read(provider, "report", text)?;
    Ok(export)
}

fn openai(results: Value, has_more: bool) -> String {
    json!({"object": "page", "data": [{"object": "bucket", "start_time": DAY_S, "end_time": DAY_S + 86_400, "results": results}],
        "has_more": has_more})
    .to_string()
}

fn usage(model: &str, input: u64) -> Value {
    json!({"object": "organization.usage.completions.result", "input_tokens": input, "input_cached_tokens": 800,
        "output_tokens": 500, "num_model_requests": 5, "model": model})
}

fn held(model: &str, operation: &str, totals: Totals) -> LedgerRow {
    LedgerRow {
        day: "2024-11-01".to_owned(),
        model: model.to_owned(),
        operation: operation.to_owned(),
        totals,
        unpriced: 0,
    }
}

fn of_usage(input: u64) -> Totals {
    Totals {
        requests: Some(5),
        input_tokens: Some(input),
        output_tokens: Some(500),
        cache_read_tokens: Some(800),
        ..Totals::default()
    }
}

fn found(export: &Export, ledger: &[LedgerRow]) -> Vec<(String, Measure, String)> {
    let comparison = compare(export, ledger, Decimal::ZERO);
    comparison
        .differences
        .into_iter()
        .map(|one| (one.model, one.measure, one.lacking.to_string()))
        .collect()
}

#[test]
fn what_the_ledger_lacks_is_positive_and_what_it_has_in_excess_negative() {
    let export = read(
        Provider::OpenAi,
        &openai(json!([usage("a", 1_000), usage("b", 10)]), false),
    )
    .unwrap();
    let same = [
        held("a", "chat", of_usage(1_000)),
        held("b", "responses", of_usage(10)),
    ];
    assert!(found(&export, &same).is_empty());
    assert_eq!(compare(&export, &same, Decimal::ZERO).compared, 8);
    let other = [
        held("a", "chat", of_usage(400)),
        held("b", "chat", of_usage(10)),
        held("c", "chat", of_usage(7)),
    ];
    let expected = [
        ("a", Measure::InputTokens, "600"),
        ("c", Measure::Requests, "-5"),
        ("c", Measure::InputTokens, "-7"),
        ("c", Measure::OutputTokens, "-500"),
        ("c", Measure::CacheReadTokens, "-800"),
    ];
    let expected = expected.map(|(model, measure, lacking)| (model.to_owned(), measure, lacking.to_owned()));
    assert_eq!(found(&export, &other), expected);
}

#[test]
fn operations_that_a_report_is_not_about_are_not_in_excess() {
    let mut export = read(Provider::OpenAi, &openai(json!([usage("a", 10)]), false)).unwrap();
    let vectors = held("e", "embeddings", of_usage(7));
    let ledger = [held("a", "chat", of_usage(10)), vectors];
    assert!(found(&export, &ledger).is_empty());
    // Once the report of embeddings is there too, they count; it states no output.
    let more = json!([{"object": "organization.usage.embeddings.result", "input_tokens": 9, "num_model_requests": 5, "model": "e"}]);
    export
        .read(Provider::OpenAi, "second", &openai(more, false))
        .unwrap();
    let short = found(&export, &ledger);
    assert_eq!(short[0], ("e".to_owned(), Measure::InputTokens, "2".to_owned()));
}

#[test]
fn audio_is_stated_beside_text() {
    let result = json!([{"input_tokens": 10, "input_audio_tokens": 5, "output_tokens": 3, "output_audio_tokens": 2, "model": "a"}]);
    let export = read(Provider::OpenAi, &openai(result, false)).unwrap();
    let (_, totals) = &export.buckets[0].results[0];
    assert_eq!((totals.input_tokens, totals.output_tokens), (Some(15), Some(5)));
}

#[test]
fn anthropic_counts_cached_tokens_apart_and_costs_in_cents() {
    let page = |result: Value| {
        json!({"data": [{"starting_at": "2024-11-01T00:00:00Z", "ending_at": "2024-11-02T00:00:00Z", "results": [result]}],
            "has_more": false})
        .to_string()
    };
    let nested = json!({"uncached_input_tokens": 10, "cache_read_input_tokens": 200, "output_tokens": 5, "model": "m",
        "cache_creation": {"ephemeral_5m_input_tokens": 3_000, "ephemeral_1h_input_tokens": 40_000},
        "server_tool_use": {"web_search_requests": 2}});
    let flat = json!({"uncached_input_tokens": 10, "cache_read_input_tokens": 200, "output_tokens": 5, "model": "m",
        "cache_creation_5m_input_tokens": 3_000, "cache_creation_1h_input_tokens": 40_000,
        "server_tool_use": {"web_search_requests": 2}});
    for result in [nested, flat] {
        let export = read(Provider::Anthropic, &page(result)).unwrap();
        let (_, totals) = &export.buckets[0].results[0];
        assert_eq!(totals.input_tokens, Some(43_210));
        assert_eq!(
            (totals.cache_write_tokens, totals.web_searches),
            (Some(43_000), Some(2))
        );
    }
    let cost = json!({"amount": "123.45", "currency": "USD", "model": "m"});
    let export = read(Provider::Anthropic, &page(cost)).unwrap();
    assert_eq!(export.buckets[0].results[0].1.cost.unwrap().to_string(), "1.2345");
    let search = json!({"amount": "2", "currency": "USD", "model": null, "description": "Web Search Usage"});
    let export = read(Provider::Anthropic, &page(search)).unwrap();
    assert_eq!(export.buckets[0].results[0].0, "Web Search Usage");
}

#[test]
fn costs_of_openai_are_added_up_by_model_exactly() {
    let cost =
        |item: &str, value: f64| json!({"amount": {"value": value, "currency": "usd"}, "line_item": item});
    let results = json!([cost("a, input", 0.1), cost("a, output", 0.2)]);
    let export = read(Provider::OpenAi, &openai(results, false)).unwrap();
    let of = |cost: &str| {
        let cost = Some(cost.parse().unwrap());
        let totals = Totals {
            cost,
            ..Totals::default()
        };
        [held("a", "images", totals)]
    };
    assert!(found(&export, &of("0.3")).is_empty());
    let comparison = compare(&export, &of("0.295"), Decimal::new(5, 3));
    assert!(comparison.differences.is_empty());
    assert_eq!(
        compare(&export, &of("0.294"), Decimal::new(5, 3))
            .differences
            .len(),
        1
    );
}

#[test]
fn the_files_of_the_consoles_are_read() {
    let usage = "\u{feff}usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
        usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,\
        web_search_count\n\
        2024-11-01,claude-haiku-4-5-20251001,k1,Default,standard,≤ 200k,100,10,20,30,5,1\n\
        2024-11-01,claude-haiku-4-5-20251001,k1,Default,standard,≤ 200k,100,10,20,30,5,1\n";
    let export = read(Provider::Anthropic, usage).unwrap();
    assert_eq!(export.period(), Some((DAY_US, DAY_US + 86_400_000_000)));
    let totals = Totals {
        input_tokens: Some(320),
        output_tokens: Some(10),
        cache_read_tokens: Some(60),
        cache_write_tokens: Some(60),
        web_searches: Some(2),
        ..Totals::default()
    };
    assert!(found(&export, &[held("claude-haiku-4-5-20251001", "messages", totals)]).is_empty());

    let cost = "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type\n\
        2024-11-01,Claude Haiku 4.5,Default,k1,message,≤ 200k,input_no_cache,1.50,1.50,token\n\
        2024-11-01,Claude Haiku 4.5,Default,k1,message,≤ 200k,output,0.25,0.25,token\n";
    let export = read(Provider::Anthropic, cost).unwrap();
    let totals = Totals {
        cost: Some("1.75".parse().unwrap()),
        ..Totals::default()
    };
    assert!(found(&export, &[held("claude-haiku-4-5-20251001", "messages", totals)]).is_empty());

    let openai = "start_time,end_time,start_time_iso,end_time_iso,model,num_model_requests,input_tokens,output_tokens,input_cached_tokens\n\
        1730419200,1730419260,2024-11-01T00:00:00+00:00,2024-11-01T00:01:00+00:00,a,2,600,300,500\n\
        1730419260,1730419320,2024-11-01T00:01:00+00:00,2024-11-01T00:02:00+00:00,,,,,\n\
        1730419320,1730419380,2024-11-01T00:02:00+00:00,2024-11-01T00:03:00+00:00,a,3,400,200,300\n";
    let export = read(Provider::OpenAi, openai).unwrap();
    assert_eq!(export.period(), Some((DAY_US, DAY_US + 180_000_000)));
    assert!(found(&export, &[held("a", "chat", of_usage(1_000))]).is_empty());
    let empty = "start_time,end_time,start_time_iso,end_time_iso\n1730419200,1730505600,x,y\n";
    assert_eq!(read(Provider::OpenAi, empty).unwrap().buckets.len(), 1);
}

#[test]
fn a_period_takes_whole_buckets_only() {
    let export = read(Provider::OpenAi, &openai(json!([usage("a", 1)]), false)).unwrap();
    let day_us = 86_400_000_000;
    let none = export
        .clone()
        .within(DAY_US + day_us, DAY_US + 2 * day_us)
        .unwrap();
    assert_eq!(none.buckets.len(), 0);
    assert_eq!(none.period(), None);
    let cut = export.within(DAY_US + 1, DAY_US + day_us).unwrap_err();
    assert!(
        cut.to_string().contains("cuts through the bucket of 2024-11-01"),
        "{cut}"
    );
}

#[test]
fn a_report_that_would_mislead_is_refused() {
    let refused = |text: &str| read(Provider::OpenAi, text).unwrap_err().to_string();
    let page = openai(json!([usage("a", 1)]), false);
    assert!(refused(&openai(json!([usage("a", 1)]), true)).contains("remaining pages"));
    assert!(refused(&openai(json!([{"input_tokens": 1, "model": null}]), false)).contains("group_by model"));
    assert!(refused(&openai(json!([{"input_tokens": -1, "model": "a"}]), false)).contains("not negative"));
    assert!(refused("[]").contains("has_more"));
    assert!(refused("{}").contains("page 0.data"));
    let euros = json!([{"amount": {"value": 1, "currency": "eur"}, "line_item": "a"}]);
    assert!(refused(&openai(euros, false)).contains("not usd"));
    assert!(refused(&format!("[{page},{page}]")).contains("page 0 and report page 1 hold the same result"));
    let sessions =
        json!([{"object": "organization.usage.code_interpreter_sessions.result", "num_sessions": 1}]);
    assert!(refused(&openai(sessions, false)).contains("results[0].object"));
    let month = json!({"data": [{"start_time": DAY_S, "end_time": DAY_S + 30 * 86_400, "results": []}]});
    assert!(refused(&month.to_string()).contains("bucket_width=1d"));
    assert!(refused("day,model,cake,x,y,z,w\n").contains("no column for usage or cost"));
    assert!(refused("model,input_tokens\na,1\n").contains("start_time, usage_date_utc"));
    let half = "date,model,input_tokens\n2024-11-01,a,1.5\n";
    assert!(refused(half).contains("row 2 input_tokens: expected a whole number"));
    assert!(
        refused("date,model,input_tokens\n01.11.2024,a,1\n")
            .contains("row 2 \"01.11.2024\": expected a date")
    );
    assert!(refused("date,model,input_tokens\n2024-11-01,a\n").contains("not CSV"));
}
