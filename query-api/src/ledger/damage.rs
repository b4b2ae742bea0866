//! Tells a damaged store from one that does not answer: damage is a finding for the verifier, not a failure of ours.

use aal_service::Problem;
use clickhouse::error::Error;

use crate::sql::store_problem;

/// Why stored rows cannot be had.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The store answered that what must be there is gone or changed.
    Damaged(String),
    /// It did not answer, or not in time.
    Away(Problem),
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        match of(&error) {
            Some(what) => {
                tracing::error!(%error, "the store is damaged");
                Unreadable::Damaged(what)
            }
            None => Unreadable::Away(store_problem(&error)),
        }
    }
}

impl From<Problem> for Unreadable {
    fn from(problem: Problem) -> Self {
        Unreadable::Away(problem)
    }
}

/// Exception codes of ClickHouse that say: what must be stored is gone or no longer what was written.
const CODES: [(u32, &str); 12] = [
    (10, "a column is missing"),
    (16, "a column is missing"),
    (32, "stored bytes end too early"),
    (33, "stored bytes cannot be read"),
    (40, "stored bytes do not match their checksum"),
    (47, "a column is missing"),
    (60, "the table is missing"),
    (81, "the database is missing"),
    (107, "a file of the store is missing"),
    (228, "a part of the table is missing"),
    (246, "stored bytes are corrupted"),
    (271, "stored bytes cannot be decompressed"),
];

/// What is damaged, when the store answered that something is.
fn of(error: &Error) -> Option<String> {
    let text = error.to_string();
    let code: u32 = text
        .split_once("Code: ")?
        .1
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()?;
    let (_, what) = CODES.iter().find(|(known, _)| *known == code)?;
    Some(format!(
        "the store of records is damaged: {what} (ClickHouse exception {code})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_a_busy_store() {
        let told = |text: &str| of(&Error::BadResponse(text.to_owned()));
        let gone = told("Code: 60. DB::Exception: Table audit.records does not exist. (UNKNOWN_TABLE)");
        assert!(gone.is_some_and(|what| what.contains("the table is missing")));
        assert!(told("Code: 40. DB::Exception: Checksum doesn't match: corrupted data.").is_some());
        for busy in [
            "Code: 159. DB::Exception: Timeout exceeded",
            "Code: 241. DB::Exception: Memory limit exceeded",
            "Code: 202. DB::Exception: Too many simultaneous queries",
            "connection closed",
            "Code: none",
        ] {
            assert_eq!(told(busy), None, "{busy}");
        }
    }
}
