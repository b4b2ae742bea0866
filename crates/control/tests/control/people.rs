//! Users, tenants, applications, keys and sign-in attempts.

use aal_control::{
    Application, AttemptLimit, Authenticated, ContentMode, Control, ControlError, Role, TenantScope,
};
use uuid::Uuid;

use crate::{NOW_US, SECOND_US};

pub async fn users(first: &Control, second: &Control) {
    let email = "Admin@Example.org";
    let (one, two) = tokio::join!(
        first.create_first_admin(email, NOW_US),
        second.create_first_admin(email, NOW_US)
    );
    let made: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(
        made.len(),
        1,
        "two processes starting at once make one administrator"
    );
    let admin = &made[0];
    assert!(first.create_first_admin(email, NOW_US).await.unwrap().is_none());
    let Authenticated::Yes(user) = first
        .authenticate("ADMIN@example.org ", &admin.password)
        .await
        .unwrap()
    else {
        panic!("the printed password must work");
    };
    assert_eq!((user.role, user.tenant), (Role::Admin, TenantScope::All));
    assert_eq!(
        first.authenticate(email, "wrong password").await.unwrap(),
        Authenticated::No
    );
    assert_eq!(
        first.authenticate("nobody@example.org", "x").await.unwrap(),
        Authenticated::No
    );

    let tenant = TenantScope::One(Uuid::from_u128(5));
    let (viewer, password) = first
        .create_user("v@example.org", Role::Viewer, tenant, None, NOW_US)
        .await
        .unwrap();
    let taken = first
        .create_user("V@example.org", Role::Viewer, tenant, None, NOW_US)
        .await
        .unwrap_err();
    assert!(matches!(taken, ControlError::Exists { .. }), "{taken}");
    let weak = first
        .create_user(
            "w@example.org",
            Role::Viewer,
            tenant,
            Some("short".into()),
            NOW_US,
        )
        .await;
    assert!(matches!(weak.unwrap_err(), ControlError::Refused(_)));
    assert!(
        first
            .create_user("no address", Role::Viewer, tenant, None, NOW_US)
            .await
            .is_err()
    );

    assert_eq!(first.users(tenant).await.unwrap(), vec![viewer.clone()]);
    assert!(
        first
            .update_user(viewer.id, Some(Role::ComplianceOfficer), Some(true))
            .await
            .unwrap()
    );
    assert_eq!(
        first.authenticate("v@example.org", &password).await.unwrap(),
        Authenticated::No
    );
    let changed = first.user(viewer.id).await.unwrap().unwrap();
    assert_eq!((changed.role, changed.disabled), (Role::ComplianceOfficer, true));
    assert_eq!(
        changed.session_epoch,
        viewer.session_epoch + 1,
        "older tokens must end"
    );
    assert!(first.update_user(viewer.id, None, Some(false)).await.unwrap());
    let new_password = "a much longer secret";
    assert!(first.set_password(viewer.id, new_password).await.unwrap());
    assert_eq!(
        first.authenticate("v@example.org", &password).await.unwrap(),
        Authenticated::No
    );
    assert!(matches!(
        first.authenticate("v@example.org", new_password).await.unwrap(),
        Authenticated::Yes(_)
    ));
    assert!(
        !first
            .set_password(Uuid::from_u128(404), new_password)
            .await
            .unwrap()
    );
}

pub async fn last_administrator(control: &Control) {
    let users = control.users(TenantScope::All).await.unwrap();
    let admin = users.iter().find(|user| user.role == Role::Admin).unwrap();
    let refused = control.update_user(admin.id, None, Some(true)).await.unwrap_err();
    assert!(matches!(refused, ControlError::Refused(_)), "{refused}");
    assert!(
        !control
            .update_user(Uuid::from_u128(404), None, None)
            .await
            .unwrap()
    );
}

pub async fn tenants_and_applications(control: &Control) {
    let (bank, again) = (
        control
            .ensure_tenant("Bank", Uuid::from_u128(1), NOW_US)
            .await
            .unwrap(),
        control
            .ensure_tenant("Bank", Uuid::from_u128(2), NOW_US)
            .await
            .unwrap(),
    );
    assert_eq!(bank, again, "the first id stays");
    assert!(
        control
            .ensure_tenant(" x", Uuid::from_u128(3), NOW_US)
            .await
            .is_err()
    );
    control
        .ensure_tenant("Clinic", Uuid::from_u128(4), NOW_US)
        .await
        .unwrap();
    assert_eq!(control.tenants(TenantScope::All).await.unwrap().len(), 2);
    assert_eq!(
        control.tenants(TenantScope::One(bank.id)).await.unwrap(),
        vec![bank.clone()]
    );
    assert_eq!(control.tenant(bank.id).await.unwrap(), Some(bank.clone()));

    let mut application = Application {
        tenant: bank.id,
        name: "loans".into(),
        phi: false,
        content_mode: Some(ContentMode::Redacted),
        policy: serde_json::json!({"capture": "fail_open"}),
        created_us: NOW_US,
    };
    control.put_application(&application).await.unwrap();
    application.content_mode = Some(ContentMode::Digest);
    control.put_application(&application).await.unwrap();
    assert_eq!(
        control.application(bank.id, "loans").await.unwrap(),
        Some(application.clone())
    );
    assert_eq!(
        control.applications(TenantScope::One(bank.id)).await.unwrap(),
        vec![application]
    );
    assert!(
        control
            .applications(TenantScope::One(Uuid::from_u128(4)))
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn api_keys(control: &Control) {
    let tenant = Uuid::from_u128(1);
    let made = control
        .create_api_key(tenant, "loans", "production", NOW_US)
        .await
        .unwrap();
    let overlap = control
        .create_api_key(tenant, "loans", "next", NOW_US + 1)
        .await
        .unwrap();
    let found = control.find_api_key(&made.presented).await.unwrap();
    assert_eq!(found, Some(made.key.clone()));
    let mut wrong = made.presented.clone();
    let last = if wrong.pop() == Some('0') { '1' } else { '0' };
    wrong.push(last);
    for presented in [
        wrong.as_str(),
        "",
        "aal_",
        "aal_x_y",
        &made.presented.to_uppercase(),
    ] {
        assert_eq!(
            control.find_api_key(presented).await.unwrap(),
            None,
            "{presented}"
        );
    }
    let elsewhere = TenantScope::One(Uuid::from_u128(4));
    assert!(
        control
            .revoke_api_key(elsewhere, made.key.id, NOW_US)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        control
            .revoke_api_key(TenantScope::All, made.key.id, NOW_US)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        control
            .revoke_api_key(TenantScope::All, made.key.id, NOW_US)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(control.find_api_key(&made.presented).await.unwrap(), None);
    assert!(
        control.find_api_key(&overlap.presented).await.unwrap().is_some(),
        "keys overlap"
    );
    assert_eq!(control.api_keys(TenantScope::One(tenant)).await.unwrap().len(), 2);
}

pub async fn attempts(control: &Control) {
    let limit = AttemptLimit {
        max_failures: 2,
        window_us: 60 * SECOND_US,
    };
    let count = |now_us| control.count_attempt("account:a", limit, now_us);
    assert_eq!(count(NOW_US).await.unwrap(), Ok(()));
    assert_eq!(count(NOW_US + 1).await.unwrap(), Ok(()));
    assert_eq!(count(NOW_US + 10 * SECOND_US).await.unwrap(), Err(50 * SECOND_US));
    assert_eq!(
        count(NOW_US + 60 * SECOND_US).await.unwrap(),
        Ok(()),
        "a new window"
    );
    control.clear_attempts("account:a").await.unwrap();
    assert_eq!(count(NOW_US).await.unwrap(), Ok(()));
    assert_eq!(control.expire_attempts(NOW_US + 1).await.unwrap(), 1);
}
