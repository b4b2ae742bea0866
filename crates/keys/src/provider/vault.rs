//! HashiCorp Vault and OpenBao: the Transit engine, entered by AppRole. Source: the HTTP API pages "Transit secrets
//! engine", "AppRole auth method" and "Tokens" of both products, which agree on what is used here.

mod session;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    KeysError, Place, VaultConfig,
    provider::{Provider, ProviderError, Wrapped, with_retries},
};
use session::Session;
pub(crate) use session::bounded;

const NAME: &str = "vault";
/// Key types that authenticate associated data.
const AEAD_TYPES: [&str; 3] = ["aes256-gcm96", "chacha20-poly1305", "aes128-gcm96"];

/// One key of a Transit engine.
#[derive(Debug)]
pub struct Vault {
    session: Session,
    mount: String,
    key: String,
}

impl Vault {
    /// Makes a client; nothing is asked yet.
    pub fn new(config: &VaultConfig) -> Result<Vault, KeysError> {
        Ok(Vault {
            session: Session::new(config)?,
            mount: config.mount.trim_matches('/').to_owned(),
            key: config.key.clone(),
        })
    }

    async fn call(&self, method: Method, path: String, body: Option<Value>) -> Result<Value, ProviderError> {
        with_retries(|| self.session.call(method.clone(), &path, body.as_ref())).await
    }

    async fn on_key(
        &self,
        method: Method,
        action: &str,
        body: Option<Value>,
    ) -> Result<Value, ProviderError> {
        self.call(method, format!("{}/keys/{}{action}", self.mount, self.key), body)
            .await
    }

    /// The newest version of the key.
    async fn latest_version(&self) -> Result<u64, ProviderError> {
        let answer = self.on_key(Method::GET, "", None).await?;
        let data = &answer["data"];
        let kind = data["type"].as_str().unwrap_or_default();
        if !AEAD_TYPES.contains(&kind) {
            return Err(unexpected(format!(
                "key {} is of type {kind:?}, which binds a wrapped key to no place; make one with type=aes256-gcm96",
                self.key
            )));
        }
        let version = data["latest_version"].as_u64();
        version.ok_or_else(|| unexpected("its answer has no latest_version".to_owned()))
    }
}

fn unexpected(reason: String) -> ProviderError {
    ProviderError::Unexpected {
        provider: NAME,
        reason,
    }
}

/// `vault:v3` of `vault:v3:...`.
fn version_of(ciphertext: &str) -> Option<&str> {
    let (start, _) = ciphertext.rsplit_once(':')?;
    let number = start.strip_prefix("vault:v")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(start)
}

/// The place twice: as context, which a derived key needs, and as associated data, which every AEAD key checks.
fn request(place: &Place, member: &str, value: String) -> Value {
    let place = STANDARD.encode(place.bytes());
    json!({member: value, "context": place, "associated_data": place})
}

#[async_trait]
impl Provider for Vault {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn current(&self) -> Result<String, ProviderError> {
        Ok(format!("vault:v{}", self.latest_version().await?))
    }

    async fn wrap(&self, place: &Place, secret: &[u8]) -> Result<Wrapped, ProviderError> {
        let body = request(place, "plaintext", STANDARD.encode(secret));
        let path = format!("{}/encrypt/{}", self.mount, self.key);
        let answer = self.call(Method::POST, path, Some(body)).await?;
        let ciphertext = answer["data"]["ciphertext"].as_str();
        let ciphertext = ciphertext.ok_or_else(|| unexpected("its answer has no ciphertext".to_owned()))?;
        let key = version_of(ciphertext)
            .ok_or_else(|| unexpected("its ciphertext does not begin with vault:vN:".to_owned()))?;
        Ok(Wrapped {
            key: key.to_owned(),
            ciphertext: ciphertext.as_bytes().to_vec(),
        })
    }

    async fn unwrap(&self, place: &Place, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let ciphertext = String::from_utf8_lossy(&wrapped.ciphertext).into_owned();
        let body = request(place, "ciphertext", ciphertext);
        let path = format!("{}/decrypt/{}", self.mount, self.key);
        let answer = self.call(Method::POST, path, Some(body)).await?;
        let plaintext = answer["data"]["plaintext"].as_str();
        let plaintext = plaintext.ok_or_else(|| unexpected("its answer has no plaintext".to_owned()))?;
        let decoded = STANDARD.decode(plaintext).map(Zeroizing::new);
        decoded.map_err(|_| unexpected("its plaintext is not base64".to_owned()))
    }

    async fn rotate(&self) -> Result<String, ProviderError> {
        self.on_key(Method::POST, "/rotate", None).await?;
        self.current().await
    }

    async fn retire_older(&self) -> Result<bool, ProviderError> {
        let latest = self.latest_version().await?;
        let config = json!({"min_decryption_version": latest, "min_encryption_version": latest});
        self.on_key(Method::POST, "/config", Some(config)).await?;
        let trim = json!({"min_available_version": latest});
        self.on_key(Method::POST, "/trim", Some(trim)).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_ciphertexts() {
        assert_eq!(version_of("vault:v12:AAAA"), Some("vault:v12"));
        for bad in ["vault:v:AAAA", "vault:vx:AAAA", "v1:AAAA", "", "vault:v1"] {
            assert_eq!(version_of(bad), None, "{bad}");
        }
    }
}
