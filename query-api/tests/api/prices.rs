//! Estimates, a tenant's own prices, and corrections of price.

use aal_control::PRICE_CHANGE_DELAY_US;
use aal_event::Kind;
use serde_json::{Value, json};

use crate::support::{BANK, Rig, Writer, event};

const DAY: &str = "from=2026-01-03T00:00:00Z&to=2026-01-04T00:00:00Z";

fn call(number: u128) -> Value {
    let mut call = event(number, "pricing", "prices-1", "u", "hello world");
    call["occurred_at"] = json!("2026-01-03T10:00:00Z");
    call
}

async fn totals(rig: &Rig, admin: &str, view: &str) -> Value {
    let path = format!("/api/v1/metrics?{DAY}&application=pricing{view}");
    rig.get(&path, admin).await["totals"].clone()
}

pub async fn estimates(rig: &Rig, admin: &str, writer: &mut Writer) {
    let mut silent = call(7_001);
    silent["response"]["body"]
        .as_object_mut()
        .unwrap()
        .remove("usage");
    writer.events(0, BANK, vec![call(7_000), silent]).await;
    let found = totals(rig, admin, "").await;
    assert_eq!(
        (&found["calls"], &found["input_tokens"], &found["cost"]),
        (&json!(2), &json!(100), &json!("0.00035"))
    );
    assert_eq!(found["unpriced"], 1, "an estimate is no exact cost");
    let estimated = &found["estimated"];
    assert_eq!(
        (
            &estimated["calls"],
            &estimated["input_tokens"],
            &estimated["output_tokens"]
        ),
        (&json!(1), &json!(9), &json!(3))
    );
    // 9 tokens at 2.50 and 3 ("Under", "stood", ".") at 10 US dollars a million.
    assert_eq!(
        (&estimated["cost"], &estimated["currency"]),
        (&json!("0.0000525"), &json!("USD"))
    );
    let path = format!("/api/v1/metrics?{DAY}&application=pricing&group_by=model");
    let answer = rig.get(&path, admin).await;
    assert_eq!(answer["series"][0]["points"][0]["estimated"]["calls"], 1);
}

pub async fn custom(rig: &Rig, admin: &str, officer: &str, viewer: &str) {
    let book = json!({"tenant": BANK, "version": 0, "prices": [{"provider": "openai", "model": "gpt-4o*",
        "currency": "EUR", "rates": {"input_tokens": "2", "output_tokens": "8"}}]});
    assert_eq!(rig.post("/api/v1/prices", officer, book.clone()).await.0, 403);
    rig.refused("/api/v1/prices/custom", viewer, 403).await;
    let mut bad = book.clone();
    bad["prices"][0]["currency"] = json!("euro");
    bad["prices"][0]["modle"] = json!(1);
    let (status, problem) = rig.post("/api/v1/prices", admin, bad).await;
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].clone())
        .collect();
    assert_eq!(
        (status, pointers),
        (400, vec![json!("/prices/0/modle"), json!("/prices/0/currency")])
    );
    let none = rig.get("/api/v1/prices/custom", officer).await;
    assert_eq!((&none["version"], &none["prices"]), (&json!(0), &json!([])));
    let (status, made) = rig.post("/api/v1/prices", admin, book.clone()).await;
    assert_eq!((status, &made["version"]), (201, &json!(1)), "{made}");
    let (status, problem) = rig.post("/api/v1/prices", admin, book).await;
    assert_eq!(status, 409, "{problem}");
    assert!(
        problem["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("version 1"),
        "{problem}"
    );
    assert_eq!(rig.get("/api/v1/prices/custom", officer).await, made);
    let told: Vec<_> = rig
        .recorded()
        .into_iter()
        .filter(|event| event.kind == Kind::PriceTableChange)
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].tenant, BANK);
    let detail = aal_event::detail(&told[0]);
    assert_eq!(
        (&detail["new_digest"], &detail["new_number"]),
        (&made["digest"], &json!(1))
    );
}

/// The book of [`custom`] comes into force ten seconds after it was written; here it is written long ago.
pub async fn reprice(rig: &Rig, admin: &str, officer: &str, writer: &mut Writer) {
    let ask = json!({"tenant": BANK, "from": "2026-01-03T00:00:00Z", "to": "2026-01-04T00:00:00Z", "dry_run": true});
    assert_eq!(
        rig.post("/api/v1/prices/reprice", officer, ask.clone()).await.0,
        403
    );
    let mut bad = ask.clone();
    bad["to"] = json!("2026-01-03");
    let (status, problem) = rig.post("/api/v1/prices/reprice", admin, bad).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/to")));
    let last = rig.control.last_price_book(BANK).await.unwrap().unwrap();
    let patience =
        std::time::Instant::now() + std::time::Duration::from_micros(3 * PRICE_CHANGE_DELAY_US as u64);
    while aal_service::times::now_us() < last.effective_us {
        assert!(std::time::Instant::now() < patience);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let (status, dry) = rig.post("/api/v1/prices/reprice", admin, ask.clone()).await;
    assert_eq!(
        (status, &dry["examined"], &dry["changed"]),
        (200, &json!(1), &json!(1)),
        "{dry}"
    );
    let change = &dry["changes"][0];
    assert_eq!(
        (&change["old_cost"], &change["old_currency"]),
        (&json!("0.00035"), &json!("USD"))
    );
    assert_eq!(
        (&change["cost"], &change["currency"]),
        (&json!("0.00028"), &json!("EUR"))
    );
    let corrections = || -> Vec<_> {
        rig.recorded()
            .into_iter()
            .filter(|event| event.kind == Kind::Reprice)
            .collect()
    };
    assert_eq!(corrections().len(), 0, "a dry run appends nothing");

    let mut real = ask;
    real["dry_run"] = json!(false);
    assert_eq!(
        rig.post("/api/v1/prices/reprice", admin, real.clone()).await.0,
        200
    );
    rig.post("/api/v1/prices/reprice", admin, real.clone()).await;
    let told = corrections();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].event_id, told[1].event_id, "told twice, recorded once");
    writer.store(0, vec![told[0].clone()]).await;

    let recorded = totals(rig, admin, "&price_view=recorded").await;
    assert_eq!(
        (&recorded["cost"], &recorded["currency"]),
        (&json!("0.00035"), &json!("USD"))
    );
    let current = totals(rig, admin, "&price_view=current").await;
    assert_eq!(
        (&current["cost"], &current["currency"]),
        (&json!("0.00028"), &json!("EUR"))
    );
    assert_eq!((&current["calls"], &current["unpriced"]), (&json!(2), &json!(1)));
    rig.refused(&format!("/api/v1/metrics?{DAY}&price_view=best"), admin, 400)
        .await;
    let (_, again) = rig.post("/api/v1/prices/reprice", admin, real).await;
    assert_eq!(
        (&again["changed"], &again["unchanged"]),
        (&json!(0), &json!(1)),
        "{again}"
    );
}
