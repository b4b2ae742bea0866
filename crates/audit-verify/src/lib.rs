//! Verification of evidence bundles from files, for the programs `audit` and `audit-verify`.
//!
//! Architecture invariant: nothing of ClickHouse, Kafka, tokio or the network is among the dependencies (a test reads
//! `cargo tree`), so the program can be built and read by itself.

mod input;

pub use input::{InputError, read_known_head, read_policy, read_receipts};

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aal_bundle::ReadError;
use aal_verify::{BundleOptions, Report, verify_bundle};

/// Most threads that are used.
const MAX_THREADS: usize = 64;
/// Read ahead of the checks, in bytes.
const READ_AHEAD: usize = 1 << 20;

/// What to verify, and with what.
#[derive(Clone, Debug, clap::Args)]
pub struct BundleArguments {
    /// The bundle; `-` reads standard input.
    pub target: PathBuf,
    /// The pinned trust policy. It must have come another way than the bundle.
    #[arg(long)]
    pub policy: PathBuf,
    /// Receipts that clients kept, one line each: each event must be in the log.
    #[arg(long)]
    pub receipts: Option<PathBuf>,
    /// A checkpoint kept from before: the bundle's log must agree with it.
    #[arg(long)]
    pub known_head: Option<PathBuf>,
    /// Threads that check records; all cores when absent.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print the report as JSON (docs/evidence-bundle.md section 9).
    #[arg(long)]
    pub json: bool,
}

/// Verifies and prints; the exit status is the verdict's.
///
/// # Errors
/// When an input cannot be read or is no bundle: exit status 2.
pub fn run(arguments: &BundleArguments) -> Result<ExitCode, InputError> {
    let report = verify(arguments)?;
    print_report(&report, arguments.json);
    Ok(ExitCode::from(report.exit_code()))
}

/// Prints a report as people or programs want it.
pub fn print_report(report: &Report, as_json: bool) {
    if as_json {
        // A report has no value that JSON cannot hold.
        println!("{}", serde_json::to_string(report).unwrap_or_default());
    } else {
        print!("{report}");
    }
}

/// Verifies the bundle that the arguments name.
///
/// # Errors
/// As [`run`].
pub fn verify(arguments: &BundleArguments) -> Result<Report, InputError> {
    let policy = read_policy(&arguments.policy)?;
    let known_head = arguments.known_head.as_deref();
    let known_head = known_head
        .map(|path| read_known_head(path, &policy))
        .transpose()?;
    let receipts = arguments.receipts.as_deref();
    let receipts = receipts.map(|path| read_receipts(path, &policy)).transpose()?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = BundleOptions {
        threads: arguments.threads.unwrap_or(cores).min(MAX_THREADS),
        known_head,
        receipts,
    };
    let verified = if arguments.target == Path::new("-") {
        verify_bundle(io::stdin().lock(), &policy, options)
    } else {
        let opened = File::open(&arguments.target).map_err(|source| InputError::File {
            file: arguments.target.clone(),
            source,
        })?;
        let input: Box<dyn Read> = Box::new(BufReader::with_capacity(READ_AHEAD, opened));
        verify_bundle(input, &policy, options)
    };
    verified.map_err(|error| match error {
        ReadError::Io(source) => InputError::File {
            file: arguments.target.clone(),
            source,
        },
        ReadError::Form(error) => InputError::NoBundle {
            file: arguments.target.clone(),
            reason: error.to_string(),
        },
    })
}
