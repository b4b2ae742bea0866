//! Incidents: one leaf when one begins, one when it ends, however often it is found in between.

use std::collections::{BTreeMap, BTreeSet};

use aal_event::Kind;
use aal_ledger::hash::{sha256, to_hex};
use aal_service::metrics::{Counter, Gauge, Metrics};
use serde_json::{Map, Value};

use crate::{TellError, Teller};

/// Most incidents of one service that stand at once in the ledger; more are logged and counted only, so that a
/// ruined table does not flood the log with a leaf for each of its rows.
pub const MAX_OPEN: usize = 100;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// What kind of thing, for example `record_mismatch`.
    pub code: &'static str,
    /// What it concerns; code and this together are the incident's identity. Plain facts only
    /// ([`aal_event::is_plain_fact`]), because anything else may be redacted.
    pub about: Map<String, Value>,
    /// For people.
    pub reason: String,
}

impl Incident {
    /// The incident's identity as 64 hexadecimal digits.
    pub fn subject(&self) -> String {
        let mut text = self.code.to_owned();
        // A map is in order of its names, whichever order they were given in.
        let sorted: BTreeMap<&String, &Value> = self.about.iter().collect();
        for (name, value) in sorted {
            text.push_str(&format!("\n{name}={value}"));
        }
        to_hex(&sha256(text.as_bytes()))
    }
}

struct Open {
    code: String,
    about: Map<String, Value>,
    /// The leaf that began it.
    event_id: String,
}

/// The incidents of one service. After a crash it goes on with what the ledger holds.
pub struct Incidents {
    teller: Teller,
    open: BTreeMap<String, Open>,
    /// Standing and not in the ledger: beyond [`MAX_OPEN`], or the log did not take it yet.
    untold: BTreeSet<String>,
    /// The last leaf of an incident that ended: the next beginning of it is told under another id.
    ended: BTreeMap<String, String>,
    standing: Gauge,
    begun: Counter,
}

impl std::fmt::Debug for Incidents {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Incidents")
            .field("component", &self.teller.component)
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

impl Incidents {
    /// Reads which incidents of this service stand.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn load(teller: Teller, metrics: &Metrics) -> Result<Incidents, TellError> {
        let labels = [("component", teller.component)];
        let mut incidents = Incidents {
            standing: metrics.gauge(
                "aal_incidents_open",
                "incidents that stand: an alarm unless 0",
                &labels,
            ),
            begun: metrics.counter("aal_incidents_total", "incidents that began", &labels),
            open: BTreeMap::new(),
            untold: BTreeSet::new(),
            ended: BTreeMap::new(),
            teller,
        };
        for told in incidents
            .teller
            .store
            .incidents(incidents.teller.component)
            .await?
        {
            let facts = told.facts();
            let text = |name: &str| {
                facts
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let (subject, event_id) = (text("subject"), told.event_id.to_string());
            if told.action() == "begin" {
                let own = ["component", "code", "subject"];
                let about = facts.iter().filter(|(name, _)| !own.contains(&name.as_str()));
                let open = Open {
                    code: text("code"),
                    about: about.map(|(name, value)| (name.clone(), value.clone())).collect(),
                    event_id,
                };
                incidents.open.insert(subject, open);
            } else {
                incidents.ended.insert(subject, event_id);
            }
        }
        incidents.show();
        Ok(incidents)
    }

    fn show(&self) {
        self.standing.set((self.open.len() + self.untold.len()) as i64);
    }

    /// How many stand.
    pub fn standing(&self) -> usize {
        self.open.len() + self.untold.len()
    }

    /// Whether an incident stands.
    pub fn is_open(&self, subject: &str) -> bool {
        self.open.contains_key(subject) || self.untold.contains(subject)
    }

    /// The standing incidents of a code, by subject, with what they concern.
    pub fn open_of(&self, code: &str) -> Vec<(String, Map<String, Value>)> {
        let open = self.open.iter().filter(|(_, open)| open.code == code);
        open.map(|(subject, open)| (subject.clone(), open.about.clone()))
            .collect()
    }

    /// That something is wrong. Tells the ledger when that is new.
    ///
    /// # Errors
    /// It was not told; the next finding of it tells it again.
    pub async fn begin(&mut self, incident: Incident) -> Result<(), TellError> {
        let subject = incident.subject();
        if self.open.contains_key(&subject) {
            return Ok(());
        }
        if self.untold.insert(subject.clone()) {
            self.begun.inc();
            tracing::error!(component = self.teller.component, code = incident.code, about = ?incident.about,
                reason = incident.reason, "incident");
        }
        // The alarm stands whether or not the log takes it.
        self.show();
        if self.open.len() >= MAX_OPEN {
            return Ok(());
        }
        let last = self.ended.get(&subject).cloned().unwrap_or_default();
        let id = aal_event::system_id(
            Kind::Incident,
            &[self.teller.component, "begin", &subject, &last, &incident.reason],
        );
        let detail = self.detail(incident.code, &subject, &incident.about);
        let mut event = self.teller.event(Kind::Incident, id, "begin", detail);
        event.reason = Some(incident.reason).filter(|reason| !reason.is_empty());
        self.teller.tell(event, None).await?;
        let open = Open {
            code: incident.code.to_owned(),
            about: incident.about,
            event_id: id.to_string(),
        };
        self.untold.remove(&subject);
        self.open.insert(subject, open);
        self.show();
        Ok(())
    }

    /// That an incident is over.
    ///
    /// # Errors
    /// It was not told, and stands.
    pub async fn end(&mut self, subject: &str, reason: &str) -> Result<(), TellError> {
        self.untold.remove(subject);
        self.show();
        let Some(open) = self.open.get(subject) else {
            return Ok(());
        };
        let id = aal_event::system_id(
            Kind::Incident,
            &[self.teller.component, "end", subject, &open.event_id, reason],
        );
        let detail = self.detail(&open.code, subject, &open.about);
        let mut event = self.teller.event(Kind::Incident, id, "end", detail);
        event.reason = Some(reason.to_owned());
        self.teller.tell(event, None).await?;
        tracing::info!(component = self.teller.component, code = open.code, about = ?open.about, reason, "incident over");
        self.open.remove(subject);
        self.ended.insert(subject.to_owned(), id.to_string());
        self.show();
        Ok(())
    }

    /// Makes the standing incidents of these codes exactly `current`.
    ///
    /// # Errors
    /// Some of it was not told; the next call tells it again.
    pub async fn settle(&mut self, codes: &[&str], current: Vec<Incident>) -> Result<(), TellError> {
        let subjects: BTreeSet<String> = current.iter().map(Incident::subject).collect();
        let over: Vec<String> = codes
            .iter()
            .flat_map(|code| self.open_of(code))
            .map(|(subject, _)| subject)
            .collect();
        for incident in current {
            self.begin(incident).await?;
        }
        for subject in over {
            if !subjects.contains(&subject) {
                self.end(&subject, "it is found no longer").await?;
            }
        }
        Ok(())
    }

    fn detail(&self, code: &str, subject: &str, about: &Map<String, Value>) -> Map<String, Value> {
        let mut detail = self.teller.detail();
        detail.insert("code".to_owned(), code.into());
        detail.insert("subject".to_owned(), subject.into());
        detail.extend(about.clone());
        detail
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn incident(about: Value, reason: &str) -> Incident {
        Incident {
            code: "record_mismatch",
            about: about.as_object().cloned().unwrap_or_default(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn identity_is_code_and_what_it_concerns() {
        let first = incident(json!({"shard": 1, "index": 2}), "a");
        assert_eq!(
            first.subject(),
            incident(json!({"index": 2, "shard": 1}), "b").subject()
        );
        assert_ne!(
            first.subject(),
            incident(json!({"index": 3, "shard": 1}), "a").subject()
        );
        assert!(aal_event::is_plain_fact(&first.subject().into()));
    }
}
