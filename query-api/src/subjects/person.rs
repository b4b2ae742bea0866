//! From the id that people use to the keyed hashes and data keys behind it.

use aal_erasure::Target;
use aal_service::Problem;
use uuid::Uuid;

use crate::app::control_problem;
use crate::call::Call;

/// Longest id of a person, in bytes; that of events.
const MAX_ID_BYTES: usize = 512;

/// Whom a request is about.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) tenant: Uuid,
    pub(super) target: Target,
    /// Keyed hashes that lead to the keys.
    pub(super) lookups: Vec<[u8; 32]>,
    /// The data keys there are now.
    pub(super) keys: Vec<Uuid>,
}

/// The roles in which an id may stand in events.
fn kinds_of(kind: Option<&str>) -> Result<(&'static [&'static str], Target), Problem> {
    match kind.unwrap_or("person") {
        "person" => Ok((&["subject", "user"], Target::Person)),
        "subject" => Ok((&["subject"], Target::Person)),
        "user" => Ok((&["user"], Target::Person)),
        "event" => Ok((&["event"], Target::Event)),
        other => {
            let message = format!("{other:?} is not known; use person, subject, user or event");
            Err(Problem::validation("it is not clear whom this is about").with_error("/kind", message))
        }
    }
}

/// The person of the path's id, in one tenant. 404 when nothing is stored under it.
pub(super) async fn resolve(
    call: &Call,
    kind: Option<&str>,
    tenant: Option<Uuid>,
) -> Result<Person, Problem> {
    let id = call.request.path.first().map_or("", String::as_str);
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(Problem::bad_request(format!(
            "the id in the path must have 1 to {MAX_ID_BYTES} bytes"
        )));
    }
    let (kinds, target) = kinds_of(kind)?;
    let tenant = call.scope.one_tenant(tenant)?;
    let id = match target {
        Target::Person => id.to_owned(),
        // Events are looked up by the one form of their id.
        Target::Event => Uuid::try_parse(id)
            .map_err(|_| Problem::bad_request("the id of an event is a UUID"))?
            .to_string(),
    };
    let index = call.app.ring.tenant_index_key(tenant);
    let lookups: Vec<[u8; 32]> = kinds.iter().map(|kind| index.lookup(kind, &id)).collect();
    let keys = call.app.erasure.keys_of(tenant, &lookups).await;
    let keys = keys.map_err(control_problem)?;
    if keys.is_empty() {
        let detail = match target {
            Target::Person => "nothing is stored under this id, or it was erased",
            Target::Event => {
                "this event has no key of its own: it is about a person, whose erasure covers it, or it was erased"
            }
        };
        return Err(Problem::not_found(detail));
    }
    Ok(Person {
        tenant,
        target,
        lookups,
        keys,
    })
}
