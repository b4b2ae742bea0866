//! Requests for erasure, destroyed keys, legal holds and retention.

use aal_control::{
    Control, ControlError, LegalHold, Release, Requests, RetentionClass, RetentionRule, StoredRequest,
    TenantScope, retention_days,
};
use serde_json::json;
use uuid::Uuid;

use crate::NOW_US;
use crate::subjects::wanted;

const TENANT: Uuid = Uuid::from_u128(1);

fn request(id: u128, at_us: i64) -> StoredRequest {
    StoredRequest {
        id: Uuid::from_u128(id),
        tenant: TENANT,
        stage: "waiting".to_owned(),
        is_open: true,
        requested_us: at_us,
        version: 0,
        document: json!({"stage": "waiting"}),
    }
}

pub async fn requests(first: &Control, second: &Control) {
    stored(first.erasures(), second.erasures()).await;
    stored(first.prunes(), second.prunes()).await;
}

async fn stored(first: Requests<'_>, second: Requests<'_>) {
    for number in 0..3 {
        first
            .create(&request(900 + number, NOW_US + number as i64))
            .await
            .unwrap();
    }
    let again = first.create(&request(900, NOW_US)).await;
    assert!(matches!(again, Err(ControlError::Exists { .. })));
    // Two executors that read the same version: one wins.
    let read = second
        .get(TenantScope::One(TENANT), Uuid::from_u128(900))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read, request(900, NOW_US));
    let changed = StoredRequest {
        stage: "done".to_owned(),
        is_open: false,
        ..read.clone()
    };
    assert!(first.save(&changed).await.unwrap());
    assert!(!second.save(&read).await.unwrap(), "the older version loses");
    let read = first
        .get(TenantScope::All, Uuid::from_u128(900))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (read.stage.as_str(), read.version, read.is_open),
        ("done", 1, false)
    );
    let other = TenantScope::One(Uuid::from_u128(2));
    assert_eq!(first.get(other, Uuid::from_u128(900)).await.unwrap(), None);
    let open = first.open(None, 10).await.unwrap();
    let ids: Vec<u128> = open.iter().map(|one| one.id.as_u128()).collect();
    assert_eq!(ids, [901, 902]);
    let after = open.first().map(|one| (one.requested_us, one.id));
    assert_eq!(first.open(after, 10).await.unwrap().len(), 1);
    let page = first.page(TenantScope::One(TENANT), None, 2).await.unwrap();
    let before = page.last().map(|one| (one.requested_us, one.id));
    assert_eq!(page[0].id, Uuid::from_u128(902));
    assert_eq!(first.page(TenantScope::All, before, 2).await.unwrap().len(), 1);
}

/// After [`crate::subjects::subjects`], which stored keys for lookups 0 to 499.
pub async fn destroyed_keys(control: &Control) {
    let gone = control
        .subject_key(TENANT, &wanted(11, 0).lookup)
        .await
        .unwrap()
        .unwrap();
    let kept = control
        .subject_key(TENANT, &wanted(12, 0).lookup)
        .await
        .unwrap()
        .unwrap();
    let keys = [gone.subject_key_id, kept.subject_key_id];
    assert_eq!(control.remaining_keys(TENANT, &keys).await.unwrap().len(), 2);
    // Another tenant's erasure of the same id touches nothing here.
    assert_eq!(
        control
            .destroy_keys(Uuid::from_u128(2), &keys, NOW_US)
            .await
            .unwrap(),
        0
    );
    assert_eq!(control.remaining_keys(TENANT, &keys).await.unwrap().len(), 2);
    let one = [gone.subject_key_id];
    assert_eq!(control.destroy_keys(TENANT, &one, NOW_US).await.unwrap(), 1);
    assert_eq!(
        control.destroy_keys(TENANT, &one, NOW_US + 5).await.unwrap(),
        0,
        "a second time changes nothing"
    );
    control.scrub().await.unwrap();
    assert_eq!(
        control.remaining_keys(TENANT, &keys).await.unwrap(),
        [kept.subject_key_id]
    );
    assert_eq!(
        control.subject_key(TENANT, &wanted(11, 0).lookup).await.unwrap(),
        None
    );
    assert_eq!(
        control.data_key(TENANT, gone.subject_key_id, 1).await.unwrap(),
        None
    );
    let listed = control.erased_keys(NOW_US).await.unwrap();
    assert!(
        listed.contains(&(TENANT, gone.subject_key_id, NOW_US)),
        "{listed:?}"
    );
    assert!(control.erased_keys(NOW_US + 1).await.unwrap().is_empty());
    // The person again: a new key under the same lookup.
    let again = control.ensure_subject_keys(&[wanted(11, 77_777)]).await.unwrap();
    assert_eq!(again[0].subject_key_id, Uuid::from_u128(77_777));
}

fn hold(id: u128, application: &str, lookups: Vec<[u8; 32]>) -> LegalHold {
    LegalHold {
        id: Uuid::from_u128(id),
        tenant: TENANT,
        application: application.to_owned(),
        lookups,
        reason: "litigation".to_owned(),
        placed_us: NOW_US,
        placed_by: Uuid::from_u128(7),
        released: None,
    }
}

pub async fn holds(control: &Control) {
    let of_person = hold(500, "", vec![[3; 32], [4; 32]]);
    let of_application = hold(501, "loans", Vec::new());
    let of_everything = hold(502, "", Vec::new());
    for hold in [&of_person, &of_application, &of_everything] {
        control.place_hold(hold).await.unwrap();
    }
    let loans = ["loans".to_owned()];
    assert!(of_person.covers(&[[4; 32]], &[]) && !of_person.covers(&[[5; 32]], &loans));
    assert!(of_application.covers(&[[5; 32]], &loans) && !of_application.covers(&[[5; 32]], &[]));
    assert!(of_everything.covers(&[], &[]));
    assert_eq!(
        control.hold(TenantScope::All, of_person.id).await.unwrap(),
        Some(of_person.clone())
    );
    let release = Release {
        at_us: NOW_US + 9,
        by: Uuid::from_u128(8),
        reason: "settled".to_owned(),
    };
    let other = TenantScope::One(Uuid::from_u128(2));
    assert!(!control.release_hold(other, of_person.id, &release).await.unwrap());
    assert!(
        control
            .release_hold(TenantScope::One(TENANT), of_person.id, &release)
            .await
            .unwrap()
    );
    assert!(
        !control
            .release_hold(TenantScope::All, of_person.id, &release)
            .await
            .unwrap(),
        "only once"
    );
    let released = control
        .hold(TenantScope::All, of_person.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(released.released, Some(release));
    assert!(!released.covers(&[[4; 32]], &[]));
    assert_eq!(
        control
            .holds(TenantScope::One(TENANT), false)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(control.holds(TenantScope::All, true).await.unwrap().len(), 3);
}

pub async fn retention(control: &Control) {
    let rule = |application: &str, class, days| RetentionRule {
        tenant: TENANT,
        application: application.to_owned(),
        class,
        days,
        set_us: NOW_US,
        set_by: Uuid::from_u128(7),
    };
    for (class, days) in [
        (RetentionClass::Standard, 182),
        (RetentionClass::Phi, 2_191),
        (RetentionClass::Standard, 36_526),
    ] {
        let refused = control.put_retention(&rule("", class, days)).await.unwrap_err();
        assert!(matches!(refused, ControlError::Refused(_)), "{days}: {refused}");
    }
    control
        .put_retention(&rule("", RetentionClass::Standard, 183))
        .await
        .unwrap();
    control
        .put_retention(&rule("loans", RetentionClass::Standard, 400))
        .await
        .unwrap();
    control
        .put_retention(&rule("loans", RetentionClass::Standard, 500))
        .await
        .unwrap();
    let rules = control.retention_rules(TenantScope::One(TENANT)).await.unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!(retention_days(&rules, "loans", RetentionClass::Standard), 500);
    assert_eq!(retention_days(&rules, "desk", RetentionClass::Standard), 183);
    assert_eq!(retention_days(&rules, "loans", RetentionClass::Phi), 2_192);
}
