//! Rows of the real engine: emptied where the leaf says so, and nowhere else; and what a restored backup brings back
//! is removed again.

use std::time::{Duration, Instant};

use aal_control::{Control, ControlConfig, WantedKey};
use aal_erasure::{left_in_rows, reapply};
use aal_olap_engine as engine;
use aal_store::{Store, StoreConfig};
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(0x77);
const OTHER_TENANT: Uuid = Uuid::from_u128(0x78);
const ANNA: Uuid = Uuid::from_u128(0xaaaa);
const BERT: Uuid = Uuid::from_u128(0xbbbb);

struct Rig {
    store: Store,
    control: Control,
    _dir: tempfile::TempDir,
}

async fn rig() -> Option<Rig> {
    let Ok(library) = engine::default_library_path() else {
        eprintln!("skipped: no engine library; run scripts/fetch-engine.sh");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let server = engine::Server::bind(engine::Config::new(library, dir.path().join("store")))
        .await
        .unwrap();
    let config: StoreConfig =
        serde_json::from_value(serde_json::json!({"url": format!("http://{}/", server.address())})).unwrap();
    tokio::spawn(server.serve(std::future::pending()));
    let store = Store::new(&config);
    store.migrate().await.unwrap();
    let control = Control::open(&ControlConfig {
        url: format!("sqlite://{}/control.db", dir.path().display()),
        ..ControlConfig::default()
    })
    .await
    .unwrap();
    Some(Rig {
        store,
        control,
        _dir: dir,
    })
}

/// A leaf of the right form as far as slots go: number and key of each.
fn leaf(slots: &[(u16, Uuid)]) -> String {
    let mut bytes = vec![b'x'; 309];
    bytes.extend_from_slice(&(slots.len() as u16).to_be_bytes());
    for (slot, key) in slots {
        bytes.extend_from_slice(&slot.to_be_bytes());
        bytes.extend_from_slice(key.as_bytes());
        bytes.resize(bytes.len() + 123 - 18, 0);
    }
    bytes.extend_from_slice(&[0, 0]);
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A row whose texts are under `content` and whose user's e-mail is under `user`.
async fn insert(store: &Store, tenant: Uuid, event: u128, content: Uuid, user: Uuid) {
    let slots = [
        (0, content),
        (1, content),
        (2, content),
        (3, content),
        (8, user),
        (16, content),
    ];
    let statement = format!(
        "INSERT INTO records (tenant, event_id, kind, chain_index, subject_key, leaf, header, request_body, \
         response_body, search_text, attributes, user_id, session_id, template_slots, template_salts, sealed_slots, \
         sealed_values, application, block_month) VALUES ('{tenant}', '{}', 'event', {event}, '{content}', \
         unhex('{}'), '{{}}', 'asked', 'answered', 'asked answered', '{{\"a\":1}}', 'u', 's', [0, 1, 2, 3], \
         [repeat('a', 32), repeat('b', 32), repeat('c', 32), repeat('d', 32)], [8, 16], ['mail', 'value'], 'desk', 202601)",
        Uuid::from_u128(event),
        leaf(&slots),
    );
    store.client().query(&statement).execute().await.unwrap();
}

/// The row's texts and lists as one line.
async fn texts(store: &Store, event: u128) -> String {
    let statement = format!(
        "SELECT toString((request_body, response_body, search_text, attributes, user_id, session_id, template_slots, \
         length(template_salts), sealed_slots, sealed_values)) FROM records WHERE event_id = '{}'",
        Uuid::from_u128(event)
    );
    store
        .client()
        .query(&statement)
        .fetch_one::<String>()
        .await
        .unwrap()
}

const WHOLE: &str =
    "('asked','answered','asked answered','{\"a\":1}','u','s',[0,1,2,3],4,[8,16],['mail','value'])";
const EMPTY: &str = "('','','','','','',[],0,[],[])";
/// Without what is under the user's key.
const WITHOUT_MAIL: &str =
    "('asked','answered','asked answered','{\"a\":1}','u','s',[0,1,2,3],4,[16],['value'])";

async fn until_empty(store: &Store, keys: &[Uuid]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while left_in_rows(store, TENANT, keys).await.unwrap() > 0 {
        assert!(Instant::now() < deadline, "rows are not emptied");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn key_for(control: &Control, lookup: u8, id: Uuid) {
    let wanted = WantedKey {
        tenant: TENANT,
        lookup: [lookup; 32],
        new_subject_key_id: id,
        new_wrapped_dek: vec![1, 2, 3],
        now_us: 1,
    };
    let stored = control.ensure_subject_keys(&[wanted]).await.unwrap();
    assert_eq!(stored[0].subject_key_id, id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_a_list_of_erasures_is_removed_again_and_nothing_else() {
    let Some(rig) = rig().await else { return };
    let Rig { store, control, .. } = &rig;
    insert(store, TENANT, 1, ANNA, ANNA).await;
    insert(store, TENANT, 2, BERT, ANNA).await;
    insert(store, TENANT, 3, BERT, BERT).await;
    insert(store, OTHER_TENANT, 4, ANNA, ANNA).await;
    key_for(control, 1, ANNA).await;
    key_for(control, 2, BERT).await;
    assert_eq!(left_in_rows(store, TENANT, &[ANNA]).await.unwrap(), 2);

    // Nothing on any list: nothing is touched.
    let done = reapply(store, control, None, 5).await.unwrap();
    assert_eq!((done.known, done.deleted.len(), done.emptying.len()), (0, 0, 0));
    assert_eq!(texts(store, 1).await, WHOLE);

    // The ledger names the key; the control store is an old copy that still has it and knows nothing of it.
    let header = format!("{{\"subject_key_ids\":[\"{ANNA}\"]}}");
    let done_record = format!(
        "INSERT INTO records (tenant, event_id, kind, chain_index, leaf, header, block_month) VALUES ('{TENANT}', \
         '{}', 'erasure_done', 9, unhex('{}'), '{header}', 202601)",
        Uuid::from_u128(9),
        leaf(&[])
    );
    store.client().query(&done_record).execute().await.unwrap();
    let done = reapply(store, control, None, 6).await.unwrap();
    assert_eq!(done.known, 1);
    assert_eq!(done.deleted, [ANNA]);
    assert_eq!(done.emptying, [ANNA]);
    assert!(control.subject_key(TENANT, &[1; 32]).await.unwrap().is_none());
    assert!(control.data_key(TENANT, ANNA, 1).await.unwrap().is_none());
    assert!(control.subject_key(TENANT, &[2; 32]).await.unwrap().is_some());
    until_empty(store, &[ANNA]).await;

    assert_eq!(texts(store, 1).await, EMPTY);
    // About Bert, with Anna as the user: her e-mail is gone, his texts are not.
    assert_eq!(texts(store, 2).await, WITHOUT_MAIL);
    assert_eq!(texts(store, 3).await, WHOLE);
    assert_eq!(
        texts(store, 4).await,
        WHOLE,
        "another tenant's records are another's"
    );

    // Once applied there is nothing to do, and a second restore is caught by the control store's own list.
    let done = reapply(store, control, None, 7).await.unwrap();
    assert_eq!((done.known, done.deleted.len(), done.emptying.len()), (1, 0, 0));
    insert(store, TENANT, 5, ANNA, ANNA).await;
    let done = reapply(store, control, None, 8).await.unwrap();
    assert_eq!(done.emptying, [ANNA]);
    until_empty(store, &[ANNA]).await;
}
