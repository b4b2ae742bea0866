//! Session tokens: JWTs (RFC 7519) signed with HMAC-SHA-256, valid for one hour.
//!
//! Only one algorithm exists here, and the header must be ours byte for byte, so there is nothing
//! to confuse. Written over `hmac` because the general JWT crates bring RSA with a timing advisory
//! (RUSTSEC-2023-0071).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::tenants::TenantScope;
use crate::users::{Role, User};

/// How long a token is valid, in seconds.
pub const TOKEN_LIFETIME_S: i64 = 3_600;
/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 4_096;
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const ISSUER: &str = "ai-audit-layer";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who made the token; always this program.
    pub iss: String,
    /// The user's id.
    pub sub: Uuid,
    /// The user's address.
    pub email: String,
    /// The role at sign-in.
    pub role: Role,
    /// The tenant at sign-in.
    pub tenant: TenantScope,
    /// The user's session epoch at sign-in; an older one than the stored is refused by the caller.
    pub epoch: i64,
    /// Issued at, seconds since the Unix epoch.
    pub iat: i64,
    /// Valid until, seconds since the Unix epoch, exclusive.
    pub exp: i64,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of our tokens, or changed.
    #[error("the token is not valid")]
    Invalid,
    /// It was valid once.
    #[error("the token has expired; sign in again")]
    Expired,
}

/// Issues and checks tokens with one secret.
#[derive(Clone)]
pub struct TokenKey {
    /// The secret, zero-padded to HMAC's block: RFC 2104 does the same with any shorter key.
    block: Zeroizing<[u8; 64]>,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TokenKey")
    }
}

impl TokenKey {
    /// The secret comes from the key file; changing it ends every sign-in.
    pub fn new(secret: [u8; 32]) -> Self {
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&secret);
        Self { block }
    }

    /// A token for `user`, with the moment it ends in microseconds.
    pub fn issue(&self, user: &User, now_us: i64) -> (String, i64) {
        let iat = now_us.div_euclid(1_000_000);
        let exp = iat + TOKEN_LIFETIME_S;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user.id,
            email: user.email.clone(),
            role: user.role,
            tenant: user.tenant,
            epoch: user.session_epoch,
            iat,
            exp,
        };
        // Strings and numbers always serialise; an empty token would be refused by `verify`.
        let payload = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(HEADER),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&signed).finalize().into_bytes());
        (format!("{signed}.{signature}"), exp * 1_000_000)
    }

    /// Checks signature and time.
    ///
    /// The caller must still compare the claims with the stored user: it may be disabled by now.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, token: &str, now_us: i64) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Invalid)?;
        if header != URL_SAFE_NO_PAD.encode(HEADER) {
            return Err(TokenError::Invalid);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| TokenError::Invalid)?;
        // Constant time.
        self.mac(signed)
            .verify_slice(&signature)
            .map_err(|_| TokenError::Invalid)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Invalid)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Invalid)?;
        if claims.iss != ISSUER {
            return Err(TokenError::Invalid);
        }
        if now_us.div_euclid(1_000_000) >= claims.exp {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&(*self.block).into());
        mac.update(signed.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_767_225_600_000_000;

    fn user() -> User {
        User {
            id: Uuid::from_u128(7),
            email: "a@b.example".to_owned(),
            role: Role::Viewer,
            tenant: TenantScope::One(Uuid::from_u128(9)),
            disabled: false,
            session_epoch: 3,
            created_us: 0,
        }
    }

    #[test]
    fn a_token_is_good_for_an_hour() {
        let key = TokenKey::new([1; 32]);
        let (token, until_us) = key.issue(&user(), NOW_US);
        assert_eq!(until_us, NOW_US + 3_600_000_000);
        let claims = key.verify(&token, NOW_US + 3_599_999_999).unwrap();
        assert_eq!(
            (claims.sub, claims.role, claims.epoch),
            (Uuid::from_u128(7), Role::Viewer, 3)
        );
        assert_eq!(key.verify(&token, until_us), Err(TokenError::Expired));
        assert_eq!(
            TokenKey::new([2; 32]).verify(&token, NOW_US),
            Err(TokenError::Invalid)
        );
    }

    /// RFC 4231, test case 1.
    #[test]
    fn the_mac_is_hmac_sha_256() {
        let mut secret = [0; 32];
        secret[..20].fill(0x0b);
        let mac = TokenKey::new(secret).mac("Hi There").finalize().into_bytes();
        let wanted = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(hex::encode(mac), wanted);
    }

    #[test]
    fn any_changed_character_is_refused() {
        let key = TokenKey::new([1; 32]);
        let (token, _) = key.issue(&user(), NOW_US);
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(
                key.verify(&changed, NOW_US),
                Err(TokenError::Invalid),
                "{position}"
            );
        }
        let (signed, _) = token.rsplit_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let (_, payload) = signed.split_once('.').unwrap();
        for forged in [
            format!("{signed}."),
            format!("{none}.{payload}."),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(key.verify(&forged, NOW_US), Err(TokenError::Invalid), "{forged}");
        }
    }
}
