//! Making, starting and watching tansu's broker.

use crate::config::Arguments;
use std::future::Future;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;
use tansu_broker::broker::Builder as BrokerBuilder;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

/// The one broker's id, and the one cluster's.
const NODE_ID: i32 = 1;
const CLUSTER_ID: &str = "aal";
/// The database's file in the data directory.
const STORAGE_FILE: &str = "log.db";
/// How long the broker may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const START_RETRY: Duration = Duration::from_millis(10);

/// The broker's builder before anything is set; its own alias is private.
type UnsetBuilder = BrokerBuilder<
    PhantomData<i32>,
    PhantomData<String>,
    PhantomData<Uuid>,
    PhantomData<Url>,
    PhantomData<Url>,
    PhantomData<Url>,
>;

/// Why the broker does not run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// An address or path that does not make a URL.
    #[error("cannot make a url of the address or the data directory")]
    Url(#[from] url::ParseError),
    /// The storage cannot be opened.
    #[error("cannot open the log's storage: {0}")]
    Storage(String),
    /// The broker ended; without this error nobody would notice.
    #[error("the broker ended: {0}")]
    Ended(String),
    /// Nothing listens on the address.
    #[error("the broker does not answer on {0}")]
    Silent(SocketAddr),
}

/// Opens the storage in the current directory and gives a future that serves until it fails.
///
/// # Errors
/// [`BrokerError`].
pub async fn start(
    arguments: &Arguments,
    address: SocketAddr,
) -> Result<impl Future<Output = BrokerError> + use<>, BrokerError> {
    let interval_ms = arguments.maintenance_interval_ms;
    let storage = Url::parse(&format!(
        "sqlite:///{STORAGE_FILE}?maintenance_interval={interval_ms}ms"
    ))?;
    let listener = Url::parse(&format!("tcp://{address}"))?;
    let mut broker = UnsetBuilder::default()
        .node_id(NODE_ID)
        .cluster_id(CLUSTER_ID)
        .incarnation_id(Uuid::new_v4())
        .advertised_listener(listener.clone())
        .listener(listener)
        .storage(storage)
        .silent(true)
        .build()
        .await
        .map_err(|error| BrokerError::Storage(format!("{error:?}")))?;
    Ok(async move {
        match broker.serve(Instant::now()).await {
            Ok(()) => BrokerError::Ended("without an error".to_owned()),
            Err(error) => BrokerError::Ended(format!("{error:?}")),
        }
    })
}

/// Waits until something accepts connections on the address.
///
/// # Errors
/// [`BrokerError::Silent`].
pub async fn answers(address: SocketAddr) -> Result<(), BrokerError> {
    let deadline = Instant::now() + START_TIMEOUT;
    while TcpStream::connect(address).await.is_err() {
        if Instant::now() >= deadline {
            return Err(BrokerError::Silent(address));
        }
        sleep(START_RETRY).await;
    }
    Ok(())
}

/// Ends the whole process when any thread of it panics.
///
/// The broker's storage is one task: a panic in it, which some requests cause, would leave a process that accepts
/// connections and answers nothing. A crash is what the storage is safe against, and a supervisor notices it.
pub fn end_process_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        std::process::abort();
    }));
}
