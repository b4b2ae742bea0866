//! [`AuditLayer`]: captures calls and delivers them in the background.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{sync::Notify, time::timeout};
use uuid::Uuid;

use crate::{
    Client, ClientError,
    capture::{Capture, rfc3339},
    clean::without_credentials,
    context::{current, laid_over, lock},
    delivery::deliver,
    mark,
    queue::{Item, LayerCounts, Queue},
    spool::Spool,
};

/// How a layer behaves. Change what you need: `LayerSettings { fail_closed: true, ..LayerSettings::new("loans") }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSettings {
    /// The application that the client's key belongs to.
    pub application: String,
    pub environment: Option<String>,
    /// `false`: nothing is recorded and every call goes straight through.
    pub enabled: bool,
    /// No call without an acknowledged intent.
    pub fail_closed: bool,
    /// How long a call waits for its intent's acknowledgement.
    pub intent_timeout: Duration,
    /// Name of this process for sequence numbers; random when absent.
    pub instance: Option<String>,
    /// Events that may wait in memory, and their bytes.
    pub queue_events: usize,
    pub queue_bytes: usize,
    /// An event is sent no later than this after it was recorded, and in batches of at most so many.
    pub linger: Duration,
    pub batch_events: usize,
    /// Longest event; must not exceed the edge's `limits.event_bytes`. Longer bodies are cut and say so.
    pub max_event_bytes: usize,
}

impl LayerSettings {
    /// Defaults for an application.
    #[must_use]
    pub fn new(application: &str) -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            application: application.to_owned(),
            environment: None,
            enabled: true,
            fail_closed: false,
            intent_timeout: Duration::from_secs(5),
            instance: None,
            queue_events: 10_000,
            queue_bytes: 64 * MIB,
            linger: Duration::from_secs(1),
            batch_events: 500,
            max_event_bytes: 4 * MIB,
        }
    }
}

/// A call was not made because its intent was not acknowledged (`fail_closed`).
#[derive(Debug, thiserror::Error)]
#[error("the intent was not acknowledged, so the call was not made: {0}")]
pub struct AuditUnavailable(String);

/// Records calls. Clones share the queue, the numbering and the counters. Must be made inside a tokio runtime.
#[derive(Clone)]
pub struct AuditLayer {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) settings: LayerSettings,
    pub(crate) instance: String,
    /// Microseconds since 1970 when this layer began to count from 0.
    pub(crate) epoch: u64,
    pub(crate) queue: Mutex<Queue>,
    /// Held while items are made into events.
    pub(crate) making: Mutex<()>,
    pub(crate) spool: Option<Spool>,
    pub(crate) arrived: Notify,
    pub(crate) settled: Notify,
}

impl std::fmt::Debug for AuditLayer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AuditLayer")
            .field("settings", &self.shared.settings)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl AuditLayer {
    /// Starts the delivering task on the running tokio runtime; it ends when the last clone is dropped or on `close`.
    #[must_use]
    pub fn new(client: Client, settings: LayerSettings) -> Self {
        Self::start(client, settings, None)
    }

    /// As [`AuditLayer::new`], with a directory for what cannot be delivered. What earlier processes left there is
    /// delivered, and those that were killed get a closing event, so that what they lost shows as a gap.
    #[must_use]
    pub fn with_spool(client: Client, settings: LayerSettings, spool: Spool) -> Self {
        Self::start(client, settings, Some(spool))
    }

    fn start(client: Client, settings: LayerSettings, spool: Option<Spool>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let instance = settings.instance.clone();
        let shared = Arc::new(Shared {
            client,
            instance: instance.unwrap_or_else(|| Uuid::new_v4().simple().to_string()),
            epoch: u64::try_from(now.as_micros()).unwrap_or_default(),
            settings,
            queue: Mutex::default(),
            making: Mutex::default(),
            spool,
            arrived: Notify::new(),
            settled: Notify::new(),
        });
        shared.mark();
        tokio::spawn(deliver(Arc::downgrade(&shared)));
        Self { shared }
    }

    /// What happened to the events so far.
    #[must_use]
    pub fn counts(&self) -> LayerCounts {
        lock(&self.shared.queue).counts
    }

    /// Records anything else: an event in the edge's form, without `application`, `event_id`, `occurred_at` and `source`
    /// unless they matter. The running context's fields are filled in. Returns the event's id; `None` when switched off.
    ///
    /// # Errors
    /// [`ClientError::Event`] when it is no JSON object with `provider` and one of `request` and `response`.
    pub fn record(&self, event: Value) -> Result<Option<Uuid>, ClientError> {
        let settings = &self.shared.settings;
        if !settings.enabled {
            return Ok(None);
        }
        let refuse = |message: &str| Err(ClientError::Event(message.to_owned()));
        let Value::Object(given) = event else {
            return refuse("an event is a JSON object");
        };
        let context = current();
        let around = context
            .as_ref()
            .map(|context| context.fields().clone())
            .unwrap_or_default();
        let mut fields = laid_over(around, given);
        if !fields.contains_key("provider") {
            return refuse("provider is missing; name what answered, such as openai");
        }
        if !fields.contains_key("request") && !fields.contains_key("response") {
            return refuse("request and response are both missing; give one of them");
        }
        if let Some(url) = fields
            .get_mut("request")
            .and_then(|request| request.get_mut("url"))
        {
            *url = json!(without_credentials(url.as_str().unwrap_or_default()));
        }
        let event_id = match fields.get("event_id").and_then(Value::as_str) {
            Some(given) => {
                Uuid::parse_str(given).map_err(|error| ClientError::Event(format!("event_id: {error}")))?
            }
            None => Uuid::now_v7(),
        };
        fields.insert("event_id".into(), json!(event_id));
        fields.insert("application".into(), json!(settings.application));
        fields
            .entry("occurred_at")
            .or_insert_with(|| json!(rfc3339(SystemTime::now())));
        if let Some(environment) = &settings.environment {
            fields.entry("environment").or_insert_with(|| json!(environment));
        }
        let mut queue = lock(&self.shared.queue);
        fields.insert("source".into(), self.shared.source(queue.number()));
        let made = Bytes::from(Value::Object(fields).to_string());
        if made.len() > settings.max_event_bytes {
            queue.counts.recorded += 1;
            queue.counts.dropped += 1;
            queue.last_was_dropped = true;
            return refuse("the event is longer than max_event_bytes");
        }
        let size = made.len();
        self.shared.admit(&mut queue, Item::Made(made), size);
        drop(queue);
        if let Some(context) = context {
            context.remember(event_id);
        }
        Ok(Some(event_id))
    }

    /// Sends what waits, now. True when nothing is left, in memory or on disk, before the time is up.
    pub async fn flush(&self, within: Duration) -> bool {
        let settled = async {
            loop {
                let notified = self.shared.settled.notified();
                let counts = self.counts();
                if counts.pending + counts.spooled == 0 {
                    return;
                }
                self.shared.arrived.notify_one();
                notified.await;
            }
        };
        timeout(within, settled).await.is_ok()
    }

    /// Delivers what it can within the time; what is left then goes to the spool, or is counted as dropped. Nothing is
    /// taken afterwards. When the newest events were dropped, a closing event with the next number shows that.
    pub async fn close(&self, within: Duration) -> LayerCounts {
        self.shared.close_gap();
        self.flush(within).await;
        self.shared.abandon();
        lock(&self.shared.queue).counts
    }

    pub(crate) fn settings(&self) -> &LayerSettings {
        &self.shared.settings
    }

    pub(crate) fn is_open(&self) -> bool {
        self.shared.settings.enabled && !lock(&self.shared.queue).closing
    }

    /// A finished capture becomes an event in the queue.
    pub(crate) fn take(&self, mut capture: Capture) {
        capture.ended();
        let size = capture.memory_bytes();
        let mut queue = lock(&self.shared.queue);
        let sequence = queue.number();
        self.shared
            .admit(&mut queue, Item::Captured(Box::new(capture), sequence), size);
    }

    /// `fail_closed`: returns once the edge has the intent.
    pub(crate) async fn acknowledge(&self, capture: &mut Capture) -> Result<(), AuditUnavailable> {
        let intent_id = Uuid::now_v7();
        let sequence = {
            let mut queue = lock(&self.shared.queue);
            queue.counts.recorded += 1;
            queue.number()
        };
        let settings = &self.shared.settings;
        let intent = capture.intent(settings, self.shared.source(sequence), intent_id);
        let recorded = timeout(
            settings.intent_timeout,
            self.shared.client.record_json(intent.into()),
        )
        .await;
        let counts = &mut lock(&self.shared.queue).counts;
        match recorded {
            Ok(Ok(_)) => {
                counts.delivered += 1;
                capture.intent_id = Some(intent_id);
                Ok(())
            }
            Ok(Err(error @ ClientError::Refused { .. })) => {
                counts.refused += 1;
                Err(AuditUnavailable(error.to_string()))
            }
            Ok(Err(error)) => {
                counts.dropped += 1;
                Err(AuditUnavailable(error.to_string()))
            }
            Err(_) => {
                counts.dropped += 1;
                Err(AuditUnavailable(format!(
                    "no answer within {:?}",
                    settings.intent_timeout
                )))
            }
        }
    }
}

impl Shared {
    pub(crate) fn source(&self, sequence: u64) -> Value {
        mark::source(&self.instance, self.epoch, sequence)
    }

    fn admit(&self, queue: &mut Queue, item: Item, size: usize) {
        queue.counts.recorded += 1;
        let held = usize::try_from(queue.counts.pending).unwrap_or(usize::MAX);
        let is_full =
            held >= self.settings.queue_events || queue.held_bytes + size > self.settings.queue_bytes;
        queue.last_was_dropped = is_full || queue.closing;
        if queue.last_was_dropped {
            queue.counts.dropped += 1;
            return;
        }
        queue.push(item, size);
        if queue.items.len() >= self.settings.batch_events {
            self.arrived.notify_one();
        }
    }
}
