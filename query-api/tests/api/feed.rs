//! The live feed: scopes, resuming, and what a late reader is told.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::records::bank_event;
use crate::support::{BANK, CLINIC, Rig, Writer, event};

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(rig: &Rig, hello: Value) -> Socket {
    connect_to(&rig.base, hello).await
}

async fn connect_to(base: &str, hello: Value) -> Socket {
    let address = base.replacen("http", "ws", 1);
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("{address}/ws/feed"))
        .await
        .unwrap();
    socket.send(Message::text(hello.to_string())).await.unwrap();
    socket
}

/// The next message that is no ping.
pub async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = socket.next().await.unwrap().unwrap();
        let Ok(text) = message.to_text() else { continue };
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        if value["type"] != "ping" {
            return value;
        }
    }
}

pub async fn feed(rig: &Rig, admin: &str, viewer: &str, writer: &mut Writer) {
    let mut refused = connect(rig, json!({"token": "nonsense"})).await;
    assert_eq!(next(&mut refused).await["problem"]["status"], 401);

    let mut all = connect(rig, json!({"token": admin, "filters": {"application": "loans"}})).await;
    let ready = next(&mut all).await;
    assert_eq!(ready["type"], "ready");
    let mut own = connect(rig, json!({"token": viewer})).await;
    assert_eq!(next(&mut own).await["type"], "ready");
    writer
        .events(0, BANK, vec![bank_event(301), bank_event(305)])
        .await;
    writer
        .events(1, CLINIC, vec![event(310, "triage", "ward-2", "nurse-1", "x")])
        .await;
    writer.events(1, BANK, vec![bank_event(306)]).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for _ in 0..3 {
        let message = next(&mut all).await;
        assert_eq!(message["type"], "record", "{message}");
        seen.push(message["item"]["event_id"].as_str().unwrap().to_owned());
        cursor = message["cursor"].as_str().unwrap().to_owned();
    }
    seen.sort();
    let wanted: Vec<String> = [301, 305, 306]
        .map(|number| bank_event(number)["event_id"].as_str().unwrap().to_owned())
        .into();
    assert_eq!(seen, wanted);
    assert_eq!(
        next(&mut own).await["item"]["event_id"],
        bank_event(305)["event_id"],
        "own records only"
    );
    drop(all);

    // Back after a while: what came meanwhile is sent, nothing twice.
    writer.events(0, BANK, vec![bank_event(311)]).await;
    let mut again = connect(
        rig,
        json!({"token": admin, "filters": {"application": "loans"}, "cursor": cursor}),
    )
    .await;
    assert_eq!(next(&mut again).await["type"], "ready");
    assert_eq!(
        next(&mut again).await["item"]["event_id"],
        bank_event(311)["event_id"]
    );
    // Far behind: told how many were missed, then the latest.
    writer
        .events(0, BANK, (1_000..1_600).map(bank_event).collect())
        .await;
    let mut late = connect(rig, json!({"token": admin, "cursor": ready["cursor"]})).await;
    assert_eq!(next(&mut late).await["type"], "ready");
    let missed = next(&mut late).await;
    assert_eq!(
        (missed["type"].as_str(), missed["count"].as_u64()),
        (Some("missed"), Some(105)),
        "{missed}"
    );
}

/// A feed whose buffer is far smaller than a burst loses nothing: what fell out is read from the store.
pub async fn slow_reader(rig: &Rig, admin: &str, writer: &mut Writer) {
    let base = rig.with_config(|config| config.limits.feed_buffer = 16).await;
    let mut socket = connect_to(&base, json!({"token": admin})).await;
    assert_eq!(next(&mut socket).await["type"], "ready");
    let mut wanted: Vec<String> = Vec::new();
    for burst in 0..3 {
        let events: Vec<Value> = (0..150)
            .map(|number| bank_event(3_000 + burst * 150 + number))
            .collect();
        wanted.extend(
            events
                .iter()
                .map(|event| event["event_id"].as_str().unwrap().to_owned()),
        );
        writer.events(0, BANK, events).await;
    }
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < wanted.len() {
        let message = next(&mut socket).await;
        assert_eq!(message["type"], "record", "{message}");
        seen.push(message["item"]["event_id"].as_str().unwrap().to_owned());
    }
    seen.sort();
    assert_eq!(seen, wanted, "each once");
}
