//! Whether a process is alive and ready, from what its components say about themselves.
//!
//! Ready: every component is up. Alive: no component that must report regularly has fallen silent
//! for longer than its deadline; a process that is not alive should be restarted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// The components of one process. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Health {
    components: Arc<Mutex<BTreeMap<String, State>>>,
}

#[derive(Debug)]
struct State {
    /// `None` while up; otherwise why not.
    down_because: Option<String>,
    deadline: Option<Duration>,
    last_report: Instant,
}

/// One component's own handle.
#[derive(Clone, Debug)]
pub struct Component {
    name: String,
    health: Health,
}

/// What `/readyz` and `/healthz` show of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComponentStatus {
    /// Name given at registration.
    pub name: String,
    /// Up and, with a deadline, heard of in time.
    pub ready: bool,
    /// False only when the deadline has passed in silence.
    pub alive: bool,
    /// Why it is not ready; empty when it is.
    pub reason: String,
}

impl Health {
    /// Adds a component that is not ready before its first `up`.
    ///
    /// With a deadline it must call `up` or `down` at least that often.
    pub fn register(&self, name: &str, deadline: Option<Duration>) -> Component {
        let state = State {
            down_because: Some("starting".to_owned()),
            deadline,
            last_report: Instant::now(),
        };
        self.lock().insert(name.to_owned(), state);
        Component {
            name: name.to_owned(),
            health: self.clone(),
        }
    }

    /// Every component, by name.
    pub fn statuses(&self) -> Vec<ComponentStatus> {
        self.statuses_at(Instant::now())
    }

    fn statuses_at(&self, now: Instant) -> Vec<ComponentStatus> {
        self.lock()
            .iter()
            .map(|(name, state)| {
                let silent = now.saturating_duration_since(state.last_report);
                let alive = state.deadline.is_none_or(|deadline| silent <= deadline);
                let reason = match &state.down_because {
                    _ if !alive => format!("silent for {} ms", silent.as_millis()),
                    Some(reason) => reason.clone(),
                    None => String::new(),
                };
                ComponentStatus {
                    name: name.clone(),
                    ready: reason.is_empty(),
                    alive,
                    reason,
                }
            })
            .collect()
    }

    /// Whether every component is ready.
    pub fn is_ready(&self) -> bool {
        self.statuses().iter().all(|status| status.ready)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        // Nothing panics while the lock is held; a poisoned map would still be whole.
        self.components.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Component {
    /// Reports that the component works.
    pub fn up(&self) {
        self.report(None);
    }

    /// Reports that the component does not work, and why (one short phrase).
    pub fn down(&self, reason: impl Into<String>) {
        self.report(Some(reason.into()));
    }

    fn report(&self, down_because: Option<String>) {
        if let Some(state) = self.health.lock().get_mut(&self.name) {
            state.down_because = down_because;
            state.last_report = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_beyond_the_deadline_is_not_alive() {
        let health = Health::default();
        let log = health.register("log", None);
        let worker = health.register("worker", Some(Duration::from_secs(5)));
        assert!(!health.is_ready());
        log.up();
        worker.up();
        assert!(health.is_ready());
        let statuses = health.statuses_at(Instant::now() + Duration::from_secs(6));
        assert!(statuses[0].ready && statuses[0].alive);
        assert!(!statuses[1].ready && !statuses[1].alive);
        worker.down("no broker");
        assert_eq!(health.statuses()[1].reason, "no broker");
        assert!(health.statuses()[1].alive);
    }
}
