//! Starting and stopping.

use std::sync::Arc;
use std::time::Duration;

use aal_announce::Teller;
use aal_control::{Control, ControlError};
use aal_kafka::rdkafka::error::KafkaError;
use aal_kafka::{Producer, TopicError};
use aal_service::objects::ObjectsError;
use aal_service::ops::serve_operations;
use aal_service::{Health, Metrics, ServeError, Shutdown, objects};
use aal_store::Store;
use tokio::sync::Notify;

use crate::announce;
use crate::build::RangeLimits;
use crate::bundle::{BundleMaker, Log};
use crate::config::{Config, PdfConfig};
use crate::html::{HtmlError, Templates};
use crate::make::Maker;
use crate::pdf::{PdfError, PdfRenderer};
use crate::read::{AnchorReader, Reader};
use crate::worker::{Numbers, Worker};

/// Longest wait for Kafka's acknowledgement of what the reporter tells of itself.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the reporter did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the control store cannot be opened: {0}")]
    Control(#[from] ControlError),
    #[error("the kafka client cannot be made: {0}; check [kafka] and its options")]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Topics(#[from] TopicError),
    #[error("configuration key `{key}`: {source}")]
    Objects {
        /// `reports.url` or `anchors.url`.
        key: &'static str,
        source: ObjectsError,
    },
    #[error(transparent)]
    Pdf(#[from] PdfError),
    #[error(transparent)]
    Templates(#[from] HtmlError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Makes reports until `shutdown`; a job under way then is given back and taken again by whoever comes next.
///
/// # Errors
/// [`RunError`], only while starting.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), RunError> {
    let metrics = Metrics::default();
    let health = Health::default();
    let component = health.register("reporter", None);
    // Closes last, so that a stopping reporter can still be watched.
    let operations_shutdown = Shutdown::new();
    let operations = match &config.operations {
        Some(http) => {
            Some(serve_operations(http.listen, health, metrics.clone(), operations_shutdown.clone()).await?)
        }
        None => None,
    };
    let control = Control::open(&config.control).await?;
    aal_kafka::ensure_topics(&config.kafka).await?;
    let open = async |key, config| {
        let opened = objects::open_checked(config).await;
        opened.map_err(|source| RunError::Objects { key, source })
    };
    let reports = open("reports.url", &config.reports).await?;
    let anchors = match &config.anchors {
        Some(anchors) => Some(open("anchors.url", anchors).await?),
        None => None,
    };
    let renderer = renderer(&config.pdf).await?;
    let store = Store::new(&config.store);
    let producer = Producer::new(&config.kafka, "aal-reporter-tells", DELIVERY_TIMEOUT)?;
    let teller = Teller::new(producer, store.clone(), "reporter");
    let reader = Reader::new(store, config.limits.query_timeout_ms, config.limits.records);
    let maker = Maker {
        bundles: anchors.clone().map(|anchors| BundleMaker {
            log: Log::new(anchors),
            reader: reader.clone(),
            limits: config.limits.bundle,
        }),
        reader,
        anchor: anchors.map(AnchorReader::new),
        control: control.clone(),
        templates: Templates::load()?,
        renderer,
        limits: RangeLimits {
            listing_max: config.limits.listing,
            exceptions_max: config.limits.exceptions,
        },
    };
    let bell = Arc::new(Notify::new());
    let listener = announce::listen(
        &config.kafka,
        &config.worker.group,
        bell.clone(),
        shutdown.clone(),
    )?;
    let worker = Worker {
        control: control.clone(),
        maker: Arc::new(maker),
        objects: reports,
        job_timeout: Duration::from_millis(config.limits.job_timeout_ms),
        bell,
        numbers: Numbers::new(&metrics),
        health: component,
        config: config.worker,
    };
    let workers: Vec<_> = (0..worker.config.jobs.max(1))
        .map(|_| tokio::spawn(worker.clone().run(shutdown.clone())))
        .collect();
    teller.life("start").await;
    for task in workers {
        if task.await.is_err() {
            tracing::error!("a report worker ended badly");
        }
    }
    // Joining blocks for at most one poll; the runtime's other threads go on.
    if tokio::task::spawn_blocking(move || listener.join().is_err())
        .await
        .unwrap_or(true)
    {
        tracing::error!("the listener for report requests ended badly");
    }
    teller.life("stop").await;
    control.close().await;
    operations_shutdown.request();
    if let Some(operations) = operations {
        operations.stopped().await;
    }
    Ok(())
}

/// The renderer; a machine without one still makes CSV and JSON, and says so in every PDF job.
async fn renderer(config: &PdfConfig) -> Result<Result<PdfRenderer, String>, PdfError> {
    match PdfRenderer::probe(config.limits(), config.sandbox_required).await {
        Ok(renderer) => {
            let isolation = renderer.isolation();
            if isolation.is_full() {
                tracing::info!(%isolation, "pdf sandbox is complete");
            } else {
                tracing::warn!(%isolation, "pdf sandbox is weaker than it should be; see reporter/README.md");
            }
            Ok(Ok(renderer))
        }
        Err(missing @ PdfError::ProgramMissing { .. }) => {
            tracing::warn!(reason = %missing, "reports are made without pdf");
            Ok(Err(missing.to_string()))
        }
        Err(error) => Err(error),
    }
}
