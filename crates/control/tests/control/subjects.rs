//! The subject directory under a race.

use aal_control::{Control, WantedKey};
use uuid::Uuid;

use crate::NOW_US;

pub fn wanted(lookup: u64, offered: u128) -> WantedKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&lookup.to_be_bytes());
    WantedKey {
        tenant: Uuid::from_u128(1),
        lookup: bytes,
        new_subject_key_id: Uuid::from_u128(offered),
        new_wrapped_dek: offered.to_be_bytes().to_vec(),
        kek_epoch: 0,
        now_us: NOW_US,
    }
}

pub async fn subjects(first: &Control, second: &Control) {
    assert!(first.ensure_subject_keys(&[]).await.unwrap().is_empty());
    // Two processes race for 500 subjects, in opposite orders and with some asked for twice.
    let one: Vec<_> = (0..500).map(|n| wanted(n, 1_000 + u128::from(n))).collect();
    let mut two: Vec<_> = (0..500).rev().map(|n| wanted(n, 2_000 + u128::from(n))).collect();
    two.push(wanted(7, 3_000));
    let (got_one, got_two) = tokio::join!(first.ensure_subject_keys(&one), second.ensure_subject_keys(&two));
    let (got_one, mut got_two) = (got_one.unwrap(), got_two.unwrap());
    assert_eq!(
        got_two.pop().unwrap(),
        got_one[7],
        "asked for twice, answered alike"
    );
    got_two.reverse();
    assert_eq!(got_one, got_two, "the first stored wins for both");
    for key in &got_one {
        assert_eq!(
            key.wrapped_dek,
            key.subject_key_id.as_u128().to_be_bytes(),
            "id and key belong together"
        );
        assert_eq!(key.version, 1);
    }
    let tenant = Uuid::from_u128(1);
    let lookup = wanted(3, 0).lookup;
    assert_eq!(
        first.subject_key(tenant, &lookup).await.unwrap().as_ref(),
        Some(&got_one[3])
    );
    assert_eq!(
        first.subject_key(Uuid::from_u128(2), &lookup).await.unwrap(),
        None
    );
    let id = got_one[3].subject_key_id;
    assert_eq!(
        first.data_key(tenant, id, 1).await.unwrap().as_ref(),
        Some(&got_one[3])
    );
    assert_eq!(first.data_key(tenant, id, 2).await.unwrap(), None);
}
