//! Signature verification against the Wycheproof vectors.

mod common;

use aal_ledger::VerifierKey;
use serde_json::Value;

#[test]
fn wycheproof() {
    let path = common::vectors().join("wycheproof/ed25519_test.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    let (mut count, mut valid) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let public_key: [u8; 32] = bytes(&group["publicKey"]["pk"]).try_into().unwrap();
        let key = VerifierKey::new("wycheproof", &public_key);
        for test in group["tests"].as_array().unwrap() {
            let signature = bytes(&test["sig"]);
            let is_good = match (&key, <&[u8; 64]>::try_from(signature.as_slice())) {
                (Ok(key), Ok(signature)) => key.verifies(&bytes(&test["msg"]), signature),
                _ => false, // a note line of another length is refused before it comes here
            };
            let expected = test["result"] == "valid";
            assert_eq!(is_good, expected, "{}: {}", test["tcId"], test["comment"]);
            count += 1;
            valid += usize::from(is_good);
        }
    }
    assert_eq!(count, 151);
    assert!(valid > 80, "{valid}");
}
