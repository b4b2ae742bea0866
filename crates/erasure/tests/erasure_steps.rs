//! A request is carried out wholly whatever step the process dies at, before the effect or after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use aal_erasure::{
    Ask, Certified, ChangeError, Emptied, Erasure, Found, Left, Notes, Stage, Target, Telling, World, advance,
};
use async_trait::async_trait;
use uuid::Uuid;

const NOW_US: i64 = 1_767_225_600_000_000;
const DAY_US: i64 = 86_400_000_000;
const SETTLE_US: i64 = 310_000_000;
const TENANT: Uuid = Uuid::from_u128(1);
const OFFICER: Uuid = Uuid::from_u128(2);
const OTHER_OFFICER: Uuid = Uuid::from_u128(3);
const KEY: Uuid = Uuid::from_u128(0xa);
const OUTCOME_KEY: Uuid = Uuid::from_u128(0xb);

#[derive(Debug, thiserror::Error)]
#[error("the process died")]
struct Died;

/// When the process dies: at the nth call, before or after its effect.
#[derive(Clone, Copy, Debug)]
struct Death {
    at: usize,
    is_after: bool,
}

#[derive(Default)]
struct State {
    calls: usize,
    death: Option<Death>,
    saved: Option<Erasure>,
    told: BTreeMap<Uuid, Vec<Telling>>,
    keys: BTreeSet<Uuid>,
    list: Option<Vec<Uuid>>,
    texts: u64,
    is_rewriting: bool,
    old_files: u64,
    reports: BTreeSet<Uuid>,
    holds: Vec<Uuid>,
    certificates: BTreeSet<String>,
    /// In which order effects came.
    order: Vec<&'static str>,
}

struct Fake(Mutex<State>);

impl Fake {
    fn new() -> Fake {
        Fake(Mutex::new(State {
            keys: BTreeSet::from([KEY, OUTCOME_KEY]),
            texts: 7,
            reports: BTreeSet::from([Uuid::from_u128(100)]),
            ..State::default()
        }))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// One call with its effect, and perhaps a death around it.
    fn call<T>(&self, name: &'static str, effect: impl FnOnce(&mut State) -> T) -> Result<T, Died> {
        let mut state = self.state();
        let number = state.calls;
        state.calls += 1;
        let death = state.death.filter(|death| death.at == number);
        if death.is_some_and(|death| !death.is_after) {
            return Err(Died);
        }
        state.order.push(name);
        let answer = effect(&mut state);
        match death {
            Some(_) => Err(Died),
            None => Ok(answer),
        }
    }
}

#[async_trait]
impl World for Fake {
    type Error = Died;

    async fn tell(&self, erasure: &Erasure) -> Result<(), Died> {
        self.call("tell", |state| {
            for telling in &erasure.outbox {
                state
                    .told
                    .entry(telling.event_id)
                    .or_default()
                    .push(telling.clone());
            }
        })
    }

    async fn holds(&self, _: &Erasure) -> Result<Vec<Uuid>, Died> {
        self.call("holds", |state| state.holds.clone())
    }

    async fn list(&self, erasure: &Erasure) -> Result<(Vec<Uuid>, Found), Died> {
        self.call("list", |state| {
            let found = Found {
                rows: 7,
                ..erasure.found.clone()
            };
            (state.keys.iter().copied().collect(), found)
        })
    }

    async fn keep_list(&self, erasure: &Erasure) -> Result<(), Died> {
        self.call("keep_list", |state| state.list = Some(erasure.keys.clone()))
    }

    async fn destroy(&self, erasure: &Erasure, _: i64) -> Result<(), Died> {
        self.call("destroy", |state| {
            state.keys.retain(|key| !erasure.keys.contains(key))
        })
    }

    async fn is_recorded(&self, erasure: &Erasure) -> Result<bool, Died> {
        self.call("is_recorded", |state| {
            erasure.done_leaves().all(|leaf| state.told.contains_key(&leaf))
        })
    }

    async fn empty(&self, _: &Erasure) -> Result<Emptied, Died> {
        self.call("empty", |state| {
            if state.texts == 0 {
                return Emptied::Yes {
                    store_now_s: NOW_US / 1_000_000,
                };
            }
            // The first look asks for the rewriting, the second finds it done.
            if state.is_rewriting {
                state.texts = 0;
                state.old_files += 1;
                state.is_rewriting = false;
            } else {
                state.is_rewriting = true;
            }
            Emptied::NotYet
        })
    }

    async fn old_parts(&self, _: &Erasure) -> Result<u64, Died> {
        self.call("old_parts", |state| std::mem::take(&mut state.old_files))
    }

    async fn withdraw(&self, _: &Erasure) -> Result<(Vec<Uuid>, bool), Died> {
        self.call("withdraw", |state| {
            state.reports.clear();
            (vec![Uuid::from_u128(100)], false)
        })
    }

    async fn certify(&self, erasure: &Erasure, now_us: i64) -> Result<Certified, Died> {
        self.call("certify", |state| {
            let text = format!("{:?}", erasure.keys);
            state.certificates.insert(text);
            Certified {
                at_us: now_us,
                sha256: "0".repeat(64),
                key: "erasures/certificate.json".to_owned(),
                job: None,
            }
        })
    }

    async fn save(&self, erasure: &Erasure) -> Result<(), Died> {
        self.call("save", |state| {
            // What a restarted process reads is what was written, not what it had in memory.
            let text = serde_json::to_string(erasure).unwrap();
            state.saved = Some(serde_json::from_str(&text).unwrap());
        })
    }
}

fn request() -> Erasure {
    Erasure::new(Ask {
        id: Uuid::from_u128(9),
        tenant: TENANT,
        target: Target::Person,
        by: OFFICER,
        at_us: NOW_US,
        waiting_us: 30 * DAY_US,
        notes: Notes {
            identity_check: "passport seen".to_owned(),
            reason: "asked by letter".to_owned(),
        },
        lookups: vec![[1; 32]],
        keys: vec![KEY],
    })
}

/// Lives and restarts until the request has ended; the clock goes on by a day after each stop.
async fn carry_out(world: &Fake, mut now_us: i64) -> Erasure {
    world.state().saved = Some(request());
    for _ in 0..200 {
        let mut erasure = world.state().saved.clone().unwrap();
        match advance(world, &mut erasure, now_us, SETTLE_US).await {
            Ok(Left::Ended) => return erasure,
            Ok(Left::Until(until_us)) => now_us = now_us.max(until_us),
            Ok(Left::Soon) => now_us += 1_000_000,
            // The next process dies no more.
            Err(Died) => world.state().death = None,
        }
    }
    panic!("the request does not end: {:?}", world.state().saved);
}

fn check(world: &Fake, erasure: &Erasure, death: Option<Death>) {
    let state = world.state();
    assert_eq!(erasure.stage, Stage::Done, "{death:?}");
    assert!(state.keys.is_empty(), "{death:?}");
    assert_eq!(state.texts, 0, "{death:?}");
    assert!(state.reports.is_empty(), "{death:?}");
    assert_eq!(state.list.as_deref(), Some(&[KEY, OUTCOME_KEY][..]), "{death:?}");
    assert_eq!(state.certificates.len(), 1, "{death:?}");
    assert_eq!(erasure.withdrawn, [Uuid::from_u128(100)], "{death:?}");
    assert!(
        erasure.outbox.is_empty() && erasure.lookups.is_empty(),
        "{death:?}"
    );
    assert_eq!(
        erasure.notes,
        Notes::default(),
        "{death:?}: people's words are gone"
    );
    // Each leaf may be sent twice, but under one id there is one content.
    for (id, sent) in &state.told {
        assert!(
            sent.windows(2).all(|pair| pair[0].facts == pair[1].facts),
            "{death:?} {id}"
        );
    }
    let leaves: BTreeSet<Uuid> = erasure.leaves.iter().map(|leaf| leaf.event_id).collect();
    assert_eq!(leaves, state.told.keys().copied().collect(), "{death:?}");
    let actions: Vec<&str> = erasure.leaves.iter().map(|leaf| leaf.action.as_str()).collect();
    assert_eq!(
        actions,
        ["request", "decide", "keys_destroyed", "complete"],
        "{death:?}"
    );
    // Texts go only after the ledger can explain their absence, and keys before the list says they are gone.
    let first = |name: &str| state.order.iter().position(|called| *called == name).unwrap();
    assert!(first("destroy") < first("keep_list"), "{death:?}");
    assert!(first("is_recorded") < first("empty"), "{death:?}");
    assert!(first("withdraw") < first("certify"), "{death:?}");
}

#[tokio::test]
async fn it_is_carried_out_wholly_whatever_step_the_process_dies_at() {
    let world = Fake::new();
    let erasure = carry_out(&world, NOW_US).await;
    check(&world, &erasure, None);
    let calls = world.state().calls;
    assert!(calls > 25, "{calls}");
    for at in 0..calls {
        for is_after in [false, true] {
            let death = Death { at, is_after };
            let world = Fake::new();
            world.state().death = Some(death);
            let erasure = carry_out(&world, NOW_US).await;
            check(&world, &erasure, Some(death));
        }
    }
}

#[tokio::test]
async fn nothing_is_destroyed_before_its_time_without_two_people() {
    let world = Fake::new();
    let mut erasure = request();
    let just_before = NOW_US + 30 * DAY_US - 1;
    let left = advance(&world, &mut erasure, just_before, SETTLE_US)
        .await
        .unwrap();
    assert_eq!(left, Left::Until(NOW_US + 30 * DAY_US));
    assert_eq!(erasure.consent(OFFICER, NOW_US, "urgent"), Ok(()));
    assert_eq!(
        erasure.consent(OFFICER, NOW_US, "urgent"),
        Err(ChangeError::SamePerson)
    );
    let left = advance(&world, &mut erasure, NOW_US, SETTLE_US).await.unwrap();
    assert_eq!(
        left,
        Left::Until(NOW_US + 30 * DAY_US),
        "one person is not enough"
    );
    assert_eq!(world.state().keys.len(), 2);
    erasure.consent(OTHER_OFFICER, NOW_US, "urgent").unwrap();
    while advance(&world, &mut erasure, NOW_US, SETTLE_US).await.unwrap() == Left::Soon {}
    assert!(world.state().keys.is_empty());
    assert_eq!(
        erasure.consent(Uuid::from_u128(4), NOW_US, "late"),
        Err(ChangeError::TooLate("settling"))
    );
    let words = serde_json::to_string(
        &world
            .state()
            .told
            .values()
            .flatten()
            .map(|telling| &telling.facts)
            .collect::<Vec<_>>(),
    );
    assert!(
        !words.unwrap().contains("urgent"),
        "people's words are no facts of a header"
    );
}

#[tokio::test]
async fn a_hold_blocks_also_when_it_comes_after_the_approval() {
    let due_us = NOW_US + 30 * DAY_US;
    let world = Fake::new();
    world.state().holds = vec![Uuid::from_u128(50)];
    let mut erasure = request();
    assert_eq!(
        advance(&world, &mut erasure, due_us, SETTLE_US).await.unwrap(),
        Left::Soon
    );
    assert_eq!(erasure.stage, Stage::Held);
    let decisions = erasure.decisions.len();
    assert_eq!(
        advance(&world, &mut erasure, due_us, SETTLE_US).await.unwrap(),
        Left::Soon
    );
    assert_eq!(
        erasure.decisions.len(),
        decisions,
        "the same holds are one decision"
    );
    assert_eq!(world.state().keys.len(), 2);

    // Released, approved, and held again before the keys are destroyed.
    world.state().holds.clear();
    let mut erasure = Erasure {
        stage: Stage::Destroying,
        ..erasure
    };
    world.state().holds = vec![Uuid::from_u128(51)];
    assert_eq!(
        advance(&world, &mut erasure, due_us, SETTLE_US).await.unwrap(),
        Left::Soon
    );
    assert_eq!(erasure.stage, Stage::Held);
    assert_eq!(world.state().keys.len(), 2);
    assert_eq!(erasure.decisions.last().unwrap().holds, [Uuid::from_u128(51)]);

    world.state().holds.clear();
    while advance(&world, &mut erasure, due_us + DAY_US, SETTLE_US)
        .await
        .unwrap()
        == Left::Soon
    {}
    assert!(world.state().keys.is_empty());
}

#[tokio::test]
async fn an_officer_may_refuse_or_cancel_only_before_the_decision() {
    let world = Fake::new();
    let mut erasure = request();
    erasure
        .end(Stage::Refused, OFFICER, NOW_US, "article 17(3)(b)")
        .unwrap();
    assert_eq!(
        advance(&world, &mut erasure, NOW_US, SETTLE_US).await.unwrap(),
        Left::Ended
    );
    assert_eq!(world.state().keys.len(), 2);
    assert_eq!(
        world.state().told.len(),
        2,
        "the request and its refusal are in the ledger"
    );
    let error = erasure
        .end(Stage::Cancelled, OFFICER, NOW_US, "again")
        .unwrap_err();
    assert_eq!(error, ChangeError::TooLate("refused"));
}
