use super::*;
use proptest::prelude::*;

fn select(sql: &str, format: Option<&str>) -> Statement {
    Statement::Select {
        sql: sql.to_owned(),
        format: format.map(str::to_owned),
    }
}

fn other(sql: &str, format: Option<&str>) -> Statement {
    Statement::Other {
        sql: sql.to_owned(),
        format: format.map(str::to_owned),
    }
}

fn check_insert(text: &[u8], expected_sql: &str, expected_format: &str, expected_data: &[u8]) {
    let Statement::InsertData { sql, format, data_at } = analyse(text).unwrap() else {
        panic!("not an insert with data: {}", String::from_utf8_lossy(text));
    };
    assert_eq!(
        (sql.as_str(), format.as_deref().unwrap_or("none")),
        (expected_sql, expected_format)
    );
    assert_eq!(&text[data_at..], expected_data);
}

fn refused(text: &str) -> u32 {
    analyse(text.as_bytes()).unwrap_err().code()
}

#[test]
fn selects_and_their_format() {
    let check = |text: &str, expected: Statement| assert_eq!(analyse(text.as_bytes()).unwrap(), expected);
    check("SELECT 1", select("SELECT 1", None));
    check(
        " /* a ; b */ select 1 ; -- end",
        select(" /* a ; b */ select 1", None),
    );
    check(
        "SELECT 1 FORMAT JSON;",
        select("SELECT 1 FORMAT JSON", Some("JSON")),
    );
    check("SELECT 1 format Native settings max_threads = 1, x = 'y'", {
        select(
            "SELECT 1 format Native settings max_threads = 1, x = 'y'",
            Some("Native"),
        )
    });
    check("SELECT format FROM t", select("SELECT format FROM t", None));
    check("SELECT 1 AS format, 2", select("SELECT 1 AS format, 2", None));
    check("SELECT ' FORMAT CSV'", select("SELECT ' FORMAT CSV'", None));
    check(
        "SELECT (SELECT 1 AS x) FORMAT TSV",
        select("SELECT (SELECT 1 AS x) FORMAT TSV", Some("TSV")),
    );
    check(
        "(SELECT 1) UNION ALL (SELECT 2)",
        select("(SELECT 1) UNION ALL (SELECT 2)", None),
    );
    check("WITH 1 AS x SELECT x", select("WITH 1 AS x SELECT x", None));
    check(
        "SHOW TABLES FORMAT CSV",
        other("SHOW TABLES FORMAT CSV", Some("CSV")),
    );
    check(
        "CREATE TABLE t (a UInt8) ENGINE = Memory",
        other("CREATE TABLE t (a UInt8) ENGINE = Memory", None),
    );
    check(" -- nothing\n ", Statement::Empty);
    check(
        "SELECT $$;$$, $a$ ; $$ $a$",
        select("SELECT $$;$$, $a$ ; $$ $a$", None),
    );
}

#[test]
fn inserts_are_cut_before_their_data() {
    check_insert(
        b"INSERT INTO t FORMAT RowBinary",
        "INSERT INTO t",
        "RowBinary",
        b"",
    );
    check_insert(
        b"INSERT INTO t FORMAT RowBinary\n\xff\x00;\n\n",
        "INSERT INTO t",
        "RowBinary",
        b"\xff\x00;\n\n",
    );
    check_insert(
        b"INSERT INTO `a;b`.`t` (x, `FORMAT`) FORMAT CSV 1,2",
        "INSERT INTO `a;b`.`t` (x, `FORMAT`)",
        "CSV",
        b"1,2",
    );
    check_insert(
        b"insert into db.values (a) values (1), (';')",
        "insert into db.values (a)",
        "Values",
        b" (1), (';')",
    );
    check_insert(
        b"INSERT INTO format VALUES (1)",
        "INSERT INTO format",
        "Values",
        b" (1)",
    );
    check_insert(
        b"INSERT INTO t(a) SETTINGS x = 'FORMAT' FORMAT TSV\r\n1\n",
        "INSERT INTO t(a) SETTINGS x = 'FORMAT'",
        "TSV",
        b"1\n",
    );
    check_insert(
        b"INSERT INTO TABLE FUNCTION null('a UInt8') VALUES (1)",
        "INSERT INTO TABLE FUNCTION null('a UInt8')",
        "Values",
        b" (1)",
    );
    check_insert(b"INSERT INTO t", "INSERT INTO t", "none", b"");
    check_insert(
        b"INSERT INTO t FORMAT Values (1)",
        "INSERT INTO t",
        "Values",
        b" (1)",
    );
}

#[test]
fn inserts_from_a_query_are_run_as_a_whole() {
    for text in [
        "INSERT INTO t SELECT * FROM s",
        "INSERT INTO t (a, b) SELECT 1, 2",
        "INSERT INTO t (a) WITH 1 AS x SELECT x",
        "INSERT INTO t (SELECT 1)",
        "INSERT INTO t SETTINGS async_insert = 0 SELECT 1",
    ] {
        assert_eq!(analyse(text.as_bytes()).unwrap(), other(text, None));
    }
}

#[test]
fn what_a_server_would_not_do_is_refused() {
    assert_eq!(refused("SELECT 1; DROP TABLE t"), 62);
    assert_eq!(refused("SELECT 1;; SELECT 2"), 62);
    assert_eq!(refused("SELECT 1 INTO OUTFILE 'x'"), 48);
    assert_eq!(refused("INSERT INTO t FROM INFILE 'x' FORMAT CSV"), 48);
    assert_eq!(refused("INSERT INTO t FORMAT CSV;1"), 62);
    assert_eq!(analyse(b"SELECT '\xff'").unwrap_err().code(), 62);
}

proptest! {
    #[test]
    fn any_bytes_are_analysed_without_a_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = analyse(&text);
    }

    #[test]
    fn sql_like_text_is_analysed_without_a_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("INSERT"), Just("INTO"), Just("t"), Just("."), Just("("), Just(")"), Just("FORMAT"),
                Just("VALUES"), Just("SELECT"), Just(";"), Just("'"), Just("`"), Just("--"), Just("\n"),
                Just("/*"), Just("*/"), Just("$"), Just("$a$"), Just("SETTINGS"), Just("\\"), Just("é"),
            ],
            0..30,
        )
    ) {
        let _ = analyse(words.join(" ").as_bytes());
        let _ = analyse(words.concat().as_bytes());
    }

    #[test]
    fn a_string_literal_hides_everything_in_it(inner in "[^'\\\\]{0,40}") {
        let text = format!("SELECT '{inner}'");
        let expected = Statement::Select { sql: text.clone(), format: None };
        prop_assert_eq!(analyse(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn insert_data_is_kept_to_the_byte(data in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut text = b"INSERT INTO t (a) FORMAT RowBinary\n".to_vec();
        text.extend_from_slice(&data);
        let Statement::InsertData { data_at, .. } = analyse(&text).unwrap() else { panic!("no insert") };
        prop_assert_eq!(&text[data_at..], &data[..]);
    }
}
