//! The services of `audit up`, each a task that is started again when it fails.

use std::{fmt::Display, time::Duration};

use aal_service::Shutdown;
use tokio::task::JoinHandle;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One running service.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    stop: Shutdown,
    task: JoinHandle<()>,
}

impl Service {
    /// Runs `start` again and again until it is stopped. Services that fail because an engine is
    /// restarting come back by themselves.
    pub fn keep<Start, Run, Error>(name: &'static str, start: Start) -> Service
    where
        Start: Fn(Shutdown) -> Run + Send + 'static,
        Run: Future<Output = Result<(), Error>> + Send + 'static,
        Error: Display + Send + 'static,
    {
        let stop = Shutdown::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            while !stopped.is_requested() {
                // A child token, so that a service that ends itself does not stop the next try.
                match tokio::spawn(start(stopped.child())).await {
                    Ok(Ok(())) if stopped.is_requested() => return,
                    Ok(Ok(())) => tracing::warn!(service = name, "service ended; starting it again"),
                    Ok(Err(error)) => {
                        tracing::error!(service = name, %error, "service failed; starting it again")
                    }
                    Err(_) => tracing::error!(service = name, "service panicked; starting it again"),
                }
                if stopped
                    .unless_requested(tokio::time::sleep(pause))
                    .await
                    .is_none()
                {
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
        Service { name, stop, task }
    }

    /// Asks the service to stop and waits, at most `patience`.
    pub async fn stop(self, patience: Duration) {
        self.stop.request();
        if tokio::time::timeout(patience, self.task).await.is_err() {
            tracing::warn!(service = self.name, "service did not stop in time");
        }
    }
}
