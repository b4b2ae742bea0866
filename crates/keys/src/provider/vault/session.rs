//! Signing in to Vault, keeping the token alive, and what its status codes mean.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::{KeysError, SecretText, VaultConfig, provider::ProviderError};

const NAME: &str = "vault";
const MOST_ANSWER_BYTES: usize = 64 * 1024;
const NAMESPACE: &str = "x-vault-namespace";
const TOKEN: &str = "x-vault-token";

struct Token {
    text: Zeroizing<String>,
    /// From then on it is renewed before it is used.
    renew_from: Instant,
    ends: Instant,
    is_renewable: bool,
}

/// An HTTP client that is signed in.
pub(super) struct Session {
    http: reqwest::Client,
    url: String,
    namespace: Option<String>,
    auth_mount: String,
    role_id: String,
    secret_id: Option<SecretText>,
    secret_id_file: Option<PathBuf>,
    token: Mutex<Option<Token>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let session = &mut formatter.debug_struct("Session");
        session.field("url", &self.url).finish_non_exhaustive()
    }
}

/// The body of an answer, or why it was given up.
pub(crate) async fn bounded(answer: reqwest::Response, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut answer = answer;
    let mut body = Zeroizing::new(Vec::new());
    loop {
        match answer.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() <= most => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(format!("an answer of more than {most} bytes")),
            Err(error) => return Err(error.without_url().to_string()),
        }
    }
}

impl Session {
    pub(super) fn new(config: &VaultConfig) -> Result<Session, KeysError> {
        let wrong = |key, message: String| KeysError::Config { key, message };
        let url = url::Url::parse(&config.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        let Some(url) = url else {
            let message = "must be http:// or https:// with a host".to_owned();
            return Err(wrong("keys.vault.url", message));
        };
        if config.secret_id.is_some() == config.secret_id_file.is_some() {
            let message = "give either secret_id (AAL_KEYS__VAULT__SECRET_ID) or secret_id_file".to_owned();
            return Err(wrong("keys.vault.secret_id", message));
        }
        let mut client = reqwest::Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms.max(1)))
            // A standby node redirects to the active one.
            .redirect(reqwest::redirect::Policy::limited(2));
        if let Some(file) = &config.ca_file {
            let unusable =
                |reason: String| wrong("keys.vault.ca_file", format!("{}: {reason}", file.display()));
            let pem = fs::read(file).map_err(|error| unusable(error.to_string()))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem);
            let roots = roots.map_err(|error| unusable(error.to_string()))?;
            if roots.is_empty() {
                return Err(unusable("holds no certificate".to_owned()));
            }
            client = client.tls_certs_only(roots);
        }
        let http = client
            .build()
            .map_err(|error| wrong("keys.vault", error.to_string()))?;
        Ok(Session {
            http,
            url: url.as_str().trim_end_matches('/').to_owned(),
            namespace: config.namespace.clone(),
            auth_mount: config.auth_mount.trim_matches('/').to_owned(),
            role_id: config.role_id.clone(),
            secret_id: config.secret_id.clone(),
            secret_id_file: config.secret_id_file.clone(),
            token: Mutex::new(None),
        })
    }

    /// One call of the API below `/v1/`. A token that is refused is replaced once.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ProviderError> {
        let token = self.token().await?;
        match self.send(method.clone(), path, body, Some(&token)).await {
            Err(ProviderError::Denied { .. }) => {
                self.forget(&token).await;
                let token = self.token().await?;
                self.send(method, path, body, Some(&token)).await
            }
            answer => answer,
        }
    }

    /// The token, renewed or new where necessary.
    async fn token(&self) -> Result<Zeroizing<String>, ProviderError> {
        let mut held = self.token.lock().await;
        let now = Instant::now();
        if let Some(token) = held.as_ref().filter(|token| now < token.ends) {
            if now < token.renew_from {
                return Ok(token.text.clone());
            }
            if token.is_renewable {
                let (path, body) = ("auth/token/renew-self", json!({}));
                let answer = self
                    .send(Method::POST, path, Some(&body), Some(&token.text))
                    .await;
                match answer.and_then(|answer| token_of(&answer)) {
                    Ok(renewed) => {
                        let text = renewed.text.clone();
                        *held = Some(renewed);
                        return Ok(text);
                    }
                    // It still works for a while; signing in anew is the way on.
                    Err(error) => tracing::debug!(%error, "vault token not renewed; signing in again"),
                }
            }
        }
        let login = json!({"role_id": self.role_id, "secret_id": self.secret_id()?.as_str()});
        let path = format!("auth/{}/login", self.auth_mount);
        let answer = self.send(Method::POST, &path, Some(&login), None).await;
        let answer = answer.map_err(|error| match error {
            // Vault answers a wrong role or secret id with 400.
            ProviderError::Unexpected { provider, reason } => ProviderError::Denied { provider, reason },
            error => error,
        })?;
        let token = token_of(&answer)?;
        let text = token.text.clone();
        *held = Some(token);
        Ok(text)
    }

    async fn forget(&self, token: &str) {
        let mut held = self.token.lock().await;
        if held.as_ref().is_some_and(|held| held.text.as_str() == token) {
            *held = None;
        }
    }

    fn secret_id(&self) -> Result<Zeroizing<String>, ProviderError> {
        if let Some(secret) = &self.secret_id {
            return Ok(Zeroizing::new(secret.expose().to_owned()));
        }
        let file = self.secret_id_file.clone().unwrap_or_default();
        let text = fs::read_to_string(&file).map(Zeroizing::new);
        let text = text.map_err(|error| ProviderError::Denied {
            provider: NAME,
            reason: format!("{} (`keys.vault.secret_id_file`): {error}", file.display()),
        })?;
        Ok(Zeroizing::new(text.trim().to_owned()))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> Result<Value, ProviderError> {
        let unavailable = |reason: String| ProviderError::Unavailable {
            provider: NAME,
            reason,
        };
        let mut request = self.http.request(method, format!("{}/v1/{path}", self.url));
        // Vault asks for this header on requests that browsers could be tricked into.
        request = request.header("x-vault-request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header(NAMESPACE, namespace);
        }
        if let Some(token) = token {
            request = request.header(TOKEN, token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| unavailable(error.without_url().to_string()))?;
        let status = answer.status().as_u16();
        let text = bounded(answer, MOST_ANSWER_BYTES).await.map_err(unavailable)?;
        let value: Value = serde_json::from_slice(&text).unwrap_or(Value::Null);
        match status {
            200 | 204 => Ok(value),
            _ => Err(refusal(status, &value)),
        }
    }
}

fn token_of(answer: &Value) -> Result<Token, ProviderError> {
    let auth = &answer["auth"];
    let unexpected = |reason: &str| ProviderError::Unexpected {
        provider: NAME,
        reason: reason.to_owned(),
    };
    let text = auth["client_token"].as_str();
    let text = text.ok_or_else(|| unexpected("its answer has no client_token"))?;
    let seconds = auth["lease_duration"].as_u64();
    let seconds = seconds.ok_or_else(|| unexpected("its answer has no lease_duration"))?;
    // 0: never ends. A day is soon enough to ask again.
    let lease = Duration::from_secs(if seconds == 0 { 86_400 } else { seconds.min(86_400) });
    let now = Instant::now();
    Ok(Token {
        text: Zeroizing::new(text.to_owned()),
        renew_from: now + lease * 2 / 3,
        ends: now + lease,
        is_renewable: auth["renewable"].as_bool().unwrap_or(false),
    })
}

/// What an error answer of Vault means.
fn refusal(status: u16, answer: &Value) -> ProviderError {
    let errors = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let text = errors.collect::<Vec<_>>().join("; ");
    let reason: String = format!("{status} {text}").trim_end().chars().take(300).collect();
    let provider = NAME;
    match status {
        403 => ProviderError::Denied { provider, reason },
        404 => ProviderError::KeyGone { provider, reason },
        // Too many requests; standby, recovering or sealed nodes; everything else that is the server's affair.
        412 | 429 | 472 | 473 | 500.. => {
            if text.contains("message authentication failed") {
                return ProviderError::NotOurs { provider, reason };
            }
            ProviderError::Unavailable { provider, reason }
        }
        400 if text.contains("disallowed by policy") || text.contains("encryption key not found") => {
            ProviderError::KeyGone { provider, reason }
        }
        400 if text.contains("invalid ciphertext") || text.contains("message authentication failed") => {
            ProviderError::NotOurs { provider, reason }
        }
        _ => ProviderError::Unexpected { provider, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_whether_waiting_helps() {
        let of = |status, text: &str| refusal(status, &json!({"errors": [text]}));
        assert!(of(429, "rate limit").is_transient());
        assert!(of(503, "Vault is sealed").is_transient());
        assert!(matches!(
            of(403, "permission denied"),
            ProviderError::Denied { .. }
        ));
        assert!(matches!(of(404, ""), ProviderError::KeyGone { .. }));
        let old = "ciphertext or signature version is disallowed by policy (too old)";
        assert!(matches!(of(400, old), ProviderError::KeyGone { .. }));
        assert!(matches!(
            of(400, "invalid ciphertext: no prefix"),
            ProviderError::NotOurs { .. }
        ));
        assert!(matches!(
            of(400, "cipher: message authentication failed"),
            ProviderError::NotOurs { .. }
        ));
        assert!(matches!(
            of(400, "missing plaintext"),
            ProviderError::Unexpected { .. }
        ));
    }
}
