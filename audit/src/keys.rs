//! `audit keys`: status, rotation and wrapping anew, by the API of a running service.

use std::process::ExitCode;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::{
    api::{Api, ApiError},
    cli::{KeysAction, KeysArguments},
};

const POLL: Duration = Duration::from_millis(500);

/// Why it did not work; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum KeysCommandError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("not everything was wrapped anew: {0}")]
    Failed(String),
}

struct Service(Api);

impl Service {
    async fn call(&self, method: Method, path: &str) -> Result<Value, KeysCommandError> {
        let url = format!("{}{path}", self.0.base);
        Ok(self.0.json(self.0.http.request(method, &url), &url).await?)
    }

    async fn status(&self) -> Result<Value, KeysCommandError> {
        self.call(Method::GET, "/api/v1/keys").await
    }
}

/// `audit keys`.
pub async fn run(arguments: KeysArguments) -> Result<ExitCode, KeysCommandError> {
    let service = Service(Api::new(&arguments.api).await?);
    match arguments.action {
        KeysAction::Status => {
            let status = service.status().await?;
            if arguments.json {
                println!("{status}");
            } else {
                print!("{}", status_text(&status));
            }
        }
        KeysAction::Rotate => {
            let rotated = service.call(Method::POST, "/api/v1/keys/rotate").await?;
            if arguments.json {
                println!("{rotated}");
            } else {
                println!(
                    "rotated: the provider wraps under {}, {} tenants have a new key; now run audit keys rewrap",
                    text(&rotated["provider_key"]),
                    rotated["tenants"]
                );
            }
        }
        KeysAction::Rewrap => {
            service.call(Method::POST, "/api/v1/keys/rewrap").await?;
            let done = wait(&service, arguments.json).await?;
            if arguments.json {
                println!("{done}");
            } else {
                println!(
                    "wrapped anew: {} data keys; {} old key-encryption keys destroyed",
                    done["done"], done["destroyed_keks"]
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows progress until it is done. Ended early (Ctrl-C), the service goes on.
async fn wait(service: &Service, is_quiet: bool) -> Result<Value, KeysCommandError> {
    let mut shown = None;
    loop {
        let status = service.status().await?;
        let progress = &status["rewrap"];
        match progress["state"].as_str() {
            Some("done") => return Ok(progress.clone()),
            Some("failed") => return Err(KeysCommandError::Failed(text(&progress["error"]).to_owned())),
            _ => {}
        }
        if !is_quiet && shown != progress["done"].as_u64() {
            shown = progress["done"].as_u64();
            eprintln!("{} of {} data keys", progress["done"], progress["total"]);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn status_text(status: &Value) -> String {
    let provider_key = match status["provider_error"].as_str() {
        Some(error) => format!("does not answer: {error}"),
        None => format!("wraps under {}", text(&status["provider_key"])),
    };
    let mut lines = format!(
        "provider      {}, {provider_key}\npayload keys  {}, sealing under {}\n",
        text(&status["provider"]),
        status["payload_keys"],
        text(&status["payload_key"])
    );
    lines.push_str("tenant                                epoch  state      data keys  wrapped under\n");
    for kek in status["keks"].as_array().into_iter().flatten() {
        lines.push_str(&format!(
            "{:36}  {:>5}  {:9}  {:>9}  {}\n",
            text(&kek["tenant"]),
            kek["epoch"].as_u64().unwrap_or(0),
            text(&kek["state"]),
            kek["data_keys"].as_u64().unwrap_or(0),
            text(&kek["provider_key"])
        ));
    }
    lines.push_str(&format!(
        "left to wrap anew: {} data keys\n",
        status["data_keys_left"]
    ));
    if let Some(state) = status["rewrap"]["state"].as_str() {
        lines.push_str(&format!(
            "last wrapping anew: {state}, {} of {}\n",
            status["rewrap"]["done"], status["rewrap"]["total"]
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::status_text;

    #[test]
    fn the_status_is_readable() {
        let tenant = "00000000-0000-0000-0000-000000000001";
        let status = json!({"provider": "key file", "provider_key": "k2", "provider_error": null, "payload_keys": 1,
            "payload_key": null, "data_keys_left": 3, "rewrap": {"state": "running", "done": 2, "total": 5},
            "keks": [{"tenant": tenant, "epoch": 1, "state": "retired", "data_keys": 3, "provider_key": "k1"}]});
        let text = status_text(&status);
        assert!(text.contains("key file, wraps under k2"), "{text}");
        assert!(
            text.contains(&format!("{tenant}      1  retired            3  k1")),
            "{text}"
        );
        assert!(text.contains("running, 2 of 5"), "{text}");
    }
}
