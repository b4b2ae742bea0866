//! Keeps statements inside the database.
//!
//! The library is made for people who query their own files: `file('/etc/passwd')`, `` FROM `/home/x/key` `` and table
//! engines over files, URLs and other databases all work, with the rights of this process. A statement that a bug
//! in a service let somebody write must not read a key file or open a connection. So names of functions and engines
//! that reach outside are refused where they are called, and so are table names that are paths.
//!
//! The rules look at tokens, not at a parse tree, and err on the side of refusing: an alias with a slash in it, or a
//! table called `url` whose columns are listed, has to be named otherwise.

use crate::error::{EngineError, code};
use crate::lexer::{Lexer, Token, TokenKind};

/// Names whose every continuation reaches outside, too (`s3Cluster`, `icebergLocal`, `fileCluster`, ...).
const OUTSIDE_PREFIXES: [&str; 29] = [
    "azure",
    "backup",
    "cluster",
    "cosn",
    "datalake",
    "deltalake",
    "executable",
    "file",
    "gcs",
    "hdfs",
    "hudi",
    "iceberg",
    "jdbc",
    "kafka",
    "keepermap",
    "materializedpostgresql",
    "mongo",
    "mysql",
    "nats",
    "odbc",
    "oss",
    "paimon",
    "postgresql",
    "rabbitmq",
    "redis",
    "remote",
    "s3",
    "sqlite",
    "ytsaurus",
];
/// Names that are refused as they stand: functions like `URLHash` begin like them and are harmless.
const OUTSIDE_NAMES: [&str; 8] = [
    "dictionary",
    "disk",
    "eval",
    "http",
    "library",
    "queryrunner",
    "url",
    "urlcluster",
];

/// Where a string can only be a table's name.
const BEFORE_TABLE: [&str; 7] = ["FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "EXISTS"];
/// What ends the list of tables.
const AFTER_TABLES: [&str; 14] = [
    "WHERE", "PREWHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "SETTINGS", "FORMAT", "UNION",
    "SELECT", "ON", "USING", "WINDOW",
];

/// Refuses a statement that reaches outside. `sql` is without the data of an INSERT.
///
/// # Errors
/// [`EngineError::Query`] with code 497 (`ACCESS_DENIED`).
pub fn check(sql: &str, parameters: &[(String, String)]) -> Result<(), EngineError> {
    let text = sql.as_bytes();
    let mut lexer = Lexer::new(text);
    let mut previous: Option<Token> = None;
    // For each open bracket: whether a comma separates tables here.
    let mut tables = vec![false];
    while let Some(token) = lexer.next_significant() {
        match token.kind {
            TokenKind::Open => {
                if let Some(name) = previous.and_then(|previous| called_name(text, previous))
                    && reaches_outside(&name)
                {
                    return Err(denied(&format!("{name} reaches outside the database")));
                }
                tables.push(false);
            }
            TokenKind::Close => {
                tables.pop();
                if tables.is_empty() {
                    tables.push(false);
                }
            }
            TokenKind::Quoted => {
                let content = &text[token.start + 1..token.end.saturating_sub(1).max(token.start + 1)];
                let is_path = content.iter().any(|byte| matches!(byte, b'/' | b'\\'));
                let is_identifier = matches!(text[token.start], b'`' | b'"');
                let comma = previous.is_some_and(|previous| &text[previous.start..previous.end] == b",");
                let in_tables = comma && tables.last() == Some(&true);
                let as_table =
                    in_tables || previous.is_some_and(|previous| is_any(text, previous, &BEFORE_TABLE));
                if is_path && (is_identifier || as_table) {
                    return Err(denied("a name with a slash or a backslash in it can be a file's"));
                }
            }
            TokenKind::Word => {
                if let Some(in_tables) = tables.last_mut() {
                    if is_any(text, token, &["FROM", "JOIN"]) {
                        *in_tables = true;
                    } else if is_any(text, token, &AFTER_TABLES) {
                        *in_tables = false;
                    }
                }
                // `{name:Identifier}`: the value takes the place of a name.
                let after_colon =
                    previous.is_some_and(|previous| &text[previous.start..previous.end] == b":");
                if after_colon && token.is_word(text, "Identifier") {
                    check_identifiers(parameters)?;
                }
            }
            _ => {}
        }
        previous = Some(token);
    }
    Ok(())
}

fn check_identifiers(parameters: &[(String, String)]) -> Result<(), EngineError> {
    match parameters.iter().find(|(_, value)| value.contains(['/', '\\'])) {
        Some((name, _)) => Err(denied(&format!("parameter {name:?} can be a file's name"))),
        None => Ok(()),
    }
}

fn is_any(text: &[u8], token: Token, words: &[&str]) -> bool {
    words.iter().any(|word| token.is_word(text, word))
}

/// The name before a bracket, bare or quoted, in lower case.
fn called_name(text: &[u8], token: Token) -> Option<String> {
    let name = match token.kind {
        TokenKind::Word => &text[token.start..token.end],
        TokenKind::Quoted if matches!(text[token.start], b'`' | b'"') => {
            &text[token.start + 1..token.end.saturating_sub(1).max(token.start + 1)]
        }
        _ => return None,
    };
    Some(String::from_utf8_lossy(name).to_ascii_lowercase())
}

fn reaches_outside(name: &str) -> bool {
    OUTSIDE_NAMES.contains(&name) || OUTSIDE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn denied(reason: &str) -> EngineError {
    EngineError::query(
        code::ACCESS_DENIED,
        "ACCESS_DENIED",
        format!("not allowed in the embedded engine: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(sql: &str) -> bool {
        check(sql, &[]).is_err()
    }

    #[test]
    fn files_and_networks_are_out_of_reach() {
        for sql in [
            "SELECT * FROM file('/etc/passwd')",
            "SELECT FILE /* x */ ('/etc/passwd')",
            "SELECT * FROM \"file\"('x')",
            r"SELECT * FROM `\x66ile`('x')",
            "SELECT * FROM `/etc/passwd`",
            "SELECT * FROM default.\"/etc/passwd\"",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM $$/etc/passwd$$",
            "SELECT * FROM t, '/etc/passwd'",
            "SELECT * FROM t JOIN '/etc/passwd' ON 1",
            "DESCRIBE '/etc/passwd'",
            "INSERT INTO FUNCTION file('x') SELECT 1",
            "INSERT INTO '/tmp/x.csv' SELECT 1",
            "CREATE TABLE t (a String) ENGINE = File(CSV, '/etc/passwd')",
            "CREATE TABLE t (a String) ENGINE = URL('http://x')",
            "CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(path 'x' format 'CSV'))",
            "CREATE DATABASE d ENGINE = Filesystem('/')",
            "SELECT * FROM s3Cluster('c', 'x')",
            "SELECT * FROM (SELECT * FROM remoteSecure('h', 't'))",
            "BACKUP TABLE t TO Disk('d', 'x')",
        ] {
            assert!(refused(sql), "{sql}");
        }
    }

    #[test]
    fn ordinary_statements_pass() {
        for sql in [
            "SELECT url, file FROM t WHERE path = '/v1/chat' AND url IN ('/a', '/b')",
            "SELECT URLHash(url), filesystem FROM t",
            "SELECT concat('a', '/b'), splitByChar('/', x) FROM a, b WHERE y LIKE '%/%'",
            "SELECT * FROM numbers(5) AS n, values('a String', ('/x'))",
            "CREATE TABLE t (url String, `file` String) ENGINE = MergeTree ORDER BY url",
            "SELECT count() FROM t FORMAT JSON",
            "ALTER TABLE t UPDATE text = '/' WHERE file = '\\\\'",
        ] {
            assert!(!refused(sql), "{sql}");
        }
    }

    #[test]
    fn a_parameter_is_no_path_when_it_is_a_name() {
        let path = [("t".to_owned(), "/etc/passwd".to_owned())];
        assert!(check("SELECT * FROM {t:Identifier}", &path).is_err());
        assert!(check("SELECT * FROM { t : Identifier }", &path).is_err());
        assert!(check("SELECT {t:String}", &path).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_checked_without_a_panic(sql in "\\PC{0,80}") {
            let _ = check(&sql, &[]);
        }
    }
}
