//! Whose data a text is: that person's key seals it, and destroying the key erases it.

use aal_event::{Event, Kind};
use aal_seal::{DataKey, KeyRef};
use uuid::Uuid;

use crate::draft::target_of;

/// The person, or failing that the event, under whose key something is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The person the decision is about.
    Subject(String),
    /// The person who used the application.
    User(String),
    /// Nobody known: the event itself, so that it can still be erased on its own.
    Event(Uuid),
}

impl Owner {
    /// Kind and value for the keyed lookup in the subject directory.
    pub fn lookup(&self) -> (&'static str, String) {
        match self {
            Owner::Subject(id) => ("subject", id.clone()),
            Owner::User(id) => ("user", id.clone()),
            Owner::Event(id) => ("event", id.to_string()),
        }
    }
}

/// Who owns what of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    /// Request, response, attributes, removed values, the subject's e-mail.
    pub content: Owner,
    /// The user's e-mail and address.
    pub user: Owner,
}

/// A data key with the name it goes by in leaves.
#[derive(Clone)]
pub struct SubjectKey {
    pub key: KeyRef,
    pub data_key: DataKey,
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SubjectKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Decides who owns what of an event.
pub fn owners(event: &Event) -> Owners {
    let event_id = match (event.kind, &event.outcome) {
        (Kind::Outcome, Some(outcome)) => outcome.target_event_id,
        // Whoever erases the event erases what was about to be asked.
        (Kind::Intent, _) => target_of(event).unwrap_or(event.event_id),
        _ => event.event_id,
    };
    let by_user = event.user_id.clone().map(Owner::User);
    let by_subject = event
        .subject
        .as_ref()
        .map(|subject| Owner::Subject(subject.id.clone()));
    let fallback = Owner::Event(event_id);
    Owners {
        content: by_subject
            .or_else(|| by_user.clone())
            .unwrap_or_else(|| fallback.clone()),
        user: by_user.unwrap_or(fallback),
    }
}
