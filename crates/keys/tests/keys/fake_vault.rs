//! Vault as its API pages describe it: AppRole, tokens that end, one Transit key with versions, and its error texts.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use aal_keys::{KeysConfig, VaultConfig};
use aal_service::{HttpConfig, Shutdown};
use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use warp::Filter;
use warp::http::StatusCode;
use warp::reply::{Reply, Response};

pub const ROLE: &str = "role-of-the-test";
pub const SECRET: &str = "secret-of-the-test";

/// What happens to the next request instead of an answer.
#[derive(Clone, Debug)]
pub enum Failure {
    Status(u16, &'static str),
    /// No answer within any time-out.
    Silence,
}

pub struct State {
    versions: BTreeMap<u64, [u8; 32]>,
    min_decryption: u64,
    min_encryption: u64,
    tokens: BTreeMap<String, Instant>,
    pub lease: Duration,
    pub failures: VecDeque<Failure>,
    /// Every request fails so.
    pub down: Option<Failure>,
    /// Method, path and members of every request.
    pub seen: Vec<String>,
    count: u64,
}

#[derive(Clone)]
pub struct FakeVault {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeVault {
    pub async fn start() -> FakeVault {
        let state = Arc::new(Mutex::new(State {
            versions: BTreeMap::from([(1, [1; 32])]),
            min_decryption: 1,
            min_encryption: 0,
            tokens: BTreeMap::new(),
            lease: Duration::from_secs(3_600),
            failures: VecDeque::new(),
            down: None,
            seen: Vec::new(),
            count: 0,
        }));
        let of_route = Arc::clone(&state);
        let route = warp::method()
            .and(warp::path::full())
            .and(warp::header::optional::<String>("x-vault-token"))
            .and(warp::header::optional::<String>("x-vault-namespace"))
            .and(warp::body::bytes())
            .then(
                move |method: warp::http::Method,
                      path: warp::path::FullPath,
                      token,
                      namespace: Option<String>,
                      body: bytes::Bytes| {
                    let state = Arc::clone(&of_route);
                    async move {
                        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                        let failure = {
                            let mut state = state.lock().unwrap();
                            let members: Vec<&str> = body
                                .as_object()
                                .into_iter()
                                .flatten()
                                .map(|(name, _)| name.as_str())
                                .collect();
                            let signed = if Option::<String>::is_some(&token) {
                                "signed in"
                            } else {
                                "anonymous"
                            };
                            let line = format!(
                                "{method} {} {} {signed} {}",
                                path.as_str(),
                                namespace.as_deref().unwrap_or("-"),
                                members.join(",")
                            );
                            state.seen.push(line.trim_end().to_owned());
                            state.failures.pop_front().or_else(|| state.down.clone())
                        };
                        match failure {
                            Some(Failure::Silence) => std::future::pending().await,
                            Some(Failure::Status(status, text)) => error(status, text),
                            None => state.lock().unwrap().answer(
                                method.as_str(),
                                path.as_str(),
                                token.as_deref(),
                                &body,
                            ),
                        }
                    }
                },
            );
        let bound = aal_service::http::serve(route.boxed(), &HttpConfig::default(), Shutdown::new()).await;
        let address = bound.unwrap().addr;
        FakeVault { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn config(&self) -> VaultConfig {
        serde_json::from_value(
            json!({"url": format!("http://{}", self.address), "namespace": "audit",
            "role_id": ROLE, "secret_id": SECRET, "timeout_ms": 1_000}),
        )
        .unwrap()
    }

    pub fn keys_config(&self) -> KeysConfig {
        KeysConfig {
            file: None,
            vault: Some(self.config()),
            settle_s: 0,
            ..KeysConfig::at("")
        }
    }

    pub fn end_all_tokens(&self) {
        self.state().tokens.clear();
    }
}

fn answer(value: &Value) -> Response {
    warp::reply::json(value).into_response()
}

fn error(status: u16, text: &str) -> Response {
    let errors: Vec<&str> = if text.is_empty() { Vec::new() } else { vec![text] };
    let reply = warp::reply::json(&json!({"errors": errors}));
    warp::reply::with_status(reply, StatusCode::from_u16(status).unwrap()).into_response()
}

impl State {
    fn answer(&mut self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Response {
        if (method, path) == ("POST", "/v1/auth/approle/login") {
            if body["role_id"] != ROLE || body["secret_id"] != SECRET {
                return error(400, "invalid role or secret ID");
            }
            return self.issue();
        }
        let is_known = token
            .and_then(|token| self.tokens.get(token))
            .is_some_and(|ends| Instant::now() < *ends);
        if !is_known {
            return error(403, "permission denied");
        }
        match (method, path) {
            ("POST", "/v1/auth/token/renew-self") => {
                let token = token.unwrap_or_default().to_owned();
                self.tokens.insert(token.clone(), Instant::now() + self.lease);
                self.auth(&token)
            }
            ("GET", "/v1/transit/keys/ai-audit-layer") => self.key(),
            ("POST", "/v1/transit/keys/ai-audit-layer/rotate") => {
                let next = self.latest() + 1;
                self.versions.insert(next, [next as u8; 32]);
                self.key()
            }
            ("POST", "/v1/transit/keys/ai-audit-layer/config") => {
                self.min_decryption = body["min_decryption_version"]
                    .as_u64()
                    .unwrap_or(self.min_decryption);
                self.min_encryption = body["min_encryption_version"]
                    .as_u64()
                    .unwrap_or(self.min_encryption);
                StatusCode::NO_CONTENT.into_response()
            }
            ("POST", "/v1/transit/keys/ai-audit-layer/trim") => self.trim(body),
            ("POST", "/v1/transit/encrypt/ai-audit-layer") => self.encrypt(body),
            ("POST", "/v1/transit/decrypt/ai-audit-layer") => self.decrypt(body),
            _ => error(404, ""),
        }
    }

    fn latest(&self) -> u64 {
        self.versions.keys().last().copied().unwrap_or(0)
    }

    fn issue(&mut self) -> Response {
        self.count += 1;
        let token = format!("token-{}", self.count);
        self.tokens.insert(token.clone(), Instant::now() + self.lease);
        self.auth(&token)
    }

    fn auth(&self, token: &str) -> Response {
        answer(
            &json!({"auth": {"client_token": token, "lease_duration": self.lease.as_secs(), "renewable": true}}),
        )
    }

    fn key(&self) -> Response {
        answer(
            &json!({"data": {"name": "ai-audit-layer", "type": "aes256-gcm96", "derived": true,
            "latest_version": self.latest(), "min_decryption_version": self.min_decryption,
            "min_encryption_version": self.min_encryption}}),
        )
    }

    fn trim(&mut self, body: &Value) -> Response {
        let wanted = body["min_available_version"].as_u64().unwrap_or(0);
        if self.min_decryption == 0 || self.min_encryption == 0 {
            return error(
                400,
                "minimum available version cannot be set when minimum encryption version is not set",
            );
        }
        if wanted > self.min_decryption.min(self.min_encryption) {
            return error(
                400,
                "minimum available version cannot be higher than minimum decryption version",
            );
        }
        self.versions.retain(|version, _| *version >= wanted);
        StatusCode::NO_CONTENT.into_response()
    }

    /// A key of its own for each version and context, as derived keys have.
    fn cipher(&self, version: u64, context: &str) -> Option<Aes256GcmSiv> {
        let mut digest = Sha256::new();
        digest.update(self.versions.get(&version)?);
        digest.update(context.as_bytes());
        let key: [u8; 32] = digest.finalize().into();
        Some(Aes256GcmSiv::new((&key).into()))
    }

    fn encrypt(&mut self, body: &Value) -> Response {
        let (Some(plaintext), Some(context)) = (body["plaintext"].as_str(), body["context"].as_str()) else {
            return error(
                400,
                "missing 'context' for key derivation; the key was created using a derived key",
            );
        };
        self.count += 1;
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.count.to_be_bytes());
        let aad = STANDARD
            .decode(body["associated_data"].as_str().unwrap_or_default())
            .unwrap();
        let msg = STANDARD.decode(plaintext).unwrap();
        let version = self.latest();
        let cipher = self.cipher(version, context).unwrap();
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: &msg, aad: &aad })
            .unwrap();
        let text = STANDARD.encode([&nonce[..], &sealed].concat());
        answer(&json!({"data": {"ciphertext": format!("vault:v{version}:{text}"), "key_version": version}}))
    }

    fn decrypt(&mut self, body: &Value) -> Response {
        let text = body["ciphertext"].as_str().unwrap_or_default();
        let Some((version, text)) = text.strip_prefix("vault:v").and_then(|rest| rest.split_once(':')) else {
            return error(400, "invalid ciphertext: no prefix");
        };
        let version: u64 = version.parse().unwrap();
        if version < self.min_decryption {
            return error(
                400,
                "ciphertext or signature version is disallowed by policy (too old)",
            );
        }
        let Some(cipher) = self.cipher(version, body["context"].as_str().unwrap_or_default()) else {
            return error(400, "encryption key not found");
        };
        let bytes = STANDARD.decode(text).unwrap();
        let (nonce, msg) = bytes.split_first_chunk::<12>().unwrap();
        let aad = STANDARD
            .decode(body["associated_data"].as_str().unwrap_or_default())
            .unwrap();
        match cipher.decrypt(&Nonce::from(*nonce), Payload { msg, aad: &aad }) {
            Ok(plaintext) => answer(&json!({"data": {"plaintext": STANDARD.encode(plaintext)}})),
            Err(_) => error(400, "invalid ciphertext: unable to decrypt"),
        }
    }
}
