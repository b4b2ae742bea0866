//! What the sealer refuses and notices, told to the ledger: an alarm by metric and log, and a leaf when it begins and
//! when it ends. Also what it signs with, its signs of life, and steps of its clock.

use std::time::{Duration, Instant};

use aal_announce::{Change, Incident, Incidents, TellError, Teller, digest_of};
use aal_event::Kind;
use aal_flow::ClockWatch;
use aal_kafka::Producer;
use aal_ledger::{ChainId, Hash, ZERO_HASH, hash::sha256};
use aal_service::metrics::Metrics;
use aal_store::Store;
use serde_json::{Map, Value, json};

use crate::core::{Notice, Refusal};
use crate::{AnchorError, SealError, Sealed};

/// How long an epoch may be kept waiting by what is told of the one before.
const TELL_WITHIN: Duration = Duration::from_secs(2);
/// How far the clock may move against the monotonic clock between two epochs.
const CLOCK_TOLERANCE_US: i64 = 1_000_000;

/// Every code of this service; what is not found in a sealed epoch is over.
const CODES: [&str; 10] = [
    "shard_refused",
    "offsets_skipped",
    "store_replaced",
    "clock_back",
    "rewritten",
    "contradiction",
    "foreign_checkpoint",
    "heads_contradict",
    "tiles_contradict",
    "anchor_damaged",
];

pub(super) struct SealerIncidents {
    incidents: Incidents,
    teller: Teller,
    clock: ClockWatch,
    origin: Instant,
}

impl SealerIncidents {
    /// Reads which incidents stand.
    pub(super) async fn load(
        producer: &Producer,
        store: &Store,
        metrics: &Metrics,
    ) -> Result<Self, TellError> {
        let teller = Teller::new(producer.clone(), store.clone(), "sealer");
        Ok(SealerIncidents {
            incidents: Incidents::load(teller.clone(), metrics).await?,
            teller,
            clock: ClockWatch::new(CLOCK_TOLERANCE_US),
            origin: Instant::now(),
        })
    }

    /// Tells what this sealer runs and signs with, where that is new.
    pub(super) async fn started(&self, origin: &str, verifier_key: &str, policy_hash: Hash) {
        let told = async {
            let settings = json!({"origin": origin, "program": env!("CARGO_PKG_VERSION")});
            if let Ok(digest) = digest_of(&settings) {
                self.change(Kind::ConfigChange, "sealer", digest).await?;
            }
            self.change(Kind::KeyChange, "sealer-key", sha256(verifier_key.as_bytes()))
                .await?;
            if policy_hash != ZERO_HASH {
                self.change(Kind::PolicyChange, "trust-policy", policy_hash)
                    .await?;
            }
            self.teller.heartbeat("start", None).await
        };
        bounded(told).await;
    }

    async fn change(&self, kind: Kind, component: &str, digest: Hash) -> Result<bool, TellError> {
        let facts = Map::new();
        let change = Change {
            kind,
            component,
            digest,
            facts,
        };
        self.teller.changed(change).await
    }

    /// The last sign of life of a clean stop.
    pub(super) async fn stopped(&self) {
        bounded(self.teller.heartbeat("stop", None)).await;
    }

    /// What an epoch found, and found no longer.
    pub(super) async fn sealed(&mut self, sealed: &Sealed) {
        let refused = sealed.refused.iter().map(of_refusal);
        let noticed = sealed.notices.iter().map(of_notice);
        let current: Vec<Incident> = refused.chain(noticed).collect();
        self.watch_clock().await;
        if !current.is_empty() || self.incidents.standing() > 0 {
            bounded(self.incidents.settle(&CODES, current)).await;
        }
    }

    /// Why no epoch was sealed, where that is more than a service that does not answer.
    pub(super) async fn failed(&mut self, error: &SealError) {
        self.watch_clock().await;
        if let Some(incident) = of_error(error) {
            bounded(self.incidents.begin(incident)).await;
        }
    }

    async fn watch_clock(&mut self) {
        let monotonic_us = self.origin.elapsed().as_micros() as i64;
        if let Some(step_us) = self.clock.observe(monotonic_us, aal_service::times::now_us()) {
            tracing::error!(step_us, "this machine's clock made a step");
            bounded(self.teller.clock_step(step_us)).await;
        }
    }
}

/// An epoch does not wait for the log: what could not be told is told with the next one.
async fn bounded(telling: impl Future<Output = Result<(), TellError>>) {
    match tokio::time::timeout(TELL_WITHIN, telling).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the ledger was not told"),
        Err(_) => tracing::warn!("the ledger was not told in time"),
    }
}

fn incident(code: &'static str, about: Value, reason: String) -> Incident {
    Incident {
        code,
        about: about.as_object().cloned().unwrap_or_default(),
        reason,
    }
}

fn of_refusal(refusal: &Refusal) -> Incident {
    let about = json!({"shard": refusal.shard, "block": refusal.block, "row": refusal.row});
    incident("shard_refused", about, refusal.fault.to_string())
}

fn of_notice(notice: &Notice) -> Incident {
    let reason = notice.to_string();
    match notice {
        Notice::OffsetsSkipped { shard, first, last } => {
            let about = json!({"shard": shard, "first_offset": first, "last_offset": last});
            incident("offsets_skipped", about, reason)
        }
        Notice::StoreReplaced { before, now } => incident(
            "store_replaced",
            json!({"old_store": before, "new_store": now}),
            reason,
        ),
        // The times differ from epoch to epoch while the clock is behind: one incident all the same.
        Notice::ClockBack { .. } => incident("clock_back", json!({}), reason),
    }
}

fn of_chain(chain: &ChainId) -> Value {
    json!({"tenant": chain.tenant, "shard": chain.shard})
}

fn of_error(error: &SealError) -> Option<Incident> {
    let reason = error.to_string();
    let found = match error {
        SealError::Rewritten(chain) => ("rewritten", of_chain(chain)),
        SealError::Contradiction(epoch) => ("contradiction", json!({"epoch": epoch})),
        SealError::ForeignCheckpoint { epoch, .. } => ("foreign_checkpoint", json!({"epoch": epoch})),
        SealError::Heads(_) => ("heads_contradict", json!({})),
        SealError::Tiles { chain, .. } => ("tiles_contradict", of_chain(chain)),
        SealError::LogTiles(_) => ("tiles_contradict", json!({})),
        SealError::Anchor(AnchorError::Objects(_)) => return None,
        SealError::Anchor(_) => ("anchor_damaged", json!({})),
        SealError::Source(_) | SealError::Superseded(_) | SealError::Fenced { .. } | SealError::Sign(_) => {
            return None;
        }
    };
    Some(incident(found.0, found.1, reason))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::core::Fault;

    #[test]
    fn what_a_sealer_tells_is_plain_fact_and_of_a_known_code() {
        let refusal = Refusal {
            shard: 3,
            block: 7,
            row: 1,
            fault: Fault::Header,
        };
        let chain = ChainId {
            tenant: Uuid::from_u128(1),
            shard: 2,
        };
        let notices = [
            Notice::OffsetsSkipped {
                shard: 1,
                first: 4,
                last: 9,
            },
            Notice::StoreReplaced {
                before: Uuid::from_u128(1),
                now: Uuid::from_u128(2),
            },
            Notice::ClockBack {
                before_us: 9,
                now_us: 4,
            },
        ];
        let errors = [
            SealError::Rewritten(chain),
            SealError::Contradiction(4),
            SealError::LogTiles("x".to_owned()),
        ];
        let told = notices
            .iter()
            .map(of_notice)
            .chain(errors.iter().filter_map(of_error))
            .chain([of_refusal(&refusal)]);
        for incident in told {
            assert!(CODES.contains(&incident.code), "{}", incident.code);
            assert!(
                incident.about.values().all(aal_event::is_plain_fact),
                "{incident:?}"
            );
        }
        assert_eq!(of_error(&SealError::Superseded(3)), None);
        let later = Notice::ClockBack {
            before_us: 10,
            now_us: 5,
        };
        assert_eq!(of_notice(&notices[2]).subject(), of_notice(&later).subject());
    }
}
