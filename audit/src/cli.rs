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
    /// Show, rotate and wrap anew the keys that protect what a running installation stores.
    Keys(KeysArguments),
    /// Ask a running service for an evidence bundle of a period and save it.
    Bundle(BundleArguments),
    /// Compare a provider's usage or cost reports with what the ledger holds, by day and model.
    Reconcile(ReconcileArguments),
    /// Ask for a person's erasure, and see how far it is (docs/erasure.md).
    Erase(EraseArguments),
    /// Prune the records whose retention is over, when two people agree (docs/erasure.md, "Pruning").
    Prune(PruneArguments),
    /// List, show and replay messages that could not be recorded as events.
    DeadLetters(DeadLettersArguments),
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
    /// How long an erasure waits for services to drop keys from memory before rows are emptied once more, in milliseconds.
    #[arg(long, default_value_t = 310_000)]
    pub erasure_settle_ms: u64,
    /// Use this Kafka (host:port, comma-separated) instead of the embedded broker.
    #[arg(long)]
    pub kafka: Option<String>,
    /// Address of the schema registry of producers that use Confluent's framing.
    #[arg(long, value_name = "URL")]
    pub schema_registry: Option<String>,
    /// Serve what is stored and change nothing of it: no edge, no processor, no sealer, no read-back, no reports. For
    /// looking at a copy. What is read is still put on the log, and recorded by the next start without this option.
    #[arg(long, conflicts_with = "demo")]
    pub read_only: bool,
    /// The shard that partition 0 feeds, where the events topic of that Kafka was deleted and made again: a number above
    /// every shard of the old topic, which are closed then.
    #[arg(long, value_name = "SHARD", default_value_t = 0, requires = "kafka")]
    pub first_shard: u32,
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
    /// Keep the edge's receipts here, one line each, for `audit verify --receipts`; added to what is there.
    #[arg(long)]
    pub receipts: Option<PathBuf>,
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
    /// Keep the edge's receipts here, one line each, for `audit verify --receipts`; added to what is there.
    #[arg(long)]
    pub receipts: Option<PathBuf>,
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
    /// A running service: seconds since its newest epoch closed. An older one is unproven: the log stands still, or is an
    /// old copy that somebody put back.
    #[arg(long, default_value_t = 600)]
    pub max_age: u64,
    /// Bundles: threads that check records; all cores when absent.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum KeysAction {
    /// Provider, keys by tenant and epoch, and what is left to wrap anew.
    Status,
    /// Make a new version of the provider's key, a new key for every tenant and a new payload key. Nothing becomes unreadable.
    Rotate,
    /// Wrap every data key anew under the current keys, destroy the old ones, and wait for it.
    Rewrap,
}

#[derive(Debug, Args)]
pub struct KeysArguments {
    #[command(subcommand)]
    pub action: KeysAction,
    #[command(flatten)]
    pub api: ApiArguments,
    /// Print JSON.
    #[arg(long, global = true)]
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

#[derive(Debug, Args)]
pub struct EraseArguments {
    #[command(subcommand)]
    pub action: EraseAction,
    #[command(flatten)]
    pub api: ApiArguments,
}

#[derive(Debug, Subcommand)]
pub enum EraseAction {
    /// Ask for the erasure of a person, or of one event.
    Request {
        /// The id that applications send as subject.id or user_id; with --kind event the event's UUID.
        subject: String,
        /// Whose records.
        #[arg(long)]
        tenant: uuid::Uuid,
        /// person, subject, user or event.
        #[arg(long, default_value = "person")]
        kind: String,
        /// How it was made sure that the person is who they say.
        #[arg(long)]
        identity_check: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// One request, or all of them.
    Status { erasure: Option<uuid::Uuid> },
    /// Consent to skip the waiting time; two different people must.
    Override {
        erasure: uuid::Uuid,
        #[arg(long)]
        reason: String,
    },
    /// Print the certificate, or with --note the signed note over it.
    Certificate {
        erasure: uuid::Uuid,
        #[arg(long)]
        note: bool,
    },
}

#[derive(Debug, Args)]
pub struct PruneArguments {
    #[command(subcommand)]
    pub action: PruneAction,
    #[command(flatten)]
    pub api: ApiArguments,
}

#[derive(Debug, Subcommand)]
pub enum PruneAction {
    /// What would go now; changes nothing.
    Plan {
        /// Whose records.
        #[arg(long)]
        tenant: uuid::Uuid,
    },
    /// Ask for it; another person must approve.
    Request {
        /// Whose records.
        #[arg(long)]
        tenant: uuid::Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// One prune, or all of them.
    Status { prune: Option<uuid::Uuid> },
    /// Agree to one that somebody else asked for.
    Approve {
        prune: uuid::Uuid,
        #[arg(long)]
        reason: String,
    },
    /// Take one back that was not carried out yet.
    Cancel {
        prune: uuid::Uuid,
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub struct DeadLettersArguments {
    #[command(flatten)]
    pub api: ApiArguments,
    #[command(subcommand)]
    pub command: DeadLettersCommand,
}

#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// A line each, newest first; none of their content.
    List {
        /// Only those before this one.
        #[arg(long)]
        before: Option<u64>,
        /// How many at most, up to 200.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// One of them with its text, personal data replaced. The ledger records that somebody looked.
    Show {
        /// Its number in the list.
        dead_letter: u64,
    },
    /// Puts the bytes of one back onto the topic, as they were. The ledger records who did it and why.
    Replay {
        /// Its number in the list.
        dead_letter: u64,
        /// Why it will be accepted now.
        #[arg(long)]
        reason: String,
        /// Although it was replayed before.
        #[arg(long)]
        again: bool,
    },
}
