//! The search index: who looks for an e-mail address finds the records it belongs to by a keyed hash of it.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use aal_control::{SearchScope, SearchToken};
use aal_event::Event;
use aal_keys::KeysError;
use aal_record::{Draft, SubjectKey};
use aal_seal::IndexKey;
use uuid::Uuid;

use crate::worker::Shared;

/// Entries that need not be stored again; forgotten all at once when there are more.
const MOST_KNOWN: usize = 100_000;

/// The entries this process stored lately.
#[derive(Debug, Default)]
pub struct SearchTokens {
    known: Mutex<HashSet<SearchToken>>,
}

/// An event's e-mail addresses as keyed hashes, with whose erasure takes them away.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    user: Option<([u8; 32], Uuid)>,
    subject: Option<([u8; 32], Uuid)>,
}

/// The addresses of an event, sealed under these keys.
pub(crate) fn addresses(
    index: &IndexKey,
    event: &Event,
    content: &SubjectKey,
    user: &SubjectKey,
) -> Addresses {
    let hashed = |email: Option<&str>, key: &SubjectKey| {
        let email = email.filter(|email| !email.trim().is_empty())?;
        Some((index.email_lookup(email), key.key.subject_key_id))
    };
    let subject = event
        .subject
        .as_ref()
        .and_then(|subject| subject.email.as_deref());
    Addresses {
        user: hashed(event.user_email.as_deref(), user),
        subject: hashed(subject, content),
    }
}

/// Stores the entries of a block's records before the block, so that nothing stored cannot be found.
pub(crate) async fn store(
    shared: &Shared,
    addresses: &[Addresses],
    drafts: &[Draft],
    now_us: i64,
) -> Result<(), KeysError> {
    let pairs = addresses.iter().zip(drafts);
    let wanted: HashSet<SearchToken> = pairs
        .flat_map(|(addresses, draft)| entries(addresses, draft))
        .collect();
    let fresh: Vec<SearchToken> = {
        let known = shared.tokens.known.lock().unwrap_or_else(PoisonError::into_inner);
        wanted
            .into_iter()
            .filter(|token| !known.contains(token))
            .collect()
    };
    if fresh.is_empty() {
        return Ok(());
    }
    shared.keys.control().put_search_tokens(&fresh, now_us).await?;
    let mut known = shared.tokens.known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() + fresh.len() > MOST_KNOWN {
        known.clear();
    }
    known.extend(fresh);
    Ok(())
}

fn entries(addresses: &Addresses, draft: &Draft) -> Vec<SearchToken> {
    let entry = |(token, subject_key_id), scope, value| SearchToken {
        tenant: draft.tenant,
        token,
        subject_key_id,
        scope,
        value,
    };
    let mut entries = Vec::new();
    if let Some(user) = addresses.user {
        // By the user id as it is stored, which finds every record of the user; one entry however many there are.
        let user_id = &draft.templates.user_id;
        entries.push(if user_id.is_empty() {
            entry(user, SearchScope::Event, draft.event_id.to_string())
        } else {
            entry(user, SearchScope::User, user_id.clone())
        });
    }
    if let Some(subject) = addresses.subject {
        entries.push(entry(subject, SearchScope::Subject, subject.1.to_string()));
    }
    entries
}
