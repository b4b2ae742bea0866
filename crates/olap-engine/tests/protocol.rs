//! ClickHouse's HTTP interface as clients other than the `clickhouse` crate use it, and what must not work.

mod common;

use common::{post, shared_url, until};
use std::io::{Read, Write};
use std::net::TcpStream;

async fn ask(sql: &str) -> String {
    let (status, _, text) = post(&[], sql.to_owned()).await;
    assert_eq!(status, 200, "{text}");
    text.trim_end().to_owned()
}

async fn make_table(name: &str) {
    ask(&format!(
        "CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a"
    ))
    .await;
}

async fn get(query: &[(&str, &str)]) -> (u16, String) {
    let response = reqwest::Client::new()
        .get(shared_url())
        .query(query)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn statements_come_in_several_places() {
    assert_eq!(get(&[("query", "SELECT 1")]).await, (200, "1\n".to_owned()));
    assert_eq!(get(&[]).await, (200, "Ok.\n".to_owned()));
    assert_eq!(post(&[], "SELECT 2").await.2, "2\n");
    assert_eq!(post(&[("query", "SELECT")], "3").await.2, "3\n");
    assert_eq!(
        post(&[("query", "SELECT 1"), ("default_format", "JSONEachRow")], "")
            .await
            .2,
        "{\"1\":1}\n"
    );
    assert_eq!(
        post(&[("query", "SELECT {x:UInt8} + 1"), ("param_x", "4")], "")
            .await
            .2,
        "5\n"
    );
    assert_eq!(post(&[], "").await.1, Some(62));
    let ping = reqwest::get(format!("{}ping", shared_url()))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(ping, "Ok.\n");
    let other = reqwest::get(format!("{}play", shared_url())).await.unwrap();
    assert_eq!(other.status(), 404);
}

#[tokio::test]
async fn the_answer_says_what_it_is() {
    let request = reqwest::Client::new()
        .post(shared_url())
        .query(&[("query_id", "my id"), ("wait_end_of_query", "1")]);
    let response = request
        .body("SELECT number FROM numbers(7) FORMAT CSV")
        .send()
        .await
        .unwrap();
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header("x-clickhouse-query-id").as_deref(), Some("my id"));
    assert_eq!(header("x-clickhouse-format").as_deref(), Some("CSV"));
    assert_eq!(
        header("content-type").as_deref(),
        Some("text/csv; charset=UTF-8; header=absent")
    );
    assert!(
        header("x-clickhouse-summary")
            .unwrap()
            .contains("\"read_rows\":\"7\"")
    );
    assert_eq!(response.text().await.unwrap(), "0\n1\n2\n3\n4\n5\n6\n");
}

#[tokio::test]
async fn inserts_keep_every_byte_of_their_data() {
    make_table("bytes").await;
    // Inline data cut at a newline is what the C API makes of it when it is part of the statement.
    ask("INSERT INTO bytes FORMAT JSONEachRow\n{\"a\":1,\"b\":\"x\"}\n\n{\"a\":2,\"b\":\"y;\\n\"}\n").await;
    ask("INSERT INTO bytes (a, b) VALUES (3, 'line\n\nline'), (4, ''';')").await;
    assert_eq!(
        post(&[("query", "INSERT INTO bytes FORMAT CSV")], "5,\"z\n\nz\"\n")
            .await
            .0,
        200
    );
    assert_eq!(
        post(&[("query", "INSERT INTO bytes VALUES")], "(6, 'six')")
            .await
            .0,
        200
    );
    assert_eq!(
        post(&[("query", "INSERT INTO bytes")], "VALUES (7, 'seven')")
            .await
            .0,
        200
    );
    let mut binary = b"INSERT INTO bytes FORMAT RowBinary\n".to_vec();
    binary.extend_from_slice(&8_u64.to_le_bytes());
    binary.extend_from_slice(b"\x03\n\n;");
    assert_eq!(post(&[], binary).await.0, 200);
    let rows =
        ask("SELECT groupArray((a, b)) FROM (SELECT * FROM bytes ORDER BY a) FORMAT JSONCompactEachRow")
            .await;
    let expected = r#"[[[1,"x"],[2,"y;\n"],[3,"line\n\nline"],[4,"';"],[5,"z\n\nz"],[6,"six"],[7,"seven"],[8,"\n\n;"]]]"#;
    assert_eq!(rows.replace("\"1\"", "1"), expected.to_owned());
}

#[tokio::test]
async fn large_inserts_are_split_from_their_statement() {
    make_table("sized").await;
    let mut body = b"INSERT INTO sized FORMAT TSV\n".to_vec();
    for n in 0..100_000_u32 {
        body.extend_from_slice(format!("{n}\tvalue {n}\n").as_bytes());
    }
    assert_eq!(post(&[], body).await.0, 200);
    assert_eq!(ask("SELECT count(), max(a) FROM sized").await, "100000\t99999");
}

#[tokio::test]
async fn documents_are_whole() {
    let (_, _, text) = post(&[], "SELECT number FROM numbers(150000) FORMAT JSON").await;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["rows"], 150_000);
    let (_, _, text) = post(&[], "SELECT number FROM numbers(150000) FORMAT CSVWithNames").await;
    assert_eq!(text.matches("number").count(), 1);
    let (_, _, text) = post(&[], "SELECT number FROM numbers(150000) FORMAT TSV").await;
    assert_eq!(text.lines().count(), 150_000);
    assert_eq!(text.lines().next_back(), Some("149999"));
}

#[tokio::test]
async fn every_read_statement_is_answered() {
    make_table("described").await;
    assert_eq!(ask("EXISTS TABLE described").await, "1");
    assert!(ask("SHOW CREATE TABLE described").await.contains("MergeTree"));
    assert_eq!(ask("DESCRIBE described FORMAT TSV").await.lines().count(), 2);
    assert!(ask("EXPLAIN SELECT 1").await.contains("ReadFrom"));
    assert_eq!(ask("(SELECT 1) UNION ALL (SELECT 1)").await, "1\n1");
    assert_eq!(ask("WITH 5 AS x INSERT INTO described SELECT x, 'w'").await, "");
    assert_eq!(ask("FROM described SELECT b").await, "w");
}

#[tokio::test]
async fn compressed_answers_are_what_was_asked_for() {
    let request = reqwest::Client::new()
        .post(shared_url())
        .query(&[("compress", "1")]);
    let response = request
        .body("SELECT number FROM numbers(200000) FORMAT RowBinary")
        .send()
        .await
        .unwrap();
    let bytes = response.bytes().await.unwrap();
    let data = decompress(&bytes);
    assert!(bytes.len() < data.len());
    let expected: Vec<u8> = (0..200_000_u64).flat_map(u64::to_le_bytes).collect();
    assert_eq!(data, expected);

    let failed = reqwest::Client::new()
        .post(shared_url())
        .query(&[("compress", "1")])
        .body("SELECT x")
        .send()
        .await;
    let text = decompress(&failed.unwrap().bytes().await.unwrap());
    assert!(text.starts_with(b"Code: 47. DB::Exception: "));
}

/// Reads blocks without looking at their checksums, which the library's own tests cover.
fn decompress(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let framed = u32::from_le_bytes(bytes[17..21].try_into().unwrap()) as usize;
        let size = u32::from_le_bytes(bytes[21..25].try_into().unwrap()) as usize;
        out.extend(lz4_flex::block::decompress(&bytes[25..16 + framed], size).unwrap());
        bytes = &bytes[16 + framed..];
    }
    out
}

#[tokio::test]
async fn bad_compressed_data_stores_nothing() {
    make_table("corrupt").await;
    let parameters = [("query", "INSERT INTO corrupt FORMAT CSV"), ("decompress", "1")];
    assert_eq!(post(&parameters, vec![0_u8; 100]).await.1, Some(271));
    let mut block = vec![0_u8; 16];
    block.extend_from_slice(&[0x02, 13, 0, 0, 0, 4, 0, 0, 0]);
    block.extend_from_slice(b"1,x\n");
    assert_eq!(post(&parameters, block).await.1, Some(40));
    assert_eq!(ask("SELECT count() FROM corrupt").await, "0");
}

#[tokio::test]
async fn what_would_reach_beyond_the_statement_is_refused() {
    make_table("kept").await;
    assert_eq!(post(&[], "SELECT 1; DROP TABLE kept").await.1, Some(62));
    assert_eq!(
        post(&[], "SELECT 1 INTO OUTFILE '/tmp/aal-never-written'")
            .await
            .1,
        Some(48)
    );
    assert_eq!(
        post(
            &[],
            "INSERT INTO kept FROM INFILE '/etc/passwd' FORMAT LineAsString"
        )
        .await
        .1,
        Some(48)
    );
    assert_eq!(get(&[("query", "DROP TABLE kept")]).await.0, 500);
    assert_eq!(get(&[("query", "INSERT INTO kept SELECT 1, 'x'")]).await.0, 500);
    assert_eq!(get(&[("query", "INSERT INTO kept VALUES (1, 'x')")]).await.0, 500);
    assert_eq!(ask("SELECT count() FROM kept").await, "0");
}

#[tokio::test]
async fn files_and_networks_are_out_of_reach() {
    let file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
    std::fs::write(file.path(), "secret").unwrap();
    let path = file.path().to_str().unwrap();
    for sql in [
        format!("SELECT * FROM file('{path}')"),
        format!("SELECT file('{path}')"),
        format!("SELECT * FROM `{path}`"),
        format!("SELECT * FROM '{path}'"),
        format!("CREATE TABLE outside (a String) ENGINE = File(CSV, '{path}')"),
        format!("INSERT INTO FUNCTION file('{path}', 'CSV', 'a String') VALUES ('x')"),
        "SELECT * FROM url('http://127.0.0.1:1/')".to_owned(),
    ] {
        let (status, code, text) = post(&[], sql.clone()).await;
        assert_eq!((status, code), (403, Some(497)), "{sql}: {text}");
    }
    let by_parameter = post(&[("param_t", path)], "SELECT * FROM {t:Identifier}").await;
    assert_eq!(by_parameter.1, Some(497));
}

#[tokio::test]
async fn an_insert_that_fails_early_is_answered_after_its_body() {
    let body = "x".repeat(20 << 20);
    assert_eq!(
        post(&[("query", "INSERT INTO nowhere FORMAT CSV")], body.clone())
            .await
            .1,
        Some(60)
    );
    make_table("typed").await;
    assert_eq!(
        post(&[("query", "INSERT INTO typed FORMAT CSV")], body).await.0,
        400
    );
    assert_eq!(ask("SELECT count() FROM typed").await, "0");
}

/// A raw request whose body is left open.
fn open_request(target: &str, body: &str) -> TcpStream {
    let address = shared_url().trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n"
    )
    .unwrap();
    stream
}

async fn running(text: &str) -> u64 {
    let sql = "SELECT count() FROM system.processes WHERE query LIKE {text:String} AND query NOT LIKE '%system.processes%'";
    let (_, _, count) = post(&[("query", sql), ("param_text", &format!("%{text}%"))], "").await;
    count.trim().parse().unwrap()
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    make_table("broken").await;
    let stream = open_request("/?query=INSERT+INTO+broken+FORMAT+CSV", "1,one\n2,two\n");
    until("the insert runs", || async {
        running("INSERT INTO broken").await > 0
    })
    .await;
    drop(stream);
    until("the insert is gone", || async {
        running("INSERT INTO broken").await == 0
    })
    .await;
    assert_eq!(ask("SELECT count() FROM broken").await, "0");
}

#[tokio::test]
async fn a_statement_is_killed_when_its_client_goes() {
    // Aggregation is one call of the C API that no handle exists for yet: only KILL QUERY reaches it.
    let sql = "SELECT max(sipHash64(number)) FROM numbers(1000000000000) AS abandoned";
    let target = format!(
        "/?{}",
        form_urlencoded::Serializer::new(String::new())
            .append_pair("query", sql)
            .finish()
    );
    let mut stream = open_request(&target, " ");
    stream.write_all(b"0\r\n\r\n").unwrap();
    until("the query runs", || async { running("AS abandoned").await > 0 }).await;
    drop(stream);
    until("the query is gone", || async {
        running("AS abandoned").await == 0
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_killed_when_its_reader_goes() {
    let sql = "SELECT number, 'reader' FROM numbers(1000000000000) FORMAT TSV";
    let target = format!(
        "/?{}",
        form_urlencoded::Serializer::new(String::new())
            .append_pair("query", sql)
            .finish()
    );
    let mut stream = open_request(&target, " ");
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut first = [0_u8; 100_000];
    stream.read_exact(&mut first).unwrap();
    assert!(running("'reader'").await > 0);
    drop(stream);
    until("the query is gone", || async { running("'reader'").await == 0 }).await;
}
