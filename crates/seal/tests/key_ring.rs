//! The key file, rotation, and what is derived.

use aal_seal::{DataKey, KeyRing, KeyRingError, SecretError};
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(1);

#[test]
fn the_text_form_round_trips() {
    let mut ring = KeyRing::generate([1; 32]);
    ring.rotate([2; 32]);
    let text = ring.to_text();
    let parsed = KeyRing::parse(&text).unwrap();
    assert_eq!(*parsed.to_text(), *text);
    assert_eq!(parsed.current_id(), "k2");
    assert_eq!(parsed.key_ids().collect::<Vec<_>>(), ["k1", "k2"]);
}

#[test]
fn a_rotation_keeps_names_and_secrets_and_old_wrapped_keys() {
    let mut ring = KeyRing::generate([1; 32]);
    let placeholder = ring
        .tenant_index_key(TENANT)
        .placeholder("EMAIL_ADDRESS", "jane@example.org");
    let seed = ring.derive("checkpoint signing");
    let data_key = DataKey::from_bytes([9; 64]);
    let wrapped = ring.tenant_kek(TENANT).wrap(&data_key, b"place");

    assert_eq!(ring.rotate([2; 32]), "k2");

    assert_eq!(
        ring.tenant_index_key(TENANT)
            .placeholder("EMAIL_ADDRESS", "jane@example.org"),
        placeholder
    );
    assert_eq!(ring.derive("checkpoint signing"), seed);
    assert!(
        ring.tenant_kek(TENANT).unwrap(&wrapped, b"place").is_err(),
        "new keys are wrapped under k2"
    );
    assert!(
        ring.tenant_kek_of("k1", TENANT)
            .unwrap()
            .unwrap(&wrapped, b"place")
            .is_ok()
    );
    assert!(ring.tenant_kek_of("k3", TENANT).is_none());
}

#[test]
fn tenants_entities_kinds_and_purposes_are_unrelated() {
    let ring = KeyRing::generate([1; 32]);
    let key = ring.tenant_index_key(TENANT);
    let other = ring.tenant_index_key(Uuid::from_u128(2));
    assert_ne!(
        key.token16("EMAIL_ADDRESS", "a@b.org"),
        other.token16("EMAIL_ADDRESS", "a@b.org")
    );
    assert_ne!(
        key.token16("EMAIL_ADDRESS", "a@b.org"),
        key.token16("PERSON", "a@b.org")
    );
    assert_ne!(key.lookup("email", "a@b.org"), key.lookup("user_id", "a@b.org"));
    assert_ne!(key.content_mac(b"a"), key.content_mac(b"b"));
    assert_ne!(ring.derive("checkpoint signing"), ring.derive("session tokens"));
}

#[test]
fn a_placeholder_has_its_fixed_shape() {
    let placeholder = KeyRing::generate([1; 32])
        .tenant_index_key(TENANT)
        .placeholder("US_SSN", "536904399");
    let inner = placeholder
        .strip_prefix("[[US_SSN:k1:")
        .and_then(|rest| rest.strip_suffix("]]"))
        .unwrap();
    assert_eq!(inner.len(), 16);
    assert!(
        inner
            .bytes()
            .all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)),
        "{inner}"
    );
}

#[test]
fn a_bad_key_file_is_refused_with_its_reason_and_without_its_secrets() {
    let good = KeyRing::generate([1; 32]).to_text();
    let cases: [(String, KeyRingError); 7] = [
        ("nonsense".to_owned(), KeyRingError::Syntax { line: 1, column: 2 }),
        (good.replace("key-ring/v1", "key-ring/v2"), KeyRingError::Format),
        (
            good.replace("\"current\": \"k1\"", "\"current\": \"k2\""),
            KeyRingError::Missing { role: "current" },
        ),
        (
            good.replace("\"root\": \"k1\"", "\"root\": \"k2\""),
            KeyRingError::Missing { role: "root" },
        ),
        (
            good.replace("\"id\": \"k1\"", "\"id\": \"K 1\""),
            KeyRingError::KeyId { position: 0 },
        ),
        (good.replace("AQEB", "AQ"), KeyRingError::Secret { position: 0 }),
        (
            good.replace("\"current\"", "\"extra\": 1, \"current\""),
            KeyRingError::Syntax { line: 3, column: 9 },
        ),
    ];
    for (text, expected) in cases {
        let error = KeyRing::parse(&text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains("AQEB"));
    }
    let secrets = format!("{:?}", KeyRing::parse(&good).unwrap());
    assert!(!secrets.contains("AQEB") && secrets.contains("k1"), "{secrets}");
}

#[test]
fn secrets_are_wrapped_for_one_place_under_a_named_key() {
    let mut ring = KeyRing::generate([1; 32]);
    let (id, wrapped) = ring.wrap_secret(b"here", b"secret");
    let (id, wrapped) = (id.to_owned(), wrapped);
    ring.rotate([2; 32]);
    assert_eq!(*ring.unwrap_secret(&id, b"here", &wrapped).unwrap(), b"secret");
    assert_eq!(
        ring.unwrap_secret(&id, b"there", &wrapped),
        Err(SecretError::NotOurs)
    );
    assert_eq!(
        ring.unwrap_secret("k2", b"here", &wrapped),
        Err(SecretError::NotOurs)
    );
    assert_eq!(
        ring.unwrap_secret("k9", b"here", &wrapped),
        Err(SecretError::NoKey)
    );
}

#[test]
fn older_keys_are_forgotten_but_never_the_root() {
    let mut ring = KeyRing::generate([1; 32]);
    ring.rotate([2; 32]);
    let (id, wrapped) = ring.wrap_secret(b"here", b"secret");
    let (id, wrapped) = (id.to_owned(), wrapped);
    ring.rotate([3; 32]);
    assert_eq!(ring.forget_older(), ["k2"]);
    assert_eq!(ring.key_ids().collect::<Vec<_>>(), ["k1", "k3"]);
    assert_eq!(
        ring.unwrap_secret(&id, b"here", &wrapped),
        Err(SecretError::NoKey)
    );
    // The next id is a new one all the same.
    assert_eq!(ring.rotate([4; 32]), "k4");
}
