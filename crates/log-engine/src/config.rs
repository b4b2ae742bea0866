//! Arguments, the data directory and the address.

use clap::Parser;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a predecessor that was killed may still hold the directory.
const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(10);
const DIRECTORY_RETRY: Duration = Duration::from_millis(100);

/// Answers Kafka's protocol from a directory.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The data directory; made when absent. One process at a time.
    #[arg(long)]
    pub data: PathBuf,
    /// The address to answer on, which is also the one clients are told; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// How often expired records are deleted. Each time all records of topics with that policy are looked at while
    /// nothing else is answered: about 3 ms for a thousand records.
    #[arg(long, default_value_t = 600_000)]
    pub maintenance_interval_ms: u64,
    /// End when the process that started this one ends.
    #[arg(long)]
    pub follow_parent: bool,
}

/// Makes the directory, takes its lock (free again when the returned file is closed, however the process ends)
/// and makes it the current one, because the broker resolves its storage URL against that.
///
/// # Errors
/// An [`io::Error`]; `WouldBlock` when another process holds the directory.
pub async fn open_directory(data: &Path) -> io::Result<File> {
    std::fs::create_dir_all(data)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join("log-engine.lock"))?;
    let deadline = Instant::now() + DIRECTORY_TIMEOUT;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() >= deadline => {
                let message = format!(
                    "the data directory {} is in use by another log engine",
                    data.display()
                );
                return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => sleep(DIRECTORY_RETRY).await,
            Err(error) => return Err(error.into()),
        }
    }
    std::env::set_current_dir(data)?;
    Ok(file)
}

/// The address with a real port. The broker binds by itself and tells nobody the port, so a free one is found first;
/// should another process take it in between, the broker fails to bind and this process ends with an error.
///
/// # Errors
/// An [`io::Error`] when the address cannot be bound.
pub fn free_address(listen: SocketAddr) -> io::Result<SocketAddr> {
    TcpListener::bind(listen)?.local_addr()
}
