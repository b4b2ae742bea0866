//! Who a call is made for: follows the task that it was set for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What can be said about the calls of a context; the names are those of the event.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Attribution {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_type: Option<String>,
    /// The person the decision is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phi: Option<bool>,
}

/// The person a decision is about.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Subject {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

tokio::task_local! {
    static CURRENT: Arc<Context>;
}

/// One level of attribution: its fields laid over those around it.
#[derive(Debug, Default)]
pub struct Context {
    fields: Map<String, Value>,
    parent: Option<Arc<Context>>,
    last_event_id: Mutex<Option<Uuid>>,
}

impl Context {
    /// A context below the running one.
    #[must_use]
    pub fn new(attribution: &Attribution) -> Arc<Self> {
        let parent = current();
        let mut fields = parent
            .as_ref()
            .map(|parent| parent.fields.clone())
            .unwrap_or_default();
        if let Ok(Value::Object(own)) = serde_json::to_value(attribution) {
            fields = laid_over(fields, own);
        }
        Arc::new(Self {
            fields,
            parent,
            last_event_id: Mutex::new(None),
        })
    }

    /// Runs a future in this context. A task that it spawns is outside: wrap it with the same context.
    pub async fn scope<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        CURRENT.scope(self.clone(), future).await
    }

    /// The id of the latest call made inside, for `record_outcome`.
    #[must_use]
    pub fn last_event_id(&self) -> Option<Uuid> {
        *lock(&self.last_event_id)
    }

    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    pub(crate) fn remember(&self, event_id: Uuid) {
        *lock(&self.last_event_id) = Some(event_id);
        if let Some(parent) = &self.parent {
            parent.remember(event_id);
        }
    }
}

/// The inner fields over the outer ones; tags and metadata are merged key by key.
pub(crate) fn laid_over(mut outer: Map<String, Value>, inner: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in inner {
        match (name.as_str(), outer.get_mut(&name), value) {
            ("tags" | "metadata", Some(Value::Object(around)), Value::Object(own)) => around.extend(own),
            (_, _, value) => {
                outer.insert(name, value);
            }
        }
    }
    outer
}

pub(crate) fn current() -> Option<Arc<Context>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// A lock whose holder panicked guards data that is still whole: every change under these locks is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
