//! Which epochs a period needs.

use std::collections::HashMap;

use aal_bundle::EpochRange;
use aal_ledger::{ChainId, Heads};

use crate::bundle::objects::{Log, ObjectError};

/// Why there is no range for a period.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("nothing is sealed yet; ask again after the next epoch, in about 10 seconds")]
    NothingSealed,
    #[error("the period begins after the newest epoch closed, so nothing of it is sealed yet")]
    NotYet,
    #[error("records of the period are not sealed yet; ask again after the next epoch, in about 10 seconds")]
    Unsealed,
}

/// The epochs for a period, in µs: what was sealed up to `from_us` is before the range, and it ends with the first epoch
/// that closed at or after `to_us` and holds `needed` leaves of every chain — or with the newest.
///
/// # Errors
/// When nothing, or not all that is needed, is sealed.
pub async fn range(
    log: &Log,
    from_us: i64,
    to_us: i64,
    needed: &HashMap<ChainId, u64>,
) -> Result<EpochRange, RangeError> {
    let tip_epoch = log.newest().await?.ok_or(RangeError::NothingSealed)?;
    let after_from = first_closed_after(log, from_us, tip_epoch).await?;
    // The first epoch that may hold something of the period.
    let begin = after_from.ok_or(RangeError::NotYet)?;
    let tip_heads = heads(log, tip_epoch).await?;
    if !holds(&tip_heads, needed) {
        return Err(RangeError::Unsealed);
    }
    let at_to = first_closed_after(log, to_us.saturating_sub(1), tip_epoch).await?;
    let last_epoch = match at_to {
        Some(epoch) if holds(&heads(log, epoch).await?, needed) => epoch,
        // Late records: the range goes as far as it can.
        _ => tip_epoch,
    };
    Ok(EpochRange {
        base_epoch: begin.checked_sub(1),
        last_epoch,
        tip_epoch,
    })
}

async fn heads(log: &Log, epoch: u64) -> Result<Heads, ObjectError> {
    log.heads(&log.manifest(epoch).await?.1).await
}

fn holds(heads: &Heads, needed: &HashMap<ChainId, u64>) -> bool {
    let sizes: HashMap<ChainId, u64> = heads
        .chains()
        .iter()
        .map(|head| (head.chain, head.size))
        .collect();
    needed
        .iter()
        .all(|(chain, size)| *size <= sizes.get(chain).copied().unwrap_or(0))
}

/// The first epoch that closed after the moment; `None` when the newest did not. Times of epochs ascend.
async fn first_closed_after(log: &Log, moment_us: i64, tip_epoch: u64) -> Result<Option<u64>, ObjectError> {
    let (mut low, mut high) = (0, tip_epoch + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if log.manifest(middle).await?.1.closed_us > moment_us {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok((low <= tip_epoch).then_some(low))
}
