//! The parent's side: start a child, learn its address, stop it.

use crate::Ready;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Why a child could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The program could not be executed.
    #[error("cannot start {program}")]
    Start {
        /// The program's path as it was given.
        program: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The child ended, or closed its standard output, before it was ready.
    #[error("{program} ended before it was ready ({status})")]
    EndedEarly {
        /// The program's path.
        program: String,
        /// Its exit status, or that it still runs.
        status: String,
    },
    /// The child printed something else than the ready line.
    #[error("{program} printed {line:?} instead of its ready line")]
    NotReadyLine {
        /// The program's path.
        program: String,
        /// What it printed.
        line: String,
    },
    /// The child was not ready in time and has been killed.
    #[error("{program} was not ready after {waited_ms} ms")]
    TooSlow {
        /// The program's path.
        program: String,
        /// How long it was given.
        waited_ms: u128,
    },
    /// Waiting for or reading from the child failed.
    #[error("cannot talk to the child process")]
    Io(#[from] io::Error),
}

/// A running child process that answers on [`Child::address`]. Dropping it kills the process.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    address: SocketAddr,
}

impl Child {
    /// Starts `command` and waits until it has printed its ready line.
    ///
    /// Standard input is closed, standard output is read for the ready line and then drained, standard error is
    /// inherited. `TZ` is `UTC`. The calling thread should live as long as the child is wanted (see
    /// [`crate::inside::stop_signal`]; the children of this project survive it when it does not).
    ///
    /// # Errors
    /// [`ChildError`]; the process does not run any more then.
    pub async fn start(mut command: Command, ready_within: Duration) -> Result<Self, ChildError> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .env("TZ", "UTC")
            .kill_on_drop(true);
        let mut process = command.spawn().map_err(|source| ChildError::Start {
            program: program.clone(),
            source,
        })?;
        let Some(stdout) = process.stdout.take() else {
            return Err(ChildError::Io(io::Error::other("standard output is not a pipe")));
        };

        let mut lines = BufReader::new(stdout).lines();
        let line = match timeout(ready_within, lines.next_line()).await {
            Err(_elapsed) => {
                process.kill().await?;
                return Err(ChildError::TooSlow {
                    program,
                    waited_ms: ready_within.as_millis(),
                });
            }
            Ok(line) => line?,
        };
        let Some(line) = line else {
            let status = match timeout(Duration::from_secs(5), process.wait()).await {
                Ok(status) => status?.to_string(),
                Err(_elapsed) => {
                    process.kill().await?;
                    "killed, it had closed its standard output".to_owned()
                }
            };
            return Err(ChildError::EndedEarly { program, status });
        };
        let Ok(ready) = serde_json::from_str::<Ready>(&line) else {
            process.kill().await?;
            return Err(ChildError::NotReadyLine { program, line });
        };

        // A full pipe would block the child, so whatever else it prints is read and logged.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::debug!(program, line, "child output");
            }
        });
        Ok(Self {
            process,
            address: ready.listening,
        })
    }

    /// The address the child listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process id; none after the child has been waited for.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits until the child ends by itself, for a supervisor. Safe to cancel.
    ///
    /// # Errors
    /// [`ChildError::Io`].
    pub async fn wait(&mut self) -> Result<ExitStatus, ChildError> {
        Ok(self.process.wait().await?)
    }

    /// Sends SIGTERM and waits; sends SIGKILL when the child has not ended within `grace`.
    ///
    /// # Errors
    /// [`ChildError::Io`].
    pub async fn terminate(mut self, grace: Duration) -> Result<ExitStatus, ChildError> {
        self.signal(Signal::TERM);
        match timeout(grace, self.process.wait()).await {
            Ok(status) => Ok(status?),
            Err(_elapsed) => {
                tracing::warn!(
                    grace_ms = grace.as_millis(),
                    "child ignored the request to stop, killing it"
                );
                self.process.kill().await?;
                Ok(self.process.wait().await?)
            }
        }
    }

    /// Sends SIGKILL and waits until the process is reaped: what a crash does to it.
    ///
    /// # Errors
    /// [`ChildError::Io`].
    pub async fn kill(mut self) -> Result<ExitStatus, ChildError> {
        self.process.kill().await?;
        Ok(self.process.wait().await?)
    }

    fn signal(&self, signal: Signal) {
        let pid = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            // The only failure is that the process has ended already, which `wait` reports.
            let _ = kill_process(pid, signal);
        }
    }
}
