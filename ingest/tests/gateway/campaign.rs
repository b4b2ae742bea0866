//! The fake-provider campaign: with the gateway in between an application sees, byte by byte, what it sees without.

use std::io::Read;

use crate::rigging::{chat, gateway, request_body, response_body, secret, see};

const PATHS: [&str; 5] = [
    "openai/v1/chat/completions",
    "anthropic/v1/messages",
    "ollama/api/chat",
    "bedrock/model/amazon.nova-lite-v1%3A0/converse-stream",
    "gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_passes_byte_by_byte_and_is_recorded_once() {
    let gateway = gateway(|_| {}).await;
    let mut expected = Vec::new();
    for behaviour in ["well", "429", "500", "cut", "bad-json", "slow"] {
        for path in PATHS {
            // One slow path tells as much as five, in a fifth of the time.
            let streams: &[bool] = if behaviour == "slow" && path != PATHS[0] {
                &[]
            } else {
                &[false, true]
            };
            for &stream in streams {
                let body = chat(&format!("hello {path} {stream}"), stream);
                let ask = |request: reqwest::RequestBuilder| request.header("x-fake-behaviour", behaviour);
                let direct = see(ask(gateway.direct(path, &body))).await;
                let through = see(ask(gateway.post(path, &body))).await;
                assert_eq!(direct.status, through.status, "{behaviour} {path}");
                if behaviour == "cut" {
                    // Where exactly a broken connection stops is up to the kernel; what came is the beginning.
                    assert!(!through.is_whole && !direct.is_whole, "{path}");
                } else {
                    assert_eq!(direct, through, "{behaviour} {path} stream: {stream}");
                }
                expected.push((behaviour, body.to_string(), through));
            }
        }
    }
    let events = gateway.events(expected.len()).await;
    for (behaviour, body, through) in expected {
        let matching = events.iter().filter(|event| {
            let response = event.response.as_ref().unwrap();
            request_body(event) == body.as_bytes()
                && response.status == Some(i32::from(through.status.as_u16()))
                && (behaviour == "cut") == event.interrupted
                && (behaviour == "cut" || response.body == through.body)
        });
        assert!(matching.count() >= 1, "{behaviour}: no event for {body}");
    }
    let sequences: Vec<i64> = {
        let mut all: Vec<i64> = events
            .iter()
            .map(|event| event.source.as_ref().unwrap().sequence)
            .collect();
        all.sort_unstable();
        all
    };
    assert_eq!(
        sequences,
        (0..sequences.len() as i64).collect::<Vec<_>>(),
        "no gap"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_pass_and_are_recorded_whole() {
    for stream in [false, true] {
        // One each, because the mock cluster keeps five megabytes of a partition, or its last record.
        let gateway = gateway(|_| {}).await;
        let body = chat("much, please [[fake:big]]", stream);
        let direct = see(gateway.direct(PATHS[0], &body)).await;
        let through = see(gateway.post(PATHS[0], &body)).await;
        assert!(through.body.len() > 10 * 1024 * 1024);
        assert!(direct == through, "the answers differ");
        let event = gateway.event().await;
        assert!(
            response_body(&event) == through.body,
            "the event has something else"
        );
        assert!(!event.interrupted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_passes_and_the_event_has_the_clear_text() {
    let gateway = gateway(|_| {}).await;
    for stream in [false, true] {
        let body = chat("compressed", stream);
        let ask = |request: reqwest::RequestBuilder| request.header("x-fake-encoding", "gzip");
        let direct = see(ask(gateway.direct(PATHS[0], &body))).await;
        let through = see(ask(gateway.post(PATHS[0], &body))).await;
        assert_eq!(through.encoding.as_deref(), Some("gzip"));
        assert_eq!(direct, through);
        let mut clear = Vec::new();
        flate2::read::MultiGzDecoder::new(&through.body[..])
            .read_to_end(&mut clear)
            .unwrap();
        let events = gateway.events(1 + usize::from(stream)).await;
        assert!(
            events.iter().any(|event| response_body(event) == clear),
            "stream: {stream}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_gets_the_request_as_it_was_sent_and_nothing_of_ours() {
    let gateway = gateway(|_| {}).await;
    let body = chat("as it was", false);
    see(gateway.direct(PATHS[0], &body)).await;
    let call = gateway
        .post(&format!("{}?a=%2F&b=1", PATHS[0]), &body)
        .header("x-audit-user", "u-1")
        .header("x-custom", "kept")
        .header("connection", "x-dropped")
        .header("x-dropped", "1");
    see(call).await;
    let seen = gateway.provider.seen.all();
    let (direct, through) = (&seen[0], &seen[1]);
    assert_eq!(through.path, "/v1/chat/completions?a=%2F&b=1");
    assert_eq!(through.body, direct.body);
    assert_eq!(through.headers["authorization"], direct.headers["authorization"]);
    assert_eq!(through.headers["x-custom"], "kept");
    assert_eq!(through.headers["host"], gateway.provider.address.to_string());
    for name in through.headers.keys() {
        assert!(
            !name.as_str().starts_with("x-audit") && name != "x-dropped",
            "{name}"
        );
    }
    let event = gateway.event().await;
    let bytes = aal_event::encode(&event).unwrap();
    let secret = secret();
    assert!(
        !bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_pass() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let gateway = gateway(|_| {}).await;
    let body = chat("with trailers", true).to_string();
    // A raw connection, because client libraries hide trailers.
    let mut stream = tokio::net::TcpStream::connect(gateway.rig.running.address)
        .await
        .unwrap();
    let head = format!(
        "POST /gateway/{} HTTP/1.1\r\nhost: x\r\nte: trailers\r\nx-fake-trailers: 1\r\nx-audit-key: {}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        PATHS[0],
        gateway.rig.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("trailer: x-fake-trailer"), "{answer}");
    assert!(
        answer.ends_with("0\r\nx-fake-trailer: the end\r\n\r\n"),
        "{answer}"
    );
    gateway.event().await;
}
