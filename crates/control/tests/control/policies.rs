//! Versions of policies, and emergency reveals.

use aal_control::{
    Application, BreakGlass, BreakGlassReview, ContentMode, Control, ControlError, PolicyBook, TenantScope,
};
use aal_policy::{CACHE_US, CHANGE_DELAY_US, FIRST_DELAY_US, Field};
use serde_json::json;
use uuid::Uuid;

use crate::{NOW_US, SECOND_US};

fn application(name: &str, at_us: i64) -> Application {
    Application {
        tenant: Uuid::from_u128(40),
        name: name.to_owned(),
        phi: false,
        content_mode: None,
        policy: json!({}),
        created_us: at_us,
    }
}

pub async fn versions(first: &Control, second: &Control) {
    let tenant = Uuid::from_u128(40);
    let book = PolicyBook::new(second.clone());
    let mode_at = |at_us| {
        let policy = book.at(tenant, "chat", at_us).policy_or_default();
        policy.mode(Field::RequestBody, false)
    };
    book.refresh(&[(tenant, "chat")], NOW_US, NOW_US).await.unwrap();
    assert_eq!(mode_at(NOW_US), ContentMode::Redacted);

    // Nothing special is no version, and what is misspelt is refused with its place.
    first.put_application(&application("chat", NOW_US)).await.unwrap();
    let scope = TenantScope::One(tenant);
    assert!(first.policy_versions(scope, 10).await.unwrap().is_empty());
    let mut wrong = application("chat", NOW_US);
    wrong.policy = json!({"entities": {"E_MAIL": "keep"}});
    let error = first.put_application(&wrong).await.unwrap_err();
    assert!(
        matches!(&error, ControlError::Refused(why) if why.contains("/entities/E_MAIL")),
        "{error}"
    );

    // The first version is looked up by who knows none; it holds from its time on and not before.
    let mut sealed = application("chat", NOW_US);
    sealed.content_mode = Some(ContentMode::Sealed);
    let planned = first.planned_policy(&sealed).await.unwrap();
    first.put_application(&sealed).await.unwrap();
    first.put_application(&sealed).await.unwrap();
    let written = first.policy_versions(scope, 10).await.unwrap();
    assert_eq!(
        written,
        vec![planned.new.unwrap()],
        "the same policy again is no version"
    );
    let begins = NOW_US + FIRST_DELAY_US;
    book.refresh(&[(tenant, "chat")], begins, begins).await.unwrap();
    assert_eq!(mode_at(begins), ContentMode::Sealed);
    assert_eq!(mode_at(begins - 1), ContentMode::Redacted);

    // A tenant's rules hold for every application, its other choices for those without a policy.
    let mut of_tenant = application("*", NOW_US);
    of_tenant.content_mode = Some(ContentMode::Digest);
    of_tenant.policy = json!({"allow": ["info@example.org"]});
    first.put_application(&of_tenant).await.unwrap();

    // A change is known to every reader before it holds, whatever they remember.
    let changed_us = begins + SECOND_US;
    let mut digest = application("chat", changed_us);
    digest.content_mode = Some(ContentMode::Digest);
    first.put_application(&digest).await.unwrap();
    let holds_us = changed_us + CHANGE_DELAY_US;
    book.refresh(&[(tenant, "chat")], begins + CACHE_US - 1, begins + CACHE_US - 1)
        .await
        .unwrap();
    assert_eq!(mode_at(holds_us - 1), ContentMode::Sealed);
    book.refresh(&[(tenant, "chat")], holds_us, holds_us)
        .await
        .unwrap();
    assert_eq!(
        mode_at(holds_us - 1),
        ContentMode::Sealed,
        "old messages keep their policy"
    );
    assert_eq!(mode_at(holds_us), ContentMode::Digest);
    let other = book.at(tenant, "mail", holds_us);
    assert_eq!(
        other.policy_or_default().mode(Field::RequestBody, false),
        ContentMode::Digest
    );
    assert_eq!(other.rules().allow, ["info@example.org"]);
    assert_eq!(
        book.at(tenant, "chat", holds_us).rules().allow,
        ["info@example.org"]
    );
    assert!(book.at(Uuid::from_u128(41), "chat", holds_us).policy.is_none());
}

pub async fn break_glass(control: &Control) {
    let [tenant, actor, other] = [60, 61, 62].map(Uuid::from_u128);
    let made = |number: u128, at_us| BreakGlass {
        id: Uuid::from_u128(number),
        tenant,
        event_id: Uuid::from_u128(9),
        user_id: actor,
        purpose: "emergency".to_owned(),
        created_us: at_us,
        review: None,
    };
    control.add_break_glass(&made(70, NOW_US)).await.unwrap();
    control.add_break_glass(&made(71, NOW_US + 1)).await.unwrap();
    let review = |user_id| BreakGlassReview {
        user_id,
        at_us: NOW_US + 5,
        verdict: "justified".to_owned(),
    };
    let scope = TenantScope::One(tenant);
    let newest = control
        .one_break_glass(scope, Uuid::from_u128(71))
        .await
        .unwrap()
        .unwrap();
    let error = control
        .review_break_glass(&newest, &review(actor))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("somebody else"), "{error}");
    assert!(control.review_break_glass(&newest, &review(other)).await.unwrap());
    assert!(
        !control.review_break_glass(&newest, &review(other)).await.unwrap(),
        "once"
    );
    let listed = control.break_glass(scope, 10).await.unwrap();
    let ids: Vec<u128> = listed.iter().map(|made| made.id.as_u128()).collect();
    assert_eq!(ids, [70, 71], "the open one first");
    assert_eq!(listed[1].review, Some(review(other)));
    assert!(
        control
            .break_glass(TenantScope::One(other), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        control
            .one_break_glass(TenantScope::One(other), newest.id)
            .await
            .unwrap()
            .is_none()
    );
}
