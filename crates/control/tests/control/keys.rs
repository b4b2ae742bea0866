//! Key-encryption keys, payload keys and the search index under races.

use aal_control::{
    Control, ControlError, NewKek, PayloadKey, ProviderSecret, Rewrapped, SearchScope, SearchToken, WantedKey,
};
use uuid::Uuid;

use crate::NOW_US;
use crate::subjects::wanted;

const TENANT: Uuid = Uuid::from_u128(0x77);

fn kek(epoch: u64, wrapped: u8) -> NewKek {
    NewKek {
        tenant: TENANT,
        epoch,
        provider_key: "k1".to_owned(),
        wrapped: vec![wrapped; 8],
        now_us: NOW_US,
    }
}

fn under(epoch: u64, lookup: u64, offered: u128) -> WantedKey {
    WantedKey {
        tenant: TENANT,
        kek_epoch: epoch,
        ..wanted(lookup, offered)
    }
}

pub async fn keys(first: &Control, second: &Control) {
    rotation(first, second).await;
    payload_keys(first, second).await;
    search_index(first).await;
}

async fn rotation(first: &Control, second: &Control) {
    assert_eq!(first.current_kek(TENANT).await.unwrap(), None);
    let (one, two) = (kek(1, 1), kek(1, 2));
    let (one, two) = tokio::join!(first.advance_kek(&one), second.advance_kek(&two));
    assert!(one.unwrap() ^ two.unwrap(), "one of two wins");
    first
        .ensure_subject_keys(&[under(1, 1, 10), under(1, 2, 11)])
        .await
        .unwrap();

    assert!(first.advance_kek(&kek(2, 3)).await.unwrap());
    assert!(!second.advance_kek(&kek(2, 4)).await.unwrap());
    let refused = second.ensure_subject_keys(&[under(1, 3, 12)]).await;
    assert!(
        matches!(refused, Err(ControlError::KekRetired { epoch: 1, .. })),
        "nothing new under a retired key: {refused:?}"
    );
    // A subject that exists needs no current key.
    let known = second.ensure_subject_keys(&[under(1, 1, 13)]).await.unwrap();
    assert_eq!((known[0].subject_key_id.as_u128(), known[0].kek_epoch), (10, 1));
    second.ensure_subject_keys(&[under(2, 3, 14)]).await.unwrap();
    assert_eq!(
        first.destroy_unused_keks(NOW_US).await.unwrap(),
        0,
        "still in use"
    );

    let old = first.data_keys_before(TENANT, 2, 10).await.unwrap();
    assert_eq!(old.len(), 2);
    let rewrapped = |wrapped: u8| -> Vec<Rewrapped> {
        let keys = old.iter().cloned();
        keys.map(|old| Rewrapped {
            old,
            wrapped: vec![wrapped],
            kek_epoch: 2,
        })
        .collect()
    };
    assert_eq!(first.store_rewrapped(&rewrapped(7)).await.unwrap(), 2);
    assert_eq!(
        second.store_rewrapped(&rewrapped(8)).await.unwrap(),
        0,
        "done by the other already"
    );
    assert_eq!(first.data_keys_before(TENANT, 2, 10).await.unwrap(), []);
    let key = first
        .data_key(TENANT, Uuid::from_u128(10), 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((key.wrapped_dek, key.kek_epoch), (vec![7], 2));
    let counts = first.data_keys_by_kek().await.unwrap();
    let count = counts.iter().find(|count| count.tenant == TENANT).unwrap();
    assert_eq!((count.epoch, count.data_keys), (2, 3));

    assert_eq!(first.destroy_unused_keks(NOW_US).await.unwrap(), 1);
    let destroyed = first.kek(TENANT, 1).await.unwrap().unwrap();
    assert_eq!(
        (destroyed.wrapped, destroyed.destroyed_us),
        (vec![], Some(NOW_US))
    );
    let current = first.current_kek(TENANT).await.unwrap().unwrap();
    assert_eq!((current.epoch, current.wrapped.clone()), (2, vec![3; 8]));
    assert!(first.rewrap_kek(&current, "k2", b"again").await.unwrap());
    assert!(!second.rewrap_kek(&current, "k2", b"late").await.unwrap());
}

async fn payload_keys(first: &Control, second: &Control) {
    let key = |id: u128, created_us: i64| PayloadKey {
        id: Uuid::from_u128(id),
        provider_key: "k1".to_owned(),
        wrapped: vec![1],
        created_us,
        retired_us: None,
    };
    let (one, two) = (key(1, NOW_US), key(2, NOW_US));
    let (one, two) = tokio::join!(
        first.advance_payload_key(&one, None),
        second.advance_payload_key(&two, None)
    );
    assert!(one.unwrap() ^ two.unwrap(), "one of two wins");
    let stands = first.payload_keys().await.unwrap();
    assert_eq!(stands.len(), 1);
    assert!(
        second
            .advance_payload_key(&key(3, NOW_US + 5), Some(stands[0].id))
            .await
            .unwrap()
    );
    assert!(
        !first
            .advance_payload_key(&key(4, NOW_US + 5), Some(stands[0].id))
            .await
            .unwrap()
    );
    assert_eq!(
        first.delete_payload_keys(NOW_US + 5).await.unwrap(),
        0,
        "not before its time"
    );
    assert_eq!(first.delete_payload_keys(NOW_US + 6).await.unwrap(), 1);
    let left = first.payload_keys().await.unwrap();
    assert_eq!(left.iter().map(|key| key.id.as_u128()).collect::<Vec<_>>(), [3]);

    let secret = |wrapped: u8| ProviderSecret {
        name: "root".to_owned(),
        provider_key: "k1".to_owned(),
        wrapped: vec![wrapped],
    };
    let stands = first.provider_secret_or_insert(&secret(1), NOW_US).await.unwrap();
    assert_eq!(
        second
            .provider_secret_or_insert(&secret(2), NOW_US)
            .await
            .unwrap(),
        stands
    );
    assert!(first.rewrap_secret(&stands, "k2", &[3]).await.unwrap());
    assert!(!second.rewrap_secret(&stands, "k2", &[4]).await.unwrap());
}

async fn search_index(control: &Control) {
    let token = |scope, value: &str| SearchToken {
        tenant: TENANT,
        token: [1; 32],
        subject_key_id: Uuid::from_u128(10),
        scope,
        value: value.to_owned(),
    };
    let tokens = [token(SearchScope::User, "u-1"), token(SearchScope::Event, "e-1")];
    control.put_search_tokens(&tokens, NOW_US).await.unwrap();
    control.put_search_tokens(&tokens, NOW_US + 1).await.unwrap();
    let found = control.find_search_token(TENANT, &[1; 32]).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(control.find_search_token(TENANT, &[2; 32]).await.unwrap(), []);
    let other = Uuid::from_u128(11);
    control.destroy_keys(TENANT, &[other], NOW_US).await.unwrap();
    assert_eq!(
        control.find_search_token(TENANT, &[1; 32]).await.unwrap().len(),
        2
    );
    // Whoever destroys a subject's keys takes what led to its records away, too.
    let erased = Uuid::from_u128(10);
    control.destroy_keys(TENANT, &[erased], NOW_US).await.unwrap();
    assert_eq!(control.find_search_token(TENANT, &[1; 32]).await.unwrap(), []);
}
