//! `audit dead-letters`: what could not be recorded as an event, and putting it back once the reason is gone.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::api::{Api, ApiError};
use crate::cli::{DeadLettersArguments, DeadLettersCommand};

/// `audit dead-letters`.
pub async fn run(arguments: DeadLettersArguments) -> Result<ExitCode, ApiError> {
    let server = Api::new(&arguments.api).await?;
    let url = |rest: &str| format!("{}/api/v1/dead-letters{rest}", server.base);
    match arguments.command {
        DeadLettersCommand::List { before, limit, json } => {
            let mut query = format!("?limit={limit}");
            if let Some(before) = before {
                query.push_str(&format!("&before={before}"));
            }
            let url = url(&query);
            let page: Value = server.json(server.http.get(&url), &url).await?;
            println!("{}", if json { page.to_string() } else { table(&page) });
        }
        DeadLettersCommand::Show { dead_letter } => {
            let url = url(&format!("/{dead_letter}"));
            let letter: Value = server.json(server.http.get(&url), &url).await?;
            println!("{letter:#}");
        }
        DeadLettersCommand::Replay {
            dead_letter,
            reason,
            again,
        } => {
            let url = url(&format!("/{dead_letter}/replay"));
            let body = json!({"reason": reason, "again": again});
            let replayed: Value = server.json(server.http.post(&url).json(&body), &url).await?;
            println!("{replayed}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A line each, newest first.
fn table(page: &Value) -> String {
    let mut lines = Vec::new();
    for item in page["items"].as_array().into_iter().flatten() {
        let text = |name: &str| match &item[name] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let state = if item["replayed"] == true {
            "  (replayed)"
        } else {
            ""
        };
        lines.push(format!(
            "{:>8}  {}  {}:{}  {} bytes  {}{state}",
            text("dead_letter"),
            text("at"),
            text("partition"),
            text("offset"),
            text("bytes"),
            text("reason"),
        ));
    }
    if lines.is_empty() {
        return "no dead letters".to_owned();
    }
    if let Some(before) = page["next_before"].as_u64() {
        lines.push(format!("older ones: --before {before}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_each_and_how_to_go_on() {
        let page = json!({"next_before": 7, "items": [
            {"dead_letter": 8, "at": "2026-11-24T00:00:00Z", "partition": 1, "offset": 70, "bytes": 12,
             "reason": "unknown schema fingerprint 00", "replayed": true},
            {"dead_letter": 7, "at": "2026-11-24T00:00:00Z", "partition": null, "offset": 3, "bytes": 1,
             "reason": null, "replayed": false},
        ]});
        assert_eq!(
            table(&page),
            "       8  2026-11-24T00:00:00Z  1:70  12 bytes  unknown schema fingerprint 00  (replayed)\n       \
             7  2026-11-24T00:00:00Z  -:3  1 bytes  -\nolder ones: --before 7"
        );
        assert_eq!(table(&json!({"items": []})), "no dead letters");
    }
}
