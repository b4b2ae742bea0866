//! What a child process does to go away with its parent.

use crate::Ready;
use rustix::process::{Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

/// How long an orphan may take to close. Its successor waits for its files, and a close that hangs (a disk that
/// stands still, a library's destructor) must not keep them: what is not written then is as after a crash.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(6);

/// Why a child stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// SIGTERM or SIGINT: close gracefully.
    Asked,
    /// The parent is dead: nobody will use this process again.
    ParentGone,
}

/// The signals that stop this process; made by [`stop_signal`].
#[derive(Debug)]
pub struct StopSignal {
    parent: Option<Pid>,
    terminate: SignalStream,
    interrupt: SignalStream,
    parent_thread_died: SignalStream,
}

/// Asks the kernel to signal this process when its parent dies, and listens for the signals that end it.
///
/// Call it first, within a tokio runtime. With `follow_parent` false only SIGTERM and SIGINT count, for a
/// process that somebody started by hand.
///
/// The kernel ties the parent-death signal to the *thread* that started this process, not to the parent
/// process (`prctl(2)`, PR_SET_PDEATHSIG): when a short-lived thread of the parent started us, the signal comes
/// while the parent lives. So it is a signal that may be ignored, and only a changed parent id counts.
///
/// # Errors
/// An [`io::Error`] when a handler cannot be installed, or when the parent is already gone.
pub fn stop_signal(follow_parent: bool) -> io::Result<StopSignal> {
    let stop = StopSignal {
        parent: getppid(),
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        parent_thread_died: signal(SignalKind::user_defined2())?,
    };
    if follow_parent {
        set_parent_process_death_signal(Some(Signal::USR2))?;
        // The parent may have died before the request reached the kernel.
        if getppid() != stop.parent {
            return Err(io::Error::other("the parent process ended during the start"));
        }
    }
    Ok(stop)
}

impl StopSignal {
    /// Waits until this process has to stop. An orphan is killed when it has not ended within [`ORPHAN_TIMEOUT`].
    pub async fn wait(mut self) -> StopReason {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return StopReason::Asked,
                _ = self.interrupt.recv() => return StopReason::Asked,
                _ = self.parent_thread_died.recv() => {
                    if getppid() != self.parent {
                        end_within(ORPHAN_TIMEOUT);
                        return StopReason::ParentGone;
                    }
                }
            }
        }
    }
}

/// Kills this process after `limit`, from a thread that no runtime has to schedule.
fn end_within(limit: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        let _ = kill_process(getpid(), Signal::KILL);
    });
}

/// Prints the ready line on standard output.
///
/// # Errors
/// An [`io::Error`] when standard output is closed, which means that the parent no longer reads it.
pub fn announce(listening: SocketAddr) -> io::Result<()> {
    let line = serde_json::to_string(&Ready { listening })?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
