//! What happens when there is too much, or when a client does nothing.

mod common;

use aal_child::Child;
use clickhouse::Client;
use common::{START_TIMEOUT, command, until, url};
use std::io::{Read, Write};
use std::net::TcpStream;
use tempfile::TempDir;

async fn start_with(data: &TempDir, arguments: &[&str]) -> Child {
    let mut command = command(data.path());
    command.args(arguments);
    Child::start(command, START_TIMEOUT).await.unwrap()
}

async fn running(client: &Client, text: &str) -> u64 {
    let sql =
        "SELECT count() FROM system.processes WHERE query LIKE ? AND query NOT LIKE '%system.processes%'";
    client
        .query(sql)
        .bind(format!("%{text}%"))
        .fetch_one::<u64>()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_statement_waits_for_its_turn_and_is_refused_after_it() {
    let data = TempDir::new().unwrap();
    let child = start_with(&data, &["--max-statements", "2", "--queue-timeout-ms", "300"]).await;
    let client = Client::default().with_url(url(&child));
    let slow = client.clone();
    let first = tokio::spawn(async move {
        slow.query("SELECT max(sipHash64(number)) FROM numbers(1000000000000) AS occupied")
            .fetch_one::<u64>()
            .await
    });
    until("the statement runs", || async {
        running(&client, "AS occupied").await == 1
    })
    .await;
    let mut cursor = client
        .query("SELECT number FROM numbers(1000000000)")
        .fetch::<u64>()
        .unwrap();
    assert_eq!(cursor.next().await.unwrap(), Some(0));
    let refused = client.query("SELECT 1").fetch_one::<u8>().await.unwrap_err();
    assert!(refused.to_string().contains("Code: 202"), "{refused}");

    // A place is free as soon as a reader goes away.
    drop(cursor);
    until("a place is free", || async {
        client.query("SELECT 1").fetch_one::<u8>().await.is_ok()
    })
    .await;
    first.abort();
    until("both are free", || async {
        matches!(
            client
                .query("SELECT count() FROM system.processes")
                .fetch_one::<u64>()
                .await,
            Ok(1)
        )
    })
    .await;
}

#[tokio::test]
async fn a_client_that_stops_sending_is_given_up() {
    let data = TempDir::new().unwrap();
    let child = start_with(&data, &["--stall-timeout-ms", "300"]).await;
    let client = Client::default().with_url(url(&child));
    client
        .query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        .execute()
        .await
        .unwrap();
    let mut stream = TcpStream::connect(child.address()).unwrap();
    let head = "POST /?query=INSERT+INTO+t+FORMAT+CSV HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0_u8; 12];
    let answer = tokio::task::spawn_blocking(move || stream.read_exact(&mut answer).map(|()| answer))
        .await
        .unwrap();
    assert_eq!(&answer.unwrap(), b"HTTP/1.1 503");
    assert_eq!(
        client
            .query("SELECT count() FROM t")
            .fetch_one::<u64>()
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn a_client_that_stops_reading_loses_its_statement() {
    let data = TempDir::new().unwrap();
    let child = start_with(&data, &["--stall-timeout-ms", "300"]).await;
    let client = Client::default().with_url(url(&child));
    let mut stream = TcpStream::connect(child.address()).unwrap();
    let head = "POST /?query=SELECT+number,'stalled'+FROM+numbers(1000000000) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut first = vec![0_u8; 1000];
    stream.read_exact(&mut first).unwrap();
    until("the statement is gone", || async {
        running(&client, "stalled").await == 0
    })
    .await;
    drop(stream);
}

#[tokio::test]
async fn memory_has_a_limit() {
    let data = TempDir::new().unwrap();
    let child = start_with(&data, &["--max-memory-bytes", "1000000000"]).await;
    let client = Client::default().with_url(url(&child));
    let sql = "SELECT length(groupArray(toString(number))) FROM numbers(100000000)";
    let refused = client.query(sql).fetch_one::<u64>().await.unwrap_err();
    assert!(refused.to_string().contains("Code: 241"), "{refused}");
    assert_eq!(client.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let data = TempDir::new().unwrap();
    let mut without_library = command(data.path());
    without_library.env("AAL_CHDB_LIB", "/nowhere/libchdb.so");
    let output = without_library.output().await.unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && message.contains("scripts/fetch-engine.sh"),
        "{message}"
    );

    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = command(&file).output().await.unwrap();
    assert!(!output.status.success() && !output.stderr.is_empty());
}
