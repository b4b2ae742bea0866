//! The control store as its users see it, on SQLite and on a real PostgreSQL.

mod postgres;

use aal_control::{
    Application, AttemptLimit, Authenticated, ContentMode, Control, ControlConfig, ControlError, JobFile,
    JobStatus, NewJob, Role, TenantScope, WantedKey,
};
use uuid::Uuid;

const NOW_US: i64 = 1_767_225_600_000_000;
const SECOND_US: i64 = 1_000_000;

async fn open(url: &str) -> Control {
    Control::open(&ControlConfig {
        url: url.to_owned(),
        ..ControlConfig::default()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/control.db", dir.path().display());
    everything(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_on_postgresql() {
    let Some(server) = postgres::Server::start() else {
        return;
    };
    everything(&server.url).await;
}

async fn everything(url: &str) {
    // Opened by two processes at once: one migrates, the other waits.
    let (first, second) = tokio::join!(open(url), open(url));
    first.ping().await.unwrap();
    users(&first, &second).await;
    last_administrator(&first).await;
    tenants_and_applications(&first).await;
    api_keys(&first).await;
    attempts(&first).await;
    jobs(&first).await;
    leases(&first, &second).await;
    settings(&first).await;
    subjects(&first, &second).await;
    first.close().await;
    second.close().await;
    // What was there is there after opening again.
    let again = open(url).await;
    assert_eq!(again.users(TenantScope::All).await.unwrap().len(), 2);
    again.close().await;
}

async fn users(first: &Control, second: &Control) {
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

async fn last_administrator(control: &Control) {
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

async fn tenants_and_applications(control: &Control) {
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
        content_mode: ContentMode::Redacted,
        policy: serde_json::json!({"on_failure": "fail_open"}),
        created_us: NOW_US,
    };
    control.put_application(&application).await.unwrap();
    application.content_mode = ContentMode::Digest;
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

async fn api_keys(control: &Control) {
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

async fn attempts(control: &Control) {
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

async fn jobs(control: &Control) {
    let tenant = TenantScope::One(Uuid::from_u128(1));
    let new_job = |n: u128| NewJob {
        id: Uuid::from_u128(n),
        tenant,
        kind: "range".into(),
        title: format!("job {n}"),
        request: serde_json::json!({"type": "range"}),
        created_by: "admin@example.org".into(),
    };
    for n in 1..=3 {
        control
            .create_job(&new_job(n), NOW_US + (n / 2) as i64)
            .await
            .unwrap();
    }
    assert!(matches!(
        control.create_job(&new_job(1), NOW_US).await,
        Err(ControlError::Exists { .. })
    ));
    let id = Uuid::from_u128(1);
    let claimed = control
        .claim_job(id, "w1", SECOND_US, NOW_US)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((claimed.status, claimed.attempts), (JobStatus::Running, 1));
    assert!(
        control
            .claim_job(id, "w2", SECOND_US, NOW_US + 1)
            .await
            .unwrap()
            .is_none()
    );
    assert!(control.renew_job(id, "w1", 2 * SECOND_US, NOW_US).await.unwrap());
    let later_us = NOW_US + 2 * SECOND_US;
    assert_eq!(control.waiting_jobs(later_us, 10).await.unwrap().len(), 3);
    assert!(
        control
            .claim_job(id, "w2", SECOND_US, later_us)
            .await
            .unwrap()
            .is_some(),
        "the lease ended"
    );
    assert!(!control.renew_job(id, "w1", SECOND_US, later_us).await.unwrap());
    let file = JobFile {
        format: "pdf".into(),
        key: "reports/x.pdf".into(),
        bytes: 3,
        sha256: "00".into(),
    };
    assert!(
        !control
            .finish_job(id, "w1", std::slice::from_ref(&file), later_us)
            .await
            .unwrap()
    );
    assert!(
        control
            .finish_job(id, "w2", std::slice::from_ref(&file), later_us)
            .await
            .unwrap()
    );
    let done = control.job(tenant, id).await.unwrap().unwrap();
    assert_eq!((done.status, &done.files[..]), (JobStatus::Done, &[file][..]));
    assert!(
        control
            .claim_job(id, "w3", SECOND_US, i64::MAX - SECOND_US)
            .await
            .unwrap()
            .is_none()
    );
    control
        .claim_job(Uuid::from_u128(2), "w1", SECOND_US, NOW_US)
        .await
        .unwrap()
        .unwrap();
    assert!(
        control
            .fail_job(Uuid::from_u128(2), "w1", &"ü".repeat(4_000), NOW_US)
            .await
            .unwrap()
    );
    let failed = control
        .job(TenantScope::All, Uuid::from_u128(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((failed.status, failed.error.len()), (JobStatus::Failed, 4_000));

    let other = TenantScope::One(Uuid::from_u128(4));
    assert!(control.job(other, id).await.unwrap().is_none());
    assert!(control.jobs(other, None, 10).await.unwrap().is_empty());
    let page = control.jobs(tenant, None, 2).await.unwrap();
    let last = page.last().unwrap();
    let rest = control
        .jobs(TenantScope::All, Some((last.created_us, last.id)), 2)
        .await
        .unwrap();
    let ids: Vec<u128> = page.iter().chain(&rest).map(|job| job.id.as_u128()).collect();
    assert_eq!(ids, [3, 2, 1]);
}

async fn leases(first: &Control, second: &Control) {
    let lease = "sealer";
    let (one, two) = tokio::join!(
        first.acquire_lease(lease, "a", SECOND_US, NOW_US),
        second.acquire_lease(lease, "b", SECOND_US, NOW_US)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_some() != two.is_some(), "one holder: {one:?} {two:?}");
    let (holder, other) = if one.is_some() { ("a", "b") } else { ("b", "a") };
    let fence = one.or(two).unwrap();
    assert!(
        first
            .renew_lease(lease, holder, fence, SECOND_US, NOW_US + 1)
            .await
            .unwrap()
    );
    assert!(
        !first
            .renew_lease(lease, other, fence, SECOND_US, NOW_US + 1)
            .await
            .unwrap()
    );
    let later_us = NOW_US + 2 * SECOND_US;
    assert!(
        !first
            .renew_lease(lease, holder, fence, SECOND_US, later_us)
            .await
            .unwrap(),
        "it ended"
    );
    let taken = first
        .acquire_lease(lease, other, SECOND_US, later_us)
        .await
        .unwrap()
        .unwrap();
    assert!(taken > fence);
    first.release_lease(lease, other, taken).await.unwrap();
    let again = first
        .acquire_lease(lease, holder, SECOND_US, later_us)
        .await
        .unwrap()
        .unwrap();
    assert!(again > taken, "the fence outlives a release");
}

async fn settings(control: &Control) {
    assert_eq!(control.setting("installation").await.unwrap(), None);
    assert_eq!(control.setting_or_insert("installation", "x").await.unwrap(), "x");
    assert_eq!(control.setting_or_insert("installation", "y").await.unwrap(), "x");
    control.put_setting("installation", "z").await.unwrap();
    assert_eq!(
        control.setting("installation").await.unwrap().as_deref(),
        Some("z")
    );
}

fn wanted(lookup: u64, offered: u128) -> WantedKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&lookup.to_be_bytes());
    WantedKey {
        tenant: Uuid::from_u128(1),
        lookup: bytes,
        new_subject_key_id: Uuid::from_u128(offered),
        new_wrapped_dek: offered.to_be_bytes().to_vec(),
        now_us: NOW_US,
    }
}

async fn subjects(first: &Control, second: &Control) {
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
