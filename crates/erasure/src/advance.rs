//! Carries a request as far as it can go now. Every step may be repeated: a crash between the effect and the saved
//! document leads to the same effect once more, which changes nothing.

use async_trait::async_trait;
use uuid::Uuid;

use crate::request::{Certified, Erasure, Found};
use crate::steps::{Next, next};

/// Longest trouble that is kept, in bytes.
const MAX_TROUBLE_BYTES: usize = 500;

/// What stands in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptied {
    /// No row holds anything under the keys; the record store's clock, seconds.
    Yes { store_now_s: i64 },
    /// Being rewritten.
    NotYet,
}

/// Everything outside that an erasure touches. Each call may be repeated.
#[async_trait]
pub trait World: Send + Sync {
    type Error: std::error::Error + Send + Sync + 'static;

    /// Puts what is in the outbox on the log, until it is durable there.
    async fn tell(&self, erasure: &Erasure) -> Result<(), Self::Error>;
    /// Legal holds that cover the request.
    async fn holds(&self, erasure: &Erasure) -> Result<Vec<Uuid>, Self::Error>;
    /// The data keys there are now, and the rows under them.
    async fn list(&self, erasure: &Erasure) -> Result<(Vec<Uuid>, Found), Self::Error>;
    /// Writes the list of destroyed keys to a second place.
    async fn keep_list(&self, erasure: &Erasure) -> Result<(), Self::Error>;
    /// Deletes wrapped keys and directory entries.
    async fn destroy(&self, erasure: &Erasure, now_us: i64) -> Result<(), Self::Error>;
    /// Whether the ledger's store holds the `erasure_done` leaves.
    async fn is_recorded(&self, erasure: &Erasure) -> Result<bool, Self::Error>;
    /// Empties rows, or sees how far that is.
    async fn empty(&self, erasure: &Erasure) -> Result<Emptied, Self::Error>;
    /// Files with old rows that are still there.
    async fn old_parts(&self, erasure: &Erasure) -> Result<u64, Self::Error>;
    /// Deletes report files with content of the rows; the jobs it took files from, and whether others still run.
    async fn withdraw(&self, erasure: &Erasure) -> Result<(Vec<Uuid>, bool), Self::Error>;
    /// Makes, signs and stores the certificate.
    async fn certify(&self, erasure: &Erasure, now_us: i64) -> Result<Certified, Self::Error>;
    /// Stores the request over its last version.
    async fn save(&self, erasure: &Erasure) -> Result<(), Self::Error>;
}

/// Where a request was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing to do any more.
    Ended,
    /// To be looked at again at this time, microseconds.
    Until(i64),
    /// To be looked at again soon: something outside is not ready.
    Soon,
}

/// Goes on with `erasure` until it has ended or must wait, saving after every step.
///
/// # Errors
/// What the world could not do; the request stays at its step and may be tried again.
pub async fn advance<W: World>(
    world: &W,
    erasure: &mut Erasure,
    now_us: i64,
    settle_us: i64,
) -> Result<Left, W::Error> {
    loop {
        match next(erasure, now_us, settle_us) {
            Next::Nothing => return Ok(Left::Ended),
            Next::WaitUntil(until_us) => return Ok(Left::Until(until_us)),
            step => {
                if !step_once(world, erasure, step, now_us).await? {
                    return Ok(Left::Soon);
                }
            }
        }
        erasure.trouble.clear();
        world.save(erasure).await?;
        erasure.version += 1;
    }
}

/// Does one step; `false` when something outside is not ready and nothing changed.
async fn step_once<W: World>(
    world: &W,
    erasure: &mut Erasure,
    step: Next,
    now_us: i64,
) -> Result<bool, W::Error> {
    match step {
        Next::Tell => {
            world.tell(erasure).await?;
            erasure.told();
        }
        Next::Decide => {
            let holds = world.holds(erasure).await?;
            return Ok(erasure.holds_found(holds, now_us));
        }
        Next::List => {
            let (keys, found) = world.list(erasure).await?;
            erasure.listed(keys, found, now_us);
        }
        Next::Destroy => {
            // Once more, as late as possible: what is destroyed does not come back.
            let holds = world.holds(erasure).await?;
            if holds.is_empty() {
                world.destroy(erasure, now_us).await?;
                // Only now: at a start everything on such a list is destroyed again.
                world.keep_list(erasure).await?;
                erasure.keys_destroyed(now_us);
            } else {
                erasure.held_back(holds, now_us);
            }
        }
        Next::Record => {
            if !world.is_recorded(erasure).await? {
                return Ok(false);
            }
            erasure.recorded(now_us);
        }
        Next::Empty | Next::Sweep => match world.empty(erasure).await? {
            Emptied::NotYet => return Ok(false),
            Emptied::Yes { store_now_s } => erasure.emptied(store_now_s, now_us),
        },
        Next::Parts => {
            if world.old_parts(erasure).await? > 0 {
                return Ok(false);
            }
            erasure.parts_gone(now_us);
        }
        Next::Withdraw => return withdraw(world, erasure, now_us).await,
        Next::Certify => {
            let certified = world.certify(erasure, now_us).await?;
            erasure.certified(certified, now_us);
        }
        Next::WaitUntil(_) | Next::Nothing => return Ok(false),
    }
    Ok(true)
}

async fn withdraw<W: World>(world: &W, erasure: &mut Erasure, now_us: i64) -> Result<bool, W::Error> {
    let (withdrawn, is_running) = world.withdraw(erasure).await?;
    let before = erasure.withdrawn.len();
    for job in withdrawn {
        if !erasure.withdrawn.contains(&job) {
            erasure.withdrawn.push(job);
        }
    }
    if is_running {
        // Saved when there is something new, so that the certificate names it.
        return Ok(erasure.withdrawn.len() > before);
    }
    erasure.reports_withdrawn(now_us);
    Ok(true)
}

impl Erasure {
    /// Notes why it did not go on; says whether that is new.
    pub fn stuck(&mut self, trouble: &str) -> bool {
        let cut = trouble.floor_char_boundary(MAX_TROUBLE_BYTES.min(trouble.len()));
        let is_new = self.trouble != trouble[..cut];
        self.trouble = trouble[..cut].to_owned();
        is_new
    }
}
