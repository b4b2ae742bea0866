//! The commands and their options.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

/// The AI Audit Layer: records, prices, redacts and proves the decisions that AI models make.
///
/// Exit status: 0 done or proven, 1 the thing checked is false, 2 bad input or unreadable, 3 unproven.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline with embedded engines.
    Up(UpArguments),
    /// Fill a running pipeline with a believable month of three companies' decisions.
    Demo(DemoArguments),
    /// Send recorded exchanges as if they had just happened.
    Replay(ReplayArguments),
    /// Recorded exchanges on standard input, one normalised line each on standard output.
    Normalise,
    /// Usages on standard input, one price each on standard output.
    Price,
    /// Texts on standard input, found spans and the redacted text on standard output.
    Redact,
    /// Check a running service's records against its signed checkpoints.
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
pub struct UpArguments {
    /// Everything that must survive lies here; made when missing.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// Where the console and the query API answer; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the edge takes events; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8081")]
    pub edge_listen: SocketAddr,
    /// The built console; without it only the API is served.
    #[arg(long)]
    pub console_dir: Option<PathBuf>,
    /// E-mail of the administrator that the first start makes.
    #[arg(long, default_value = "admin@audit.local")]
    pub admin_email: String,
    /// Time between two epochs, in milliseconds.
    #[arg(long, default_value_t = 10_000)]
    pub epoch_ms: u64,
    /// Use this Kafka (host:port, comma-separated) instead of the embedded broker.
    #[arg(long)]
    pub kafka: Option<String>,
    /// Fill in the demo's month when it is not there yet.
    #[arg(long)]
    pub demo: bool,
    /// Decisions of the demo.
    #[arg(long, default_value_t = 20_000)]
    pub demo_decisions: u64,
    /// Write logs as JSON.
    #[arg(long)]
    pub log_json: bool,
}

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Data directory of the running `audit up`; its control store gets the demo's tenants and keys.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// Same seed and end, same decisions.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long, default_value_t = 20_000)]
    pub decisions: u64,
    /// The month ends here (RFC 3339); now, when absent.
    #[arg(long)]
    pub end: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// Files of recorded exchanges, one JSON object a line.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Data directory of the running `audit up`.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// The application they are recorded for.
    #[arg(long, default_value = "replay")]
    pub application: String,
    /// Another salt gives other event ids, so that the same file can be recorded once more.
    #[arg(long, default_value = "")]
    pub salt: String,
    /// Print a summary as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Address of the running query API, for example http://127.0.0.1:8080.
    pub target: String,
    /// The pinned trust policy.
    #[arg(long)]
    pub policy: PathBuf,
    /// A token of an administrator or compliance officer.
    #[arg(long, env = "AAL_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Data directory of a local `audit up`: whoever can read its key file may sign in with it.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}
