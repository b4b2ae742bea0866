//! Passwords: argon2id hashes, random ones for first sign-in, and a policy.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::sync::Semaphore;

use crate::error::ControlError;

/// Shortest password, in characters (NIST SP 800-63B asks for 8 beside a second factor; there is none here).
pub(crate) const MIN_CHARS: usize = 12;
/// Longest password, in bytes: hashing time must not be the client's to choose.
pub(crate) const MAX_BYTES: usize = 256;
/// Hashes computed at once; each takes 19 MiB.
static HASHING: Semaphore = Semaphore::const_new(2);

/// No 0, O, 1, l, I: it is read from a terminal and typed.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const RANDOM_CHARS: usize = 24;

/// A random password of 120 bits in four groups.
pub(crate) fn random() -> Result<String, ControlError> {
    let mut bytes = [0_u8; RANDOM_CHARS];
    fill_random(&mut bytes)?;
    let mut password = String::with_capacity(RANDOM_CHARS + 3);
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 && position % 6 == 0 {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(password)
}

/// Fills `bytes` from the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), ControlError> {
    OsRng
        .try_fill_bytes(bytes)
        .map_err(|error| ControlError::Hashing(format!("no randomness: {error}")))
}

pub(crate) fn check_policy(password: &str) -> Result<(), ControlError> {
    if password.chars().count() < MIN_CHARS {
        return Err(ControlError::Refused(format!(
            "a password needs at least {MIN_CHARS} characters"
        )));
    }
    if password.len() > MAX_BYTES {
        return Err(ControlError::Refused(format!(
            "a password has at most {MAX_BYTES} bytes"
        )));
    }
    Ok(())
}

/// The argon2id hash as a PHC string (m = 19 MiB, t = 2, p = 1: OWASP's first recommendation).
pub(crate) async fn hash(password: String) -> Result<String, ControlError> {
    off_the_runtime(move || {
        let hashed = Argon2::default().hash_password(password.as_bytes());
        hashed
            .map(|hash| hash.to_string())
            .map_err(|error| ControlError::Hashing(error.to_string()))
    })
    .await?
}

/// Whether `password` matches the PHC string; an unreadable string never matches.
pub(crate) async fn verify(password: String, stored: String) -> Result<bool, ControlError> {
    off_the_runtime(move || {
        let Ok(parsed) = PasswordHash::new(&stored) else {
            return false;
        };
        Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok()
    })
    .await
}

/// As much work as [`verify`], for accounts that do not exist: the time must not tell them apart.
pub(crate) async fn verify_nothing(password: String) -> Result<(), ControlError> {
    hash(password).await.map(|_| ())
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ControlError> {
    let broken = |error: &dyn std::fmt::Display| ControlError::Hashing(error.to_string());
    let _permit = HASHING.acquire().await.map_err(|error| broken(&error))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_matches_only_its_password() {
        let password = random().unwrap();
        assert_eq!(password.len(), 27);
        assert_ne!(password, random().unwrap());
        let stored = hash(password.clone()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(password, stored.clone()).await.unwrap());
        assert!(!verify("something else".to_owned(), stored).await.unwrap());
        assert!(!verify("x".to_owned(), "not a hash".to_owned()).await.unwrap());
        assert!(check_policy("short").is_err());
        assert!(check_policy(&"x".repeat(257)).is_err());
    }
}
