//! AWS KMS over its JSON protocol: Encrypt, Decrypt, GenerateDataKey, DescribeKey, RotateKeyOnDemand. Source: "AWS Key
//! Management Service API Reference".

use std::{collections::BTreeMap, time::Duration};

use aal_sigv4::Signer;
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, macros::format_description};
use zeroize::Zeroizing;

use crate::{
    KeysError, KmsConfig, Place,
    provider::{Provider, ProviderError, Wrapped, with_retries},
};

const NAME: &str = "kms";
const MOST_ANSWER_BYTES: usize = 64 * 1024;
/// What Encrypt takes at most, in bytes.
const MOST_SECRET_BYTES: usize = 4_096;
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// One symmetric key of KMS.
#[derive(Debug)]
pub struct Kms {
    http: reqwest::Client,
    uri: Uri,
    key_id: String,
    signer: Signer,
}

impl Kms {
    /// Makes a client; nothing is asked yet. `variable` reads the environment.
    pub fn new(config: &KmsConfig, variable: impl Fn(&str) -> Option<String>) -> Result<Kms, KeysError> {
        let wrong = |key, message: &str| KeysError::Config {
            key,
            message: message.to_owned(),
        };
        let regional = || format!("https://kms.{}.amazonaws.com/", config.region);
        let endpoint = config.endpoint.clone().unwrap_or_else(regional);
        let uri: Uri = endpoint
            .parse()
            .ok()
            .filter(|uri: &Uri| {
                uri.authority().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
            })
            .ok_or_else(|| wrong("keys.kms.endpoint", "must be http:// or https:// with a host"))?;
        let required = |name: &'static str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| KeysError::Config {
                key: "keys.kms",
                message: format!("needs the environment variable {name}"),
            })
        };
        let http = reqwest::Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms.max(1)))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| wrong("keys.kms", &error.to_string()))?;
        Ok(Kms {
            http,
            uri,
            key_id: config.key_id.clone(),
            signer: Signer {
                access_key_id: required("AWS_ACCESS_KEY_ID")?,
                secret_access_key: required("AWS_SECRET_ACCESS_KEY")?.into(),
                session_token: variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
                region: config.region.clone(),
                service: "kms".to_owned(),
            },
        })
    }

    async fn call(&self, action: &str, request: &Value) -> Result<Value, ProviderError> {
        with_retries(|| self.call_once(action, request)).await
    }

    async fn call_once(&self, action: &str, request: &Value) -> Result<Value, ProviderError> {
        let body = Zeroizing::new(request.to_string());
        let at = OffsetDateTime::now_utc()
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .map_err(|error| unexpected(error.to_string()))?;
        let mut headers = HeaderMap::new();
        let digest = Sha256::digest(body.as_bytes()).into();
        self.signer
            .sign(&Method::POST, &self.uri, &mut headers, digest, &at);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-amz-json-1.1"),
        );
        let target = HeaderValue::from_str(&format!("TrentService.{action}"));
        headers.insert(TARGET, target.map_err(|error| unexpected(error.to_string()))?);
        let sent = self
            .http
            .post(self.uri.to_string())
            .headers(headers)
            .body(body.to_string());
        let answer = sent
            .send()
            .await
            .map_err(|error| unavailable(&error.without_url()))?;
        let status = answer.status().as_u16();
        let text = super::vault::bounded(answer, MOST_ANSWER_BYTES).await;
        let text = text.map_err(|reason| unavailable(&reason))?;
        let value = serde_json::from_slice(&text).unwrap_or(Value::Null);
        if status == 200 {
            return Ok(value);
        }
        Err(refusal(status, &value))
    }
}

/// What an error answer of KMS means.
fn refusal(status: u16, answer: &Value) -> ProviderError {
    let kind = answer["__type"].as_str().unwrap_or_default();
    // Some services write a namespace before the name.
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let message = answer["message"].as_str().or_else(|| answer["Message"].as_str());
    let reason = format!("{status} {kind} {}", message.unwrap_or_default());
    let reason: String = reason.trim_end().chars().take(300).collect();
    let provider = NAME;
    match kind {
        "ThrottlingException"
        | "LimitExceededException"
        | "KMSInternalException"
        | "DependencyTimeoutException"
        | "KeyUnavailableException" => ProviderError::Unavailable { provider, reason },
        "InvalidCiphertextException" | "IncorrectKeyException" => ProviderError::NotOurs { provider, reason },
        "NotFoundException" | "DisabledException" | "KMSInvalidStateException" => {
            ProviderError::KeyGone { provider, reason }
        }
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" => ProviderError::Denied { provider, reason },
        _ if status == 403 => ProviderError::Denied { provider, reason },
        _ if status == 429 || status >= 500 => ProviderError::Unavailable { provider, reason },
        _ => ProviderError::Unexpected { provider, reason },
    }
}

fn unavailable(reason: &dyn std::fmt::Display) -> ProviderError {
    ProviderError::Unavailable {
        provider: NAME,
        reason: reason.to_string(),
    }
}

fn unexpected(reason: String) -> ProviderError {
    ProviderError::Unexpected {
        provider: NAME,
        reason,
    }
}

fn context(place: &Place) -> Value {
    let pairs: BTreeMap<&str, String> = place.pairs().into_iter().collect();
    json!(pairs)
}

fn text<'v>(answer: &'v Value, member: &str) -> Result<&'v str, ProviderError> {
    let found = answer[member].as_str();
    found.ok_or_else(|| unexpected(format!("its answer has no {member}")))
}

fn bytes(answer: &Value, member: &str) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
    let decoded = STANDARD.decode(text(answer, member)?).map(Zeroizing::new);
    decoded.map_err(|_| unexpected(format!("its answer's {member} is not base64")))
}

#[async_trait]
impl Provider for Kms {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn current(&self) -> Result<String, ProviderError> {
        let answer = self.call("DescribeKey", &json!({"KeyId": self.key_id})).await?;
        Ok(text(&answer["KeyMetadata"], "Arn")?.to_owned())
    }

    async fn wrap(&self, place: &Place, secret: &[u8]) -> Result<Wrapped, ProviderError> {
        if secret.len() > MOST_SECRET_BYTES {
            let reason = format!("a secret of {} bytes, it takes {MOST_SECRET_BYTES}", secret.len());
            return Err(unexpected(reason));
        }
        let request = json!({"KeyId": self.key_id, "Plaintext": STANDARD.encode(secret),
                             "EncryptionContext": context(place)});
        let answer = self.call("Encrypt", &request).await?;
        Ok(Wrapped {
            key: text(&answer, "KeyId")?.to_owned(),
            ciphertext: bytes(&answer, "CiphertextBlob")?.to_vec(),
        })
    }

    async fn unwrap(&self, place: &Place, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        // The key is named, so that nobody can have us open something under a key of theirs.
        let request = json!({"KeyId": wrapped.key, "CiphertextBlob": STANDARD.encode(&wrapped.ciphertext),
                             "EncryptionContext": context(place)});
        let answer = self.call("Decrypt", &request).await?;
        bytes(&answer, "Plaintext")
    }

    async fn generate(
        &self,
        place: &Place,
        length: usize,
    ) -> Result<(Zeroizing<Vec<u8>>, Wrapped), ProviderError> {
        let request =
            json!({"KeyId": self.key_id, "NumberOfBytes": length, "EncryptionContext": context(place)});
        let answer = self.call("GenerateDataKey", &request).await?;
        let secret = bytes(&answer, "Plaintext")?;
        if secret.len() != length {
            return Err(unexpected(format!(
                "{} bytes of key, {length} were asked for",
                secret.len()
            )));
        }
        let wrapped = Wrapped {
            key: text(&answer, "KeyId")?.to_owned(),
            ciphertext: bytes(&answer, "CiphertextBlob")?.to_vec(),
        };
        Ok((secret, wrapped))
    }

    async fn rotate(&self) -> Result<String, ProviderError> {
        // The operation takes no alias.
        let key = self.current().await?;
        self.call("RotateKeyOnDemand", &json!({"KeyId": key})).await?;
        Ok(key)
    }

    /// KMS keeps old key material for as long as the key exists.
    async fn retire_older(&self) -> Result<bool, ProviderError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_whether_waiting_helps() {
        let of = |status, kind: &str| refusal(status, &json!({"__type": kind, "message": "m"}));
        assert!(of(400, "ThrottlingException").is_transient());
        assert!(of(500, "KMSInternalException").is_transient());
        assert!(of(503, "").is_transient());
        assert!(matches!(
            of(400, "AccessDeniedException"),
            ProviderError::Denied { .. }
        ));
        assert!(matches!(
            of(400, "InvalidCiphertextException"),
            ProviderError::NotOurs { .. }
        ));
        assert!(matches!(
            of(400, "com.amazonaws.kms#DisabledException"),
            ProviderError::KeyGone { .. }
        ));
        assert!(matches!(
            of(400, "ValidationException"),
            ProviderError::Unexpected { .. }
        ));
    }
}
