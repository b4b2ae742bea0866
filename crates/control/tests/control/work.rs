//! Report jobs, leases and settings.

use aal_control::{Control, ControlError, JobFile, JobStatus, NewJob, TenantScope};
use uuid::Uuid;

use crate::{NOW_US, SECOND_US};

pub async fn jobs(control: &Control) {
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

pub async fn leases(first: &Control, second: &Control) {
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

    // A control store that was restored has forgotten fences: its holder, and nobody else, may step over them.
    let raised = again + 1_000;
    let raise = |holder, fence, to, now_us| first.raise_fence(lease, holder, fence, to, now_us);
    assert!(
        !raise(other, again, raised, later_us).await.unwrap(),
        "not the holder"
    );
    assert!(
        !raise(holder, taken, raised, later_us).await.unwrap(),
        "an older fence"
    );
    assert!(
        !raise(holder, again, again, later_us).await.unwrap(),
        "not larger"
    );
    let ended_us = later_us + 2 * SECOND_US;
    assert!(!raise(holder, again, raised, ended_us).await.unwrap(), "it ended");
    assert!(raise(holder, again, raised, later_us).await.unwrap());
    let next = first
        .acquire_lease(lease, other, SECOND_US, ended_us)
        .await
        .unwrap();
    assert_eq!(next, Some(raised + 1));
}

pub async fn settings(control: &Control) {
    assert_eq!(control.setting("installation").await.unwrap(), None);
    assert_eq!(control.setting_or_insert("installation", "x").await.unwrap(), "x");
    assert_eq!(control.setting_or_insert("installation", "y").await.unwrap(), "x");
    control.put_setting("installation", "z").await.unwrap();
    assert_eq!(
        control.setting("installation").await.unwrap().as_deref(),
        Some("z")
    );
}
