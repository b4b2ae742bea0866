//! The audit of the audit: who read or changed what becomes an event of the same ledger.
//!
//! The record names the user by id; the address stays in the control store, where it can be erased.

use aal_control::User;
pub(crate) use aal_event::OWN_APPLICATION;
use aal_event::{Access, Event, Kind};
use aal_kafka::{EVENTS, SendError};
use aal_service::Problem;
use aal_service::times::now_us;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;

/// What is recorded of one access.
pub(crate) struct AccessNote<'a> {
    pub(crate) user: &'a User,
    /// Tenant whose data it is about; nil for the installation as a whole.
    pub(crate) tenant: Uuid,
    /// `login`, `read`, `reveal`, `export`, `report.download`, `user.create`, ...
    pub(crate) action: &'static str,
    pub(crate) target: Option<Uuid>,
    pub(crate) reason: Option<String>,
    pub(crate) detail: Value,
}

impl App {
    /// Records a read. It must be acknowledged before the data is given out, so a failure is a refusal.
    pub(crate) async fn record_access(&self, note: AccessNote<'_>) -> Result<(), Problem> {
        self.record(Kind::Access, Uuid::now_v7(), note).await
    }

    /// As [`App::record_access`], under an id that something else will name.
    pub(crate) async fn record_access_as(&self, id: Uuid, note: AccessNote<'_>) -> Result<(), Problem> {
        self.record(Kind::Access, id, note).await
    }

    /// Records a change of users, keys or policies.
    pub(crate) async fn record_admin(&self, note: AccessNote<'_>) -> Result<(), Problem> {
        self.record_admin_as(Uuid::now_v7(), note).await
    }

    /// As [`App::record_admin`], under an id that follows from what is done, so that it can be found by it.
    pub(crate) async fn record_admin_as(&self, event_id: Uuid, note: AccessNote<'_>) -> Result<(), Problem> {
        self.record(Kind::Admin, event_id, note).await
    }

    async fn record(&self, kind: Kind, event_id: Uuid, note: AccessNote<'_>) -> Result<(), Problem> {
        let at_us = now_us();
        let event = Event {
            kind,
            event_id,
            tenant: note.tenant,
            application: OWN_APPLICATION.to_owned(),
            occurred_at_us: Some(at_us),
            edge_at_us: Some(at_us),
            user_id: Some(note.user.id.to_string()),
            access: Some(Access {
                actor: note.user.id.to_string(),
                role: note.user.role.as_str().to_owned(),
                action: note.action.to_owned(),
                target_event_id: note.target.map(|id| id.to_string()),
                reason: note.reason,
                detail: note.detail.is_object().then(|| note.detail.to_string()),
            }),
            ..Event::default()
        };
        self.send_event(&event).await
    }

    /// Puts an event on the log and waits until it is durable there.
    pub(crate) async fn send_event(&self, event: &Event) -> Result<(), Problem> {
        let faults = aal_event::validate(event, &aal_event::Limits::DEFAULT);
        if !faults.is_empty() {
            let problem = Problem::validation("the event breaks a rule");
            return Err(faults.into_iter().fold(problem, |problem, fault| {
                problem.with_error(fault.pointer, fault.message)
            }));
        }
        let bytes = aal_event::encode(event).map_err(|error| {
            tracing::error!(%error, "event does not encode");
            Problem::internal("the event could not be written")
        })?;
        let sent = self
            .producer
            .send(EVENTS, event.kafka_key().as_bytes(), &bytes)
            .await;
        sent.map(|_| ()).map_err(|error| {
            tracing::warn!(%error, "event not recorded");
            match error {
                SendError::Refused(_) => Problem::validation("the log refused the event"),
                _ => {
                    Problem::unavailable("the log does not answer, and nothing is done unrecorded; try again")
                        .with_retry_after(2)
                }
            }
        })
    }
}
