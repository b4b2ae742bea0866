//! Puts what a service tells on the log.

use std::time::Duration;

use aal_event::{AvroError, FieldError, Kind, Limits, SystemEvent};
use aal_kafka::{EVENTS, Producer, SendError};
use aal_store::{Store, StoreError};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A service starts and stops whether or not the log takes the news.
const LIFE_TOLD_WITHIN: Duration = Duration::from_secs(2);

/// Why something was not told; it may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Encode(#[from] AvroError),
    #[error("what is told breaks a rule at {}: {}", .0.pointer, .0.message)]
    Invalid(FieldError),
}

/// One service, as the ledger hears of it.
#[derive(Clone, Debug)]
pub struct Teller {
    pub(crate) producer: Producer,
    pub(crate) store: Store,
    pub(crate) component: &'static str,
}

impl Teller {
    /// `component` is the service's name in the ledger, for example `processor`.
    pub fn new(producer: Producer, store: Store, component: &'static str) -> Teller {
        Teller {
            producer,
            store,
            component,
        }
    }

    /// The service's name in the ledger.
    pub fn component(&self) -> &'static str {
        self.component
    }

    /// A sign of life: `start`, `idle` or `stop`, of the service or of one of its shards.
    ///
    /// # Errors
    /// [`TellError`].
    pub async fn heartbeat(&self, action: &str, shard: Option<Shard>) -> Result<(), TellError> {
        let mut detail = self.detail();
        if let Some(shard) = shard {
            detail.insert("shard".to_owned(), shard.number.into());
        }
        let event = SystemEvent {
            occurred_at_us: Some(aal_service::times::now_us()),
            ..self.event(Kind::Heartbeat, Uuid::now_v7(), action, detail)
        };
        self.tell(event, shard.map(|shard| shard.partition)).await
    }

    /// A sign of life of the whole service that holds nothing up: what was not told within two seconds is logged.
    pub async fn life(&self, action: &str) {
        match tokio::time::timeout(LIFE_TOLD_WITHIN, self.heartbeat(action, None)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, action, "the ledger was not told of a sign of life"),
            Err(_) => tracing::warn!(action, "the ledger was not told of a sign of life in time"),
        }
    }

    /// That this machine's clock made a step of `step_us`, forward when positive.
    ///
    /// # Errors
    /// [`TellError`].
    pub async fn clock_step(&self, step_us: i64) -> Result<(), TellError> {
        let mut detail = self.detail();
        detail.insert("step_us".to_owned(), step_us.into());
        let action = if step_us < 0 { "back" } else { "forward" };
        let event = SystemEvent {
            occurred_at_us: Some(aal_service::times::now_us()),
            ..self.event(Kind::Clock, Uuid::now_v7(), action, detail)
        };
        self.tell(event, None).await
    }

    /// That a shard begins: told into its own partition, once for ever.
    ///
    /// # Errors
    /// [`TellError`].
    pub async fn shard_open(&self, shard: Shard) -> Result<(), TellError> {
        let mut detail = self.detail();
        detail.insert("shard".to_owned(), shard.number.into());
        let id = aal_event::system_id(Kind::ShardOpen, &[&shard.number.to_string()]);
        let event = self.event(Kind::ShardOpen, id, "open", detail);
        self.tell(event, Some(shard.partition)).await
    }

    /// That a shard ended before `next_offset`, because its topic is no more; told on the topic that replaced it.
    ///
    /// # Errors
    /// [`TellError`].
    pub async fn shard_close(&self, shard: u32, next_offset: u64) -> Result<(), TellError> {
        let mut detail = self.detail();
        detail.insert("shard".to_owned(), shard.into());
        detail.insert("next_offset".to_owned(), next_offset.into());
        let id = aal_event::system_id(Kind::ShardClose, &[&shard.to_string(), &next_offset.to_string()]);
        let mut event = self.event(Kind::ShardClose, id, "close", detail);
        event.reason = Some("the topic was replaced".to_owned());
        self.tell(event, None).await
    }

    pub(crate) fn detail(&self) -> Map<String, Value> {
        let mut detail = Map::new();
        detail.insert("component".to_owned(), self.component.into());
        detail
    }

    pub(crate) fn event<'a>(
        &'a self,
        kind: Kind,
        event_id: Uuid,
        action: &'a str,
        detail: Map<String, Value>,
    ) -> SystemEvent<'a> {
        SystemEvent {
            kind,
            event_id,
            tenant: Uuid::nil(),
            actor: self.component,
            action,
            target: None,
            reason: None,
            detail,
            occurred_at_us: None,
        }
    }

    /// Sends and waits until it is durable on the log. Without a partition, all that one service tells of the
    /// installation goes to one partition, so that it stays in order.
    pub(crate) async fn tell(&self, event: SystemEvent<'_>, partition: Option<i32>) -> Result<(), TellError> {
        let event = event.into_event();
        if let Some(fault) = aal_event::validate(&event, &Limits::DEFAULT).into_iter().next() {
            return Err(TellError::Invalid(fault));
        }
        let bytes = aal_event::encode(&event)?;
        let key = format!("{}:{}", Uuid::nil(), self.component);
        match partition {
            Some(partition) => {
                self.producer
                    .send_to(EVENTS, partition, key.as_bytes(), &bytes)
                    .await?
            }
            None => self.producer.send(EVENTS, key.as_bytes(), &bytes).await?,
        };
        Ok(())
    }
}

/// A shard and the partition that feeds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    pub number: u32,
    pub partition: i32,
}
