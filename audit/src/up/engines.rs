//! The embedded engines as child processes, restarted when they die.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use aal_child::{Child, ChildError};
use aal_service::Shutdown;
use tokio::{process::Command, time::Instant};

/// How long an engine may take to answer; a predecessor killed a moment ago may still hold its files.
const READY_WITHIN: Duration = Duration::from_secs(40);
/// How long an engine that ends early is started again at the first start. A predecessor that was killed while its
/// disk stood still keeps its files until the kernel is done with it.
const RETRY_WITHIN: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(6);
const RESTART_PAUSE: Duration = Duration::from_millis(500);

/// How to start one engine.
#[derive(Clone, Debug)]
pub struct Engine {
    pub name: &'static str,
    pub program: PathBuf,
    pub data: PathBuf,
    /// Environment that must not show in the process list.
    pub secrets: Vec<(&'static str, String)>,
}

/// An engine that is kept running until it is stopped.
#[derive(Debug)]
pub struct Kept {
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    stop: Shutdown,
}

impl Engine {
    fn command(&self, listen: SocketAddr) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--data")
            .arg(&self.data)
            .arg("--listen")
            .arg(listen.to_string())
            .arg("--follow-parent");
        for (key, value) in &self.secrets {
            command.env(key, value);
        }
        command
    }

    /// Starts the engine on a free port and restarts it there whenever it dies.
    pub async fn keep(self) -> Result<Kept, ChildError> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let deadline = Instant::now() + RETRY_WITHIN;
        let child = loop {
            match Child::start(self.command(any), READY_WITHIN).await {
                Ok(child) => break child,
                // After a kill of the whole tree the old engine may live a moment longer and hold its files.
                Err(error @ ChildError::EndedEarly { .. }) if Instant::now() < deadline => {
                    tracing::warn!(engine = self.name, %error, "engine did not start; trying again");
                    tokio::time::sleep(RESTART_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        };
        let address = child.address();
        tracing::info!(engine = self.name, %address, pid = child.id(), "engine answers");
        let stop = Shutdown::new();
        let task = tokio::spawn(self.watch(child, address, stop.clone()));
        Ok(Kept { address, task, stop })
    }

    async fn watch(self, mut child: Child, address: SocketAddr, stop: Shutdown) {
        loop {
            match stop.unless_requested(child.wait()).await {
                None => {
                    if let Err(error) = child.terminate(GRACE).await {
                        tracing::warn!(engine = self.name, %error, "engine did not stop cleanly");
                    }
                    return;
                }
                Some(status) => {
                    tracing::error!(engine = self.name, ?status, "engine died; starting it again")
                }
            }
            child = loop {
                if stop
                    .unless_requested(tokio::time::sleep(RESTART_PAUSE))
                    .await
                    .is_none()
                {
                    return;
                }
                // The same port: the services hold its URL.
                match Child::start(self.command(address), READY_WITHIN).await {
                    Ok(child) => break child,
                    Err(error) => tracing::error!(engine = self.name, %error, "engine did not start"),
                }
            };
            tracing::info!(engine = self.name, pid = child.id(), "engine answers again");
        }
    }
}

impl Kept {
    /// Stops the engine and waits for its end.
    pub async fn stop(self) {
        self.stop.request();
        let _ = self.task.await;
    }
}
