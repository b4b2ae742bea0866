//! AES-SIV against the vectors of C2SP Wycheproof (`aes_siv_cmac_test.json`).
//!
//! The 256-bit keys (AES-128-SIV) and the 512-bit keys (AES-256-SIV, the one this crate uses) are run. The
//! 384-bit keys are AES-192-SIV, which the `aes-siv` crate does not offer by name and nothing here uses.

use std::path::Path;

use aes_siv::KeyInit;
use aes_siv::siv::{Aes128Siv, Aes256Siv};
use serde_json::Value;

#[test]
fn aes_siv_agrees_with_every_vector() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/wycheproof/aes_siv_cmac_test.json");
    let text = std::fs::read_to_string(&path).expect("vectors beside the repository");
    let vectors: Value = serde_json::from_str(&text).unwrap();

    let mut valid = 0;
    let mut invalid = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        let key_bits = group["keySize"].as_u64().unwrap();
        if key_bits == 384 {
            continue;
        }
        for vector in group["tests"].as_array().unwrap() {
            let id = &vector["tcId"];
            let expected = field(vector, "ct");
            let message = field(vector, "msg");
            match vector["result"].as_str().unwrap() {
                "valid" => {
                    assert_eq!(encrypt(vector), expected, "encryption of vector {id}");
                    assert_eq!(decrypt(vector), Some(message), "decryption of vector {id}");
                    valid += 1;
                }
                "invalid" => {
                    assert_eq!(decrypt(vector), None, "vector {id} must not open");
                    invalid += 1;
                }
                other => panic!("vector {id} has the unknown result {other}"),
            }
        }
    }
    assert!(
        valid >= 78 && invalid >= 210,
        "only {valid} valid and {invalid} invalid vectors were run"
    );
}

fn field(vector: &Value, name: &str) -> Vec<u8> {
    hex::decode(vector[name].as_str().unwrap()).unwrap()
}

fn encrypt(vector: &Value) -> Vec<u8> {
    let (key, aad, message) = (field(vector, "key"), field(vector, "aad"), field(vector, "msg"));
    match key.len() {
        32 => Aes128Siv::new_from_slice(&key)
            .unwrap()
            .encrypt([&aad], &message)
            .unwrap(),
        _ => Aes256Siv::new_from_slice(&key)
            .unwrap()
            .encrypt([&aad], &message)
            .unwrap(),
    }
}

fn decrypt(vector: &Value) -> Option<Vec<u8>> {
    let (key, aad, ciphertext) = (field(vector, "key"), field(vector, "aad"), field(vector, "ct"));
    match key.len() {
        32 => Aes128Siv::new_from_slice(&key)
            .unwrap()
            .decrypt([&aad], &ciphertext)
            .ok(),
        _ => Aes256Siv::new_from_slice(&key)
            .unwrap()
            .decrypt([&aad], &ciphertext)
            .ok(),
    }
}
