//! A child that announces an address, then waits to be stopped; called with `hangs`, it does not end as an orphan.
//! The tests' subject.

use aal_child::inside::{StopReason, announce, stop_signal};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<ExitCode> {
    let stop = stop_signal(true)?;
    announce(([127, 0, 0, 1], 9).into())?;
    Ok(match stop.wait().await {
        StopReason::Asked => ExitCode::SUCCESS,
        StopReason::ParentGone if std::env::args().any(|behaviour| behaviour == "hangs") => {
            std::future::pending().await
        }
        StopReason::ParentGone => ExitCode::FAILURE,
    })
}
