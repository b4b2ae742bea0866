//! The query API as its clients see it, over the real engine. One engine per process, so one test.

mod access;
mod aggregates;
mod disclosure;
mod feed;
mod findings;
mod ledger;
mod prices;
mod records;
mod support;
mod whole;

use aal_control::{Role, TenantScope};
use support::{BANK, Writer, rig};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_query_api() {
    let Some(rig) = rig().await else { return };
    let admin = rig.user("admin@example.org", Role::Admin, TenantScope::All).await;
    let officer = rig
        .user(
            "officer@example.org",
            Role::ComplianceOfficer,
            TenantScope::One(BANK),
        )
        .await;
    let viewer = rig
        .user("alice@example.org", Role::Viewer, TenantScope::One(BANK))
        .await;
    let mut writer = Writer::new(&rig);

    access::sign_in(&rig, &admin).await;
    access::bad_requests(&rig, &admin, &viewer).await;
    records::empty_store(&rig, &admin).await;
    records::fill(&mut writer).await;
    records::pages_are_stable(&rig, &admin, &mut writer).await;
    records::filters(&rig, &admin).await;
    records::scopes(&rig, &officer, &viewer).await;
    records::details_and_reveal(&rig, &admin, &officer, &viewer).await;
    aggregates::sessions(&rig, &admin).await;
    aggregates::metrics(&rig, &admin).await;
    access::administration(&rig, &admin, &officer).await;
    aggregates::reports(&rig, &officer, &viewer).await;
    feed::feed(&rig, &admin, &viewer, &mut writer).await;
    ledger::ledger(&rig, [&admin, &officer, &viewer], &writer).await;
    access::every_route_answers(&rig).await;
    feed::slow_reader(&rig, &admin, &mut writer).await;
    access::accesses_are_recorded(&rig).await;
    findings::sources(&rig, &admin, &viewer, &mut writer).await;
    findings::intents(&rig, &admin, &officer, &mut writer).await;
    findings::incidents(&rig, &admin, &officer, &viewer, &mut writer).await;
    disclosure::by_role_and_kind(&rig, &mut writer, &admin, &officer).await;
    disclosure::health_information(&rig, &mut writer, &admin, &officer, &viewer).await;
    disclosure::a_policy_is_told_before_it_holds(&rig, &admin).await;
    prices::estimates(&rig, &admin, &mut writer).await;
    prices::custom(&rig, &admin, &officer, &viewer).await;
    prices::reprice(&rig, &admin, &officer, &mut writer).await;
    records::the_first_record_of_an_id(&rig, &admin, &mut writer).await;
    access::store_down(&rig, &admin).await;
    let shown = records::bank_event(1)["event_id"].as_str().unwrap().to_owned();
    access::log_down(&rig, &admin, &shown).await;
    rig.shutdown.request();
}
