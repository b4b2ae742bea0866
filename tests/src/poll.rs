//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(120);

/// Asks until there is an answer; panics with `what` after two minutes.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < LONGEST, "waited two minutes in vain: {what}");
    }
}
