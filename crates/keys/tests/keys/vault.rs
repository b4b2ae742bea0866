//! Vault's Transit engine as a provider: what is said to it, and what each of its failures becomes.

use aal_keys::Place;
use aal_keys::provider::vault::Vault;
use aal_keys::provider::{Provider, ProviderError};

use crate::fake_vault::{Failure, FakeVault};
use crate::{TENANT, until};

const PLACE: Place = Place::Kek {
    tenant: TENANT,
    epoch: 1,
};

async fn vault() -> (FakeVault, Vault) {
    let fake = FakeVault::start().await;
    let vault = Vault::new(&fake.config()).unwrap();
    (fake, vault)
}

#[tokio::test]
async fn the_exchange_is_the_recorded_one() {
    let (fake, vault) = vault().await;
    let wrapped = vault.wrap(&PLACE, b"secret").await.unwrap();
    assert_eq!(wrapped.key, "vault:v1");
    assert_eq!(*vault.unwrap(&PLACE, &wrapped).await.unwrap(), b"secret");
    assert_eq!(vault.rotate().await.unwrap(), "vault:v2");
    assert!(vault.retire_older().await.unwrap());
    let seen = fake.state().seen.join("\n");
    assert_eq!(seen, include_str!("../golden/vault-exchange.txt").trim_end());
}

#[tokio::test]
async fn a_secret_opens_in_its_own_place_and_while_its_version_is_there() {
    let (_fake, vault) = vault().await;
    let first = vault.wrap(&PLACE, b"secret").await.unwrap();
    let elsewhere = vault.unwrap(&Place::Root, &first).await.unwrap_err();
    assert!(matches!(elsewhere, ProviderError::NotOurs { .. }), "{elsewhere}");

    vault.rotate().await.unwrap();
    assert_eq!(*vault.unwrap(&PLACE, &first).await.unwrap(), b"secret");
    let second = vault.wrap(&PLACE, b"secret").await.unwrap();
    assert_eq!(second.key, vault.current().await.unwrap());
    vault.retire_older().await.unwrap();
    let gone = vault.unwrap(&PLACE, &first).await.unwrap_err();
    assert!(matches!(gone, ProviderError::KeyGone { .. }), "{gone}");
    assert_eq!(*vault.unwrap(&PLACE, &second).await.unwrap(), b"secret");
}

#[tokio::test]
async fn passing_failures_are_tried_again_and_lasting_ones_are_told_apart() {
    let (fake, vault) = vault().await;
    vault.current().await.unwrap();
    for failure in [
        Failure::Status(503, "Vault is sealed"),
        Failure::Status(429, "rate limit quota exceeded"),
        Failure::Status(500, "internal error"),
        Failure::Silence,
    ] {
        fake.state().failures.push_back(failure.clone());
        assert!(vault.wrap(&PLACE, b"secret").await.is_ok(), "{failure:?}");
        fake.state().down = Some(failure.clone());
        let error = vault.wrap(&PLACE, b"secret").await.unwrap_err();
        assert!(error.is_transient(), "{failure:?}: {error}");
        fake.state().down = None;
    }
    fake.state().down = Some(Failure::Status(403, "permission denied"));
    let error = vault.wrap(&PLACE, b"secret").await.unwrap_err();
    assert!(matches!(error, ProviderError::Denied { .. }), "{error}");
    assert!(error.to_string().contains("docs/keys.md"), "{error}");
    assert!(!error.to_string().contains("secret-of"), "{error}");
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_and_one_about_to_end_renewed() {
    let (fake, vault) = vault().await;
    vault.current().await.unwrap();
    fake.end_all_tokens();
    vault.current().await.unwrap();
    let logins = |fake: &FakeVault| {
        let state = fake.state();
        state
            .seen
            .iter()
            .filter(|line| line.contains("approle/login"))
            .count()
    };
    assert_eq!(logins(&fake), 2);

    // Three seconds: renewed from the second on.
    fake.state().lease = std::time::Duration::from_secs(3);
    fake.end_all_tokens();
    vault.current().await.unwrap();
    until("the token is renewed", || async {
        vault.current().await.unwrap();
        fake.state()
            .seen
            .iter()
            .any(|line| line.contains("renew-self"))
            .then_some(())
    })
    .await;
    assert_eq!(logins(&fake), 3);
}

#[tokio::test]
async fn a_wrong_secret_id_is_denied() {
    let fake = FakeVault::start().await;
    let mut config = fake.config();
    config.secret_id = Some("another".to_owned().into());
    let error = Vault::new(&config).unwrap().current().await.unwrap_err();
    assert!(matches!(error, ProviderError::Denied { .. }), "{error}");
    config.secret_id = None;
    let error = Vault::new(&config).unwrap_err().to_string();
    assert!(error.contains("keys.vault.secret_id"), "{error}");
}
