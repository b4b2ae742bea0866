//! One orderly stop for a whole process: every task holds a clone and leaves when it is asked to.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// A request to stop that is made once and seen by everybody who holds a clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// A shutdown that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown that SIGTERM and SIGINT (Ctrl-C) ask for.
    ///
    /// Must be called inside a tokio runtime. When a handler cannot be installed the process stops
    /// only by `request`, and a warning says so.
    pub fn on_signals() -> Self {
        let shutdown = Self::new();
        let asked = shutdown.clone();
        tokio::spawn(async move {
            wait_for_signal().await;
            // First the request: writing a log line can fail when nobody reads it any more.
            asked.request();
            tracing::info!("stop requested by a signal");
        });
        shutdown
    }

    /// A shutdown that follows this one but can also be requested alone.
    pub fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
        }
    }

    /// Asks everybody to stop. Asking twice is the same as asking once.
    pub fn request(&self) {
        self.token.cancel();
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Completes when a stop is requested; at once when it already was.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Runs `work` until it ends (`Some`) or a stop is requested (`None`, the work is dropped).
    pub async fn unless_requested<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.token.run_until_cancelled(work).await
    }
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGTERM");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => {
            if let Err(error) = result {
                tracing::warn!(%error, "cannot listen for SIGINT");
                terminate.recv().await;
            }
        }
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_stops_with_its_parent_but_not_the_other_way_round() {
        let parent = Shutdown::new();
        let child = parent.child();
        child.request();
        assert!(child.is_requested());
        assert!(!parent.is_requested());
        let second = parent.child();
        parent.request();
        second.requested().await;
        assert_eq!(second.unless_requested(std::future::pending::<()>()).await, None);
    }
}
