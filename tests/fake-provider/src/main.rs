//! `aal-fake-provider --listen 127.0.0.1:0`: prints `{"address":"http://127.0.0.1:PORT"}` and serves until standard
//! input closes or SIGTERM comes.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use aal_fake_provider::{Options, Recordings, start};
use clap::Parser;
use tokio::io::AsyncReadExt;

/// A fake provider of language models for tests and benchmarks.
#[derive(Debug, Parser)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one. Loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A folder of recorded exchanges (`*.jsonl`): a request that is in there gets its recorded answer.
    #[arg(long)]
    recordings: Option<PathBuf>,
    /// Pause between two chunks of a stream, in milliseconds.
    #[arg(long, default_value_t = 2)]
    pace_ms: u64,
    /// How many requests are remembered for `GET /_fake/requests`; 0 for benchmarks.
    #[arg(long, default_value_t = 4096)]
    keep: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aal-fake-provider: {error}");
            ExitCode::from(2)
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if !arguments.listen.ip().is_loopback() {
        return Err(format!(
            "--listen {}: only loopback addresses are served",
            arguments.listen
        )
        .into());
    }
    let recordings = match &arguments.recordings {
        Some(folder) => Recordings::read(folder)?,
        None => Recordings::default(),
    };
    let running = start(Options {
        listen: arguments.listen,
        recordings,
        pace: Duration::from_millis(arguments.pace_ms),
        keep: arguments.keep,
    })
    .await?;
    println!("{}", serde_json::json!({"address": running.url()}));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        () = stdin_closed() => {}
    }
    running.stop();
    Ok(())
}

/// Whoever started it holds the other end; when that process dies, this one follows.
async fn stdin_closed() {
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 1024];
    while let Ok(1..) = stdin.read(&mut buffer).await {}
}
