//! Start order, health, and a stop that loses nothing.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use aal_child::ChildError;
use aal_control::{Control, ControlConfig, ControlError};
use aal_kafka::TopicError;
use aal_ledger::VerifierKeyError;
use aal_service::{Shutdown, logging::LogConfig};
use aal_store::{Store, StoreError};
use rand::RngCore;

use crate::{
    cli::UpArguments,
    demo,
    local::{Endpoints, Local, LocalError},
    up::{
        engines::{Engine, Kept},
        layout::{self, EDGE_KEY_NAME, Layout, LayoutError, ORIGIN},
        services::Service,
        settings::Settings,
    },
};

/// Each service has this long to stop; the engines stop after them. All together stay under ten seconds.
const SERVICE_PATIENCE: Duration = Duration::from_secs(3);
const READY_WITHIN: Duration = Duration::from_secs(60);
const READY_POLL: Duration = Duration::from_millis(100);

/// Why the pipeline did not start.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error("engine: {0}")]
    Engine(#[from] ChildError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Topics(#[from] TopicError),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("{program} is missing beside {beside}: build it with `cargo build -p {package}`")]
    NoProgram {
        program: &'static str,
        package: &'static str,
        beside: String,
    },
    #[error("{option} {address} is taken: {source}; choose another address")]
    Taken {
        option: &'static str,
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("{0} did not answer within 60 s; its log lines above say why")]
    NotReady(&'static str),
    #[error("--gateway-upstream {0}: write NAME=URL, for example vllm=http://127.0.0.1:8000")]
    Upstream(String),
    #[error(transparent)]
    VerifierKey(#[from] VerifierKeyError),
}

/// `audit up`.
pub async fn run(arguments: UpArguments) -> Result<ExitCode, UpError> {
    let format = if arguments.log_json {
        aal_service::logging::LogFormat::Json
    } else {
        Default::default()
    };
    aal_service::logging::init(&LogConfig {
        format,
        ..LogConfig::default()
    });
    let shutdown = Shutdown::on_signals();
    let gateway_upstreams = upstreams(&arguments.gateway_upstreams)?;
    let layout = Layout::new(&arguments.data)?;
    let _lock = layout.lock()?;
    remove_stale(&layout.endpoints_file())?;
    if layout.ensure_keys()? {
        tracing::warn!(file = %layout.key_file().display(), "made a key file: it is for this machine only, production keys belong into a key service");
    }
    // Chosen before anything starts, so that a taken port is told at once and port 0 becomes a number.
    let console = free("--listen", arguments.listen)?;
    let edge = free("--edge-listen", arguments.edge_listen)?;

    let password = random_password();
    let olap = engine(
        "olap",
        "aal-olap-engine",
        layout.clickhouse(),
        vec![("AAL_OLAP_PASSWORD", password.clone())],
    )?;
    let log = engine("log", "aal-log-engine", layout.broker(), Vec::new())?;
    let (broker, clickhouse) = tokio::try_join!(
        async {
            match &arguments.kafka {
                Some(_) => Ok(None),
                None => log.keep().await.map(Some),
            }
        },
        olap.keep(),
    )?;
    let kafka = match (&arguments.kafka, &broker) {
        (Some(outside), _) => outside.clone(),
        (None, Some(broker)) => broker.address.to_string(),
        (None, None) => String::new(),
    };
    let settings = Settings {
        layout: layout.clone(),
        kafka,
        own_broker: broker.is_some(),
        clickhouse: clickhouse.address,
        clickhouse_password: password,
        console,
        edge,
        gateway_upstreams,
        schema_registry: arguments.schema_registry.clone(),
        console_dir: arguments.console_dir.clone(),
        epoch_ms: arguments.epoch_ms,
        erasure_settle_ms: arguments.erasure_settle_ms,
        first_shard: arguments.first_shard,
    };
    let started = start(&settings, &arguments, &shutdown).await;
    let (services, result) = match started {
        Ok(services) => {
            let demo = arguments
                .demo
                .then(|| tokio::spawn(fill_demo(arguments.data.clone(), arguments.demo_decisions)));
            shutdown.requested().await;
            if let Some(demo) = demo {
                demo.abort();
            }
            (services, Ok(ExitCode::SUCCESS))
        }
        Err((services, error)) => (services, Err(error)),
    };
    stop(services, broker, clickhouse).await;
    remove_stale(&layout.endpoints_file())?;
    result
}

type Started = Result<Vec<Service>, (Vec<Service>, UpError)>;

async fn start(settings: &Settings, arguments: &UpArguments, shutdown: &Shutdown) -> Started {
    let prepared = prepare(settings, arguments).await;
    let first_admin = match prepared {
        Ok(first_admin) => first_admin,
        Err(error) => return Err((Vec::new(), error)),
    };
    let services = if arguments.read_only {
        vec![query_api_service(settings)]
    } else {
        services(settings)
    };
    let ready = shutdown
        .unless_requested(all_ready(settings, arguments.read_only))
        .await;
    match ready {
        Some(Err(error)) => return Err((services, error)),
        None => return Ok(services),
        Some(Ok(())) => {}
    }
    match announce(settings, first_admin) {
        Ok(()) => Ok(services),
        Err(error) => Err((services, error)),
    }
}

/// Tables, topics, the first administrator and the trust policy, before any service runs.
async fn prepare(
    settings: &Settings,
    arguments: &UpArguments,
) -> Result<Option<aal_control::FirstAdmin>, UpError> {
    Store::new(&settings.store()).migrate().await?;
    aal_kafka::ensure_topics(&settings.kafka()).await?;
    let config = ControlConfig {
        url: settings.layout.control_url(),
        ..ControlConfig::default()
    };
    let control = Control::open(&config).await?;
    let first_admin = control
        .create_first_admin(&arguments.admin_email, aal_service::times::now_us())
        .await?;
    control.close().await;
    write_policy(&settings.layout)?;
    Ok(first_admin)
}

/// The keys an auditor pins. Written once: a changed file would hide a changed key.
fn write_policy(layout: &Layout) -> Result<(), UpError> {
    let path = layout.policy_file();
    if path.exists() {
        return Ok(());
    }
    let sealer = layout.sealer_signer()?.verifier_key().clone();
    let edge_seed = layout.ring()?.derive(aal_seal::purpose::RECEIPTS);
    let edge = aal_ledger::NoteSigner::from_seed(EDGE_KEY_NAME, &edge_seed)?
        .verifier_key()
        .clone();
    let second = layout.sealer_second_signer()?.verifier_key().clone();
    let text = aal_ledger::TrustPolicy::render_keys(ORIGIN, &[sealer, second], &[edge]);
    std::fs::write(&path, text).map_err(|source| UpError::Io {
        what: path.display().to_string(),
        source,
    })
}

fn query_api_service(settings: &Settings) -> Service {
    let settings = settings.clone();
    Service::keep("query-api", move |shutdown| {
        query_api::run(settings.query_api(), shutdown)
    })
}

fn services(settings: &Settings) -> Vec<Service> {
    let (processor, sealer, readback, reporter, edge) = (
        settings.clone(),
        settings.clone(),
        settings.clone(),
        settings.clone(),
        settings.clone(),
    );
    // In the order of stopping: the edge first, so that nothing new comes in.
    vec![
        Service::keep("ingest", move |shutdown| ingest::run(edge.ingest(), shutdown)),
        query_api_service(settings),
        Service::keep("reporter", move |shutdown| {
            reporter::run(reporter.reporter(), shutdown)
        }),
        Service::keep("readback", move |shutdown| {
            aal_readback::run(readback.readback(), shutdown)
        }),
        Service::keep("processor", move |shutdown| {
            processor::run(processor.processor(), shutdown)
        }),
        Service::keep("sealer", move |shutdown| {
            aal_sealer::run(sealer.sealer(), shutdown)
        }),
    ]
}

async fn all_ready(settings: &Settings, read_only: bool) -> Result<(), UpError> {
    let answers = |address: SocketAddr| async move {
        loop {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return;
            }
            tokio::time::sleep(READY_POLL).await;
        }
    };
    let all = [("the query API", settings.console), ("the edge", settings.edge)];
    let started = if read_only { &all[..1] } else { &all[..] };
    for (name, address) in started.iter().copied() {
        if tokio::time::timeout(READY_WITHIN, answers(address))
            .await
            .is_err()
        {
            return Err(UpError::NotReady(name));
        }
    }
    Ok(())
}

fn announce(settings: &Settings, first_admin: Option<aal_control::FirstAdmin>) -> Result<(), UpError> {
    let endpoints = Endpoints {
        console: settings.console,
        edge: settings.edge,
        kafka: settings.kafka.clone(),
        clickhouse: settings.clickhouse,
        clickhouse_password: settings.clickhouse_password.clone(),
        pid: std::process::id(),
    };
    let path = settings.layout.endpoints_file();
    let text = serde_json::to_string_pretty(&endpoints).unwrap_or_default();
    let written = layout::write_secret(&path, text.as_bytes());
    written.map_err(|source| UpError::Io {
        what: path.display().to_string(),
        source,
    })?;
    println!("console   http://{}", settings.console);
    println!("edge      http://{}", settings.edge);
    println!("gateway   http://{}/gateway/PROVIDER", settings.edge);
    match first_admin {
        Some(admin) => println!(
            "sign in   {}  password  {}   (printed this once)",
            admin.email, admin.password
        ),
        None => println!("sign in   with the password that the first start printed"),
    }
    println!(
        "policy    {}   (copy it away: audit verify trusts only a pinned policy)",
        settings.layout.policy_file().display()
    );
    println!("ready     Ctrl-C stops everything");
    Ok(())
}

async fn fill_demo(data: PathBuf, decisions: u64) {
    let filled = match Local::open(&data).await {
        Ok(local) => demo::fill_once(&local, decisions)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match filled {
        Ok(()) => println!("demo      the month of three companies is there"),
        Err(error) => tracing::error!(error, "the demo's month is not complete"),
    }
}

async fn stop(services: Vec<Service>, broker: Option<Kept>, clickhouse: Kept) {
    let (first, rest): (Vec<Service>, Vec<Service>) = services
        .into_iter()
        .partition(|service| matches!(service.name, "ingest" | "query-api" | "reporter" | "readback"));
    futures_util::future::join_all(first.into_iter().map(|service| service.stop(SERVICE_PATIENCE))).await;
    futures_util::future::join_all(rest.into_iter().map(|service| service.stop(SERVICE_PATIENCE))).await;
    tokio::join!(
        async {
            if let Some(broker) = broker {
                broker.stop().await;
            }
        },
        clickhouse.stop()
    );
}

fn upstreams(options: &[String]) -> Result<Vec<(String, String)>, UpError> {
    let pair = |option: &String| {
        let (name, url) = option.split_once('=')?;
        Some((name.to_owned(), url.to_owned()))
    };
    let pairs = options
        .iter()
        .map(|option| pair(option).ok_or_else(|| UpError::Upstream(option.clone())));
    pairs.collect()
}

fn engine(
    name: &'static str,
    program: &'static str,
    data: PathBuf,
    secrets: Vec<(&'static str, String)>,
) -> Result<Engine, UpError> {
    let own = std::env::current_exe().map_err(|source| UpError::Io {
        what: "own program".to_owned(),
        source,
    })?;
    let path = own.with_file_name(program);
    if !path.exists() {
        return Err(UpError::NoProgram {
            program,
            package: program,
            beside: own.display().to_string(),
        });
    }
    Ok(Engine {
        name,
        program: path,
        data,
        secrets,
    })
}

/// The address to listen on, with a real port; an error when it is taken.
fn free(option: &'static str, address: SocketAddr) -> Result<SocketAddr, UpError> {
    let listener = TcpListener::bind(address).map_err(|source| UpError::Taken {
        option,
        address,
        source,
    })?;
    listener.local_addr().map_err(|source| UpError::Taken {
        option,
        address,
        source,
    })
}

fn remove_stale(path: &Path) -> Result<(), UpError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(UpError::Io {
            what: path.display().to_string(),
            source,
        }),
        _ => Ok(()),
    }
}

/// For the engine's loopback port alone, new at every start.
fn random_password() -> String {
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
