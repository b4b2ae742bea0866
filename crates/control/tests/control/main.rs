//! The control store as its users see it, on SQLite and on a real PostgreSQL.

mod erasures;
mod keys;
mod people;
mod policies;
mod postgres;
mod prices;
mod subjects;
mod work;

use aal_control::{Control, ControlConfig, TenantScope};

pub const NOW_US: i64 = 1_767_225_600_000_000;
pub const SECOND_US: i64 = 1_000_000;

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
    people::users(&first, &second).await;
    people::last_administrator(&first).await;
    people::tenants_and_applications(&first).await;
    people::api_keys(&first).await;
    policies::versions(&first, &second).await;
    policies::break_glass(&first).await;
    people::attempts(&first).await;
    work::jobs(&first).await;
    work::leases(&first, &second).await;
    work::settings(&first).await;
    subjects::subjects(&first, &second).await;
    keys::keys(&first, &second).await;
    erasures::requests(&first, &second).await;
    erasures::destroyed_keys(&first).await;
    erasures::holds(&first).await;
    erasures::retention(&first).await;
    prices::prices(&first).await;
    first.close().await;
    second.close().await;
    // What was there is there after opening again.
    let again = open(url).await;
    assert_eq!(again.users(TenantScope::All).await.unwrap().len(), 2);
    again.close().await;
}
