//! `x-audit-*`: what the application says about a call. Taken off before the provider sees it. No I/O.

use std::collections::BTreeMap;

use aal_event::{Event, Limits, Subject};
use http::HeaderMap;
use uuid::Uuid;

use crate::clean::percent_decoded;

const PREFIX: &str = "x-audit-";
/// Header that carries the gateway's API key.
pub(crate) const KEY: &str = "x-audit-key";
/// Header of the event's id, in both directions.
pub(crate) const EVENT_ID: &str = "x-audit-event-id";
/// What OpenAI's and Anthropic's clients say when they send a call again.
const RETRY_COUNT: &str = "x-stainless-retry-count";

/// What the application said, and what of it could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attribution {
    pub(crate) application: Option<String>,
    environment: Option<String>,
    decision_type: Option<String>,
    session_id: Option<String>,
    user_id: Option<String>,
    user_email: Option<String>,
    ip_address: Option<String>,
    subject_id: Option<String>,
    subject_email: Option<String>,
    tags: BTreeMap<String, String>,
    phi: Option<bool>,
    pub(crate) event_id: Option<Uuid>,
    /// The id that the application gave, when this is a repetition and so has an id of its own.
    pub(crate) retry_of: Option<Uuid>,
    /// One sentence each, naming the header.
    pub(crate) errors: Vec<String>,
}

impl Attribution {
    /// Takes every `x-audit-*` header off.
    pub(crate) fn take(headers: &mut HeaderMap) -> Attribution {
        let mut attribution = Attribution::default();
        let names: Vec<_> = headers
            .keys()
            .filter(|name| name.as_str().starts_with(PREFIX))
            .cloned()
            .collect();
        for name in names {
            let value = headers.remove(&name);
            let text = value.as_ref().map(|value| std::str::from_utf8(value.as_bytes()));
            match text {
                _ if name == KEY => {}
                Some(Ok(text)) => attribution.set(name.as_str(), text.trim()),
                _ => attribution.errors.push(format!("{name}: is not UTF-8")),
            }
        }
        attribution.tell_repetitions_apart(headers);
        attribution
    }

    fn set(&mut self, name: &str, text: &str) {
        let limits = Limits::DEFAULT;
        let (field, limit_bytes) = match &name[PREFIX.len()..] {
            "application" => (&mut self.application, limits.name_bytes),
            "environment" => (&mut self.environment, limits.name_bytes),
            "decision-type" => (&mut self.decision_type, limits.name_bytes),
            "session" => (&mut self.session_id, limits.id_bytes),
            "user" => (&mut self.user_id, limits.id_bytes),
            "user-email" => (&mut self.user_email, limits.id_bytes),
            "ip" => (&mut self.ip_address, limits.id_bytes),
            "subject" => (&mut self.subject_id, limits.id_bytes),
            "subject-email" => (&mut self.subject_email, limits.id_bytes),
            "tags" => return self.set_tags(name, text),
            "phi" => return self.set_phi(name, text),
            "event-id" => return self.set_event_id(name, text),
            _ => {
                self.errors
                    .push(format!("{name}: is not known; see docs/gateway.md"));
                return;
            }
        };
        match usable(text, limit_bytes) {
            Ok(()) => *field = Some(text.to_owned()),
            Err(reason) => self.errors.push(format!("{name}: {reason}")),
        }
    }

    /// `team=credit, region=eu`; values may be percent-encoded.
    fn set_tags(&mut self, name: &str, text: &str) {
        let limits = Limits::DEFAULT;
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                self.errors.push(format!(
                    "{name}: {pair:.64?} has no `=`; write key=value, separated by commas"
                ));
                continue;
            };
            let (key, value) = (percent_decoded(key.trim()), percent_decoded(value.trim()));
            let checked =
                usable(&key, limits.name_bytes).and_then(|()| usable(&value, limits.tag_value_bytes));
            match checked {
                Err(reason) => self.errors.push(format!("{name}: the tag {key:.64?} {reason}")),
                Ok(()) if self.tags.len() >= limits.tags => {
                    self.errors
                        .push(format!("{name}: at most {} tags are taken", limits.tags));
                    return;
                }
                Ok(()) => {
                    self.tags.insert(key, value);
                }
            }
        }
    }

    fn set_phi(&mut self, name: &str, text: &str) {
        match text {
            "true" => self.phi = Some(true),
            "false" => self.phi = Some(false),
            // Whoever sends it means to protect something.
            _ => {
                self.phi = Some(true);
                self.errors
                    .push(format!("{name}: must be true or false; taken as true"));
            }
        }
    }

    fn set_event_id(&mut self, name: &str, text: &str) {
        match Uuid::parse_str(text).ok().filter(|id| !id.is_nil()) {
            Some(id) => self.event_id = Some(id),
            None => self
                .errors
                .push(format!("{name}: must be a UUID; another id was made")),
        }
    }

    /// Clients send a failed call again with the same headers. That is another call: under the same id it would be
    /// a conflict, so it gets an id that follows from the first one and the count.
    fn tell_repetitions_apart(&mut self, headers: &HeaderMap) {
        let count = headers
            .get(RETRY_COUNT)
            .and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        if let (Some(id), Some(count @ 1..)) = (self.event_id, count) {
            self.retry_of = Some(id);
            self.event_id = Some(Uuid::new_v5(&id, format!("retry {count}").as_bytes()));
        }
    }

    /// Puts what was said into the event; its id and application are the caller's business.
    pub(crate) fn fill(&self, event: &mut Event) {
        event.environment.clone_from(&self.environment);
        event.decision_type.clone_from(&self.decision_type);
        event.session_id.clone_from(&self.session_id);
        event.user_id.clone_from(&self.user_id);
        event.user_email.clone_from(&self.user_email);
        event.ip_address.clone_from(&self.ip_address);
        event.subject = self.subject_id.as_ref().map(|id| Subject {
            id: id.clone(),
            email: self.subject_email.clone(),
        });
        event.tags.clone_from(&self.tags);
        event.phi = self.phi;
    }
}

fn usable(text: &str, limit_bytes: usize) -> Result<(), String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text.len() > limit_bytes {
        return Err(format!(
            "has {} bytes; at most {limit_bytes} are allowed",
            text.len()
        ));
    }
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect()
    }

    #[test]
    fn all_of_it_reaches_the_event_and_none_the_provider() {
        let id = "0198f000-0000-7000-8000-000000000001";
        let mut map = headers(&[
            ("x-audit-key", "k"),
            ("x-audit-environment", "production"),
            ("x-audit-user", "u-1"),
            ("x-audit-user-email", "jürgen@example.com"),
            ("x-audit-session", "s-1"),
            ("x-audit-decision-type", "loan"),
            ("x-audit-subject", "c-7"),
            ("x-audit-subject-email", "c@example.com"),
            ("x-audit-tags", "team=credit, note=a%2Cb"),
            ("x-audit-phi", "true"),
            ("x-audit-event-id", id),
            ("authorization", "Bearer t"),
        ]);
        let attribution = Attribution::take(&mut map);
        assert_eq!(map.len(), 1, "{map:?}");
        assert_eq!(attribution.errors, [""; 0]);
        let mut event = Event::default();
        attribution.fill(&mut event);
        assert_eq!(event.user_email.as_deref(), Some("jürgen@example.com"));
        assert_eq!(event.subject.unwrap().email.as_deref(), Some("c@example.com"));
        assert_eq!(event.tags["note"], "a,b");
        assert_eq!(
            (event.phi, event.session_id.as_deref()),
            (Some(true), Some("s-1"))
        );
        assert_eq!(attribution.event_id, Some(id.parse().unwrap()));
    }

    #[test]
    fn what_cannot_be_used_is_named_and_still_taken_off() {
        let long = "x".repeat(600);
        let mut map = headers(&[
            ("x-audit-user", &long),
            ("x-audit-sesion", "typo"),
            ("x-audit-event-id", "7"),
            ("x-audit-tags", "novalue"),
            ("x-audit-phi", "yes"),
        ]);
        let attribution = Attribution::take(&mut map);
        assert!(map.is_empty());
        for name in [
            "x-audit-user",
            "x-audit-sesion",
            "x-audit-event-id",
            "x-audit-tags",
            "x-audit-phi",
        ] {
            assert!(
                attribution.errors.iter().any(|error| error.starts_with(name)),
                "{name}: {attribution:?}"
            );
        }
        assert_eq!(attribution.phi, Some(true), "when in doubt, protected");
    }

    #[test]
    fn a_repeated_call_is_another_event() {
        let id = "0198f000-0000-7000-8000-000000000001";
        let of =
            |count: &str| Attribution::take(&mut headers(&[("x-audit-event-id", id), (RETRY_COUNT, count)]));
        assert_eq!(of("0").event_id, Some(id.parse().unwrap()));
        assert_ne!(of("1").event_id, of("0").event_id);
        assert_ne!(of("1").event_id, of("2").event_id);
        assert_eq!(of("1"), of("1"));
        assert_eq!(of("2").retry_of, Some(id.parse().unwrap()));
    }
}
