//! Destroyed data keys leave this process's memory as soon as it hears of them, and after five minutes in any case.

use std::time::Duration;

use aal_control::Control;
use aal_service::Shutdown;
use uuid::Uuid;

use crate::keys::Keys;

const EVERY: Duration = Duration::from_secs(1);
/// Keys destroyed so long before the newest known one are read again: writers' clocks differ.
const OVERLAP_US: i64 = 60_000_000;

/// Looks for destroyed keys until `shutdown`.
pub(crate) async fn watch(control: Control, keys: Keys, shutdown: Shutdown) {
    let mut since_us = aal_service::times::now_us();
    while shutdown
        .unless_requested(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        match control.erased_keys(since_us.saturating_sub(OVERLAP_US)).await {
            Ok(destroyed) => {
                since_us = destroyed
                    .iter()
                    .map(|(_, _, at_us)| *at_us)
                    .fold(since_us, i64::max);
                let destroyed: Vec<(Uuid, Uuid)> = destroyed
                    .into_iter()
                    .map(|(tenant, key, _)| (tenant, key))
                    .collect();
                if !destroyed.is_empty() {
                    keys.forget(&destroyed);
                }
            }
            // The keys' own time limit holds without this.
            Err(error) => tracing::debug!(%error, "destroyed keys not read"),
        }
    }
}
