//! The commands and their options.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::api::ApiArguments;
use crate::reconcile::ReconcileArguments;
use crate::reprice::RepriceArguments;

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
    /// Check a running service's records, or an evidence bundle, against signed checkpoints.
    Verify(VerifyArguments),
    /// Cosign checkpoints of logs of others, as a C2SP witness.
    Witness(WitnessArguments),
    /// Ask a running service for an evidence bundle of a period and save it.
    Bundle(BundleArguments),
    /// Compare a provider's usage or cost reports with what the ledger holds, by day and model.
    Reconcile(ReconcileArguments),
    /// Price the calls of a period anew, as correction records.
    Reprice(RepriceArguments),
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
    /// A provider for the gateway on the edge's port, NAME=URL; the well-known ones are there already. May be repeated.
    #[arg(long = "gateway-upstream", value_name = "NAME=URL")]
    pub gateway_upstreams: Vec<String>,
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
pub struct WitnessArguments {
    /// Where it answers; port 0 takes a free one. Put TLS in front of it when others reach it over a network.
    #[arg(long, default_value = "127.0.0.1:7380")]
    pub listen: SocketAddr,
    /// Its keys and what it cosigned last; made when missing. Never replace it by an older copy.
    #[arg(long)]
    pub data: PathBuf,
    /// A C2SP tlog-policy whose `log` lines name the logs to witness.
    #[arg(long)]
    pub policy: PathBuf,
    /// Its name in signature lines, like witness.example.com/audit.
    #[arg(long)]
    pub name: String,
    /// Requests a second from one address, ten times as many at once.
    #[arg(long, default_value_t = 10)]
    pub requests_per_second: u32,
    /// Print address and keys as one line of JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Address of the running query API, for example http://127.0.0.1:8080; or a bundle's file, `-` for standard input.
    pub target: String,
    /// The pinned trust policy.
    #[arg(long)]
    pub policy: PathBuf,
    /// A token of an administrator or compliance officer; only for a running service.
    #[arg(long, env = "AAL_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Data directory of a local `audit up`: whoever can read its key file may sign in with it.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Receipts that clients kept, one line each: each event must be in the log.
    #[arg(long)]
    pub receipts: Option<PathBuf>,
    /// A checkpoint kept from before, with or without cosignatures, which the log must agree with.
    #[arg(long)]
    pub known_head: Option<PathBuf>,
    /// Bundles: threads that check records; all cores when absent.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BundleArguments {
    #[command(flatten)]
    pub api: ApiArguments,
    /// Begin of the period, RFC 3339.
    #[arg(long)]
    pub from: String,
    /// End of the period, RFC 3339; does not belong to it.
    #[arg(long)]
    pub to: String,
    /// Hand over the content of these records only, as name=value; every leaf is in the bundle all the same.
    #[arg(long = "filter", value_name = "NAME=VALUE")]
    pub filters: Vec<String>,
    /// Only this tenant's chains.
    #[arg(long)]
    pub tenant: Option<uuid::Uuid>,
    /// Hand over no content at all, only leaves and headers.
    #[arg(long)]
    pub no_content: bool,
    /// Where to save it; `-` writes standard output.
    #[arg(long, short)]
    pub output: PathBuf,
    /// Print a summary as JSON.
    #[arg(long)]
    pub json: bool,
}
