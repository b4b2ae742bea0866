//! The embedded Kafka-protocol broker: `tansu-broker` with SQLite storage, as a child process on loopback.
//!
//! Speaks enough of Kafka's protocol for `rdkafka`: idempotent producers with `acks=all`, consumer groups, topic
//! administration, ListOffsets. No transactions are used, no access control, one broker.
//!
//! # Durability
//! Every acknowledged record is in SQLite's write-ahead log before its answer (`synchronous = normal`): it survives
//! `kill -9` of this process, not necessarily a power failure of the machine. Production uses Apache Kafka.
//!
//! # What is different from Apache Kafka
//! - *Retention* deletes single records, not segments. It works on topics made with `cleanup.policy=delete`; without
//!   `retention.ms` it is seven days, measured against the record's own timestamp, and it runs at the start and every
//!   `--maintenance-interval-ms`, for about 3 ms per thousand records, during which nothing else is answered. Topics without that policy grow for ever. SQLite reuses the freed pages, so the
//!   file stays at its largest size. `retention.bytes` is ignored.
//! - *A fetch below the earliest offset* is answered with the records that are left, never with
//!   OFFSET_OUT_OF_RANGE: a consumer sees a gap only by comparing offsets.
//! - *A record larger than the fetch size* is never delivered and blocks its partition: consumers need
//!   `fetch.message.max.bytes` above the largest record.
//! - *DeleteRecords* is missing in the broker; the request ends this process, as any panic in it does (see
//!   [`broker`]), and its supervisor starts it again.

mod broker;
mod config;

use aal_child::inside::{announce, stop_signal};
use clap::Parser;
use config::Arguments;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// How long work on the runtime's threads may take to end; what it was doing is rolled back at the next start.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    broker::end_process_on_panic();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("aal-log-engine: cannot start its threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(arguments));
    runtime.shutdown_timeout(STOP_TIMEOUT);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aal-log-engine: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let stop = stop_signal(arguments.follow_parent)?;
    let directory = config::open_directory(&arguments.data).await?;
    let address = config::free_address(arguments.listen)?;
    let broker = broker::start(&arguments, address).await?;
    let mut broker = std::pin::pin!(broker);
    let mut stop = std::pin::pin!(stop.wait());

    tokio::select! {
        ended = &mut broker => return Err(ended.into()),
        _ = &mut stop => return Ok(()),
        ready = broker::answers(address) => ready?,
    }
    announce(address)?;
    tokio::select! {
        ended = &mut broker => Err(ended.into()),
        reason = &mut stop => {
            tracing::info!(?reason, "stopping");
            drop(directory);
            Ok(())
        }
    }
}
