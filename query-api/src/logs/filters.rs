//! The filters that lists, metrics and the feed share.

use aal_ledger::Kind;
use aal_service::Problem;
use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::call::{Query, wrong};
use crate::logs::personal;
use crate::scope::{Scope, cleaned, tenant_ids};
use crate::sql::{MOMENT, Sql};

/// Names of the filter parameters.
pub(crate) const FILTER_NAMES: &[&str] = &[
    "from",
    "to",
    "tenant",
    "application",
    "environment",
    "user_id",
    "session_id",
    "subject",
    "user_email",
    "decision_type",
    "provider",
    "operation",
    "model",
    "status",
    "flagged",
    "has_pii",
    "min_cost",
    "q",
    "kind",
];

/// Words of one full-text search.
const MAX_WORDS: usize = 16;

/// `status=`: a code, or whether the call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum StatusFilter {
    Code(u16),
    Failed(bool),
}

/// What is asked for, checked but not yet translated into what is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Filters {
    pub(crate) from_us: Option<i64>,
    pub(crate) to_us: Option<i64>,
    pub(crate) tenant: Option<Uuid>,
    pub(crate) application: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) user_email: Option<String>,
    pub(crate) decision_type: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    pub(crate) flagged: Option<bool>,
    pub(crate) has_pii: Option<bool>,
    /// A decimal as text: never a float.
    pub(crate) min_cost: Option<String>,
    pub(crate) q: Option<String>,
    /// Empty: every kind.
    pub(crate) kinds: Vec<String>,
}

impl Filters {
    /// Reads the filters of a query; names are checked by the caller.
    pub(crate) fn of_query(query: &Query) -> Result<Self, Problem> {
        let text = |name: &str| query.text(name).map(str::to_owned);
        let filters = Self {
            from_us: query.time_us("from")?,
            to_us: query.time_us("to")?,
            tenant: query.uuid("tenant")?,
            application: text("application"),
            environment: text("environment"),
            user_id: text("user_id"),
            session_id: text("session_id"),
            subject: text("subject"),
            user_email: text("user_email"),
            decision_type: text("decision_type"),
            provider: text("provider"),
            operation: text("operation"),
            model: text("model"),
            status: query.text("status").map(status_of).transpose()?,
            flagged: query.boolean("flagged")?,
            has_pii: query.boolean("has_pii")?,
            min_cost: query.text("min_cost").map(decimal_of).transpose()?,
            q: text("q"),
            kinds: kinds_of(query.text("kind").unwrap_or("event"))?,
        };
        if let (Some(from_us), Some(to_us)) = (filters.from_us, filters.to_us)
            && from_us >= to_us
        {
            return Err(wrong("to", "later than from"));
        }
        Ok(filters)
    }

    /// Adds the conditions, of which `records` with its scope is already part.
    ///
    /// Values that may be personal data are compared as they are stored: as tokens or keyed hashes.
    pub(crate) async fn apply(&self, app: &App, scope: &Scope, sql: &mut Sql) -> Result<(), Problem> {
        if let Some(from_us) = self.from_us {
            sql.push(" AND occurred_at >= ").push(MOMENT).bind_i64(from_us);
        }
        if let Some(to_us) = self.to_us {
            sql.push(" AND occurred_at < ").push(MOMENT).bind_i64(to_us);
        }
        if !self.kinds.is_empty() {
            sql.push(" AND kind IN ?").bind_texts(self.kinds.clone());
        }
        for (condition, value) in [
            (" AND application = ?", &self.application),
            (" AND environment = ?", &self.environment),
            (" AND decision_type = ?", &self.decision_type),
            (" AND provider = ?", &self.provider),
            (" AND operation = ?", &self.operation),
        ] {
            if let Some(value) = value {
                sql.push(condition).bind_text(value);
            }
        }
        if let Some(model) = &self.model {
            sql.push(" AND (model = ? OR model_requested = ?)")
                .bind_text(model)
                .bind_text(model);
        }
        match self.status {
            Some(StatusFilter::Code(code)) => sql.push(" AND status = ?").bind_u64(u64::from(code)),
            Some(StatusFilter::Failed(true)) => sql.push(" AND is_error"),
            Some(StatusFilter::Failed(false)) => sql.push(" AND NOT is_error"),
            None => sql,
        };
        match self.has_pii {
            Some(true) => sql.push(" AND pii_total > 0"),
            Some(false) => sql.push(" AND pii_total = 0"),
            None => sql,
        };
        if let Some(min_cost) = &self.min_cost {
            sql.push(" AND cost >= toDecimal128(?, 18)").bind_text(min_cost);
        }
        if let Some(flagged) = self.flagged {
            sql.push(if flagged {
                " AND event_id IN ("
            } else {
                " AND event_id NOT IN ("
            });
            sql.append(flagged_events(scope)).push(")");
        }
        self.apply_personal(app, scope, sql).await
    }

    async fn apply_personal(&self, app: &App, scope: &Scope, sql: &mut Sql) -> Result<(), Problem> {
        let tenants = tenant_ids(app, scope.tenants).await?;
        for (condition, field, value) in [
            (" AND user_id IN ?", "user_id", &self.user_id),
            (" AND session_id IN ?", "session_id", &self.session_id),
        ] {
            if let Some(value) = value {
                sql.push(condition)
                    .bind_texts(stored_forms(app, &tenants, field, value));
            }
        }
        if let Some(subject) = &self.subject {
            let keys = personal::subject_keys(app, &tenants, subject).await?;
            sql.push(" AND subject_key IN ?").bind_uuids(&keys);
        }
        if let Some(email) = &self.user_email {
            let found = personal::of_user_email(app, &tenants, email).await?;
            sql.push(" AND (user_id IN ?").bind_texts(found.user_ids);
            sql.push(" OR event_id IN ?")
                .bind_uuids(&found.event_ids)
                .push(")");
        }
        if let Some(text) = &self.q {
            let mut variants = stored_forms(app, &tenants, "q", text);
            variants.truncate(tenants.len().max(1) + 1);
            let variants: Vec<Vec<String>> = variants
                .iter()
                .map(|variant| words_of(variant))
                .filter(|words| !words.is_empty())
                .chain(personal::identifier_tokens(app, &tenants, text))
                .collect();
            if variants.is_empty() {
                return Err(wrong("q", "at least one letter or digit"));
            }
            sql.push(" AND (false");
            for words in variants {
                sql.push(" OR (true");
                for word in words {
                    sql.push(" AND hasToken(lower(search_text), ?)").bind_text(&word);
                }
                sql.push(")");
            }
            sql.push(")");
        }
        Ok(())
    }
}

/// Ids of the decisions that an outcome flagged.
pub(crate) fn flagged_events(scope: &Scope) -> Sql {
    let mut sql = Sql::new("SELECT target_event_id");
    sql.records(&tenant_wide(scope))
        .push(" AND kind = 'outcome' AND outcome_flag");
    sql
}

/// Ids of the decisions that an outcome overrode.
pub(crate) fn overridden_events(scope: &Scope) -> Sql {
    let mut sql = Sql::new("SELECT target_event_id");
    sql.records(&tenant_wide(scope))
        .push(" AND kind = 'outcome' AND outcome_override");
    sql
}

/// Outcomes belong to the event, not to the user who wrote them: a viewer sees those of their own events.
pub(crate) fn tenant_wide(scope: &Scope) -> Scope {
    scope.without_user_limit()
}

/// The forms in which a value may be stored, by tenant: as it is where nothing in it is personal or a policy keeps it,
/// else with personal data replaced. Questions stand in the store's own logs, so what is not stored is not asked for.
fn stored_forms(app: &App, tenants: &[Uuid], field: &str, value: &str) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    for tenant in tenants {
        for form in cleaned(app, *tenant, field, value) {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    if forms.is_empty() {
        // No tenant, or nothing that can be stored: a form that no record has.
        forms.push("aal\u{1}nothing".to_owned());
    }
    forms
}

/// Words as ClickHouse's `splitByNonAlpha` cuts them: at ASCII characters that are no letter or digit.
fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .take(MAX_WORDS)
        .collect()
}

fn status_of(text: &str) -> Result<StatusFilter, Problem> {
    match text {
        "error" => return Ok(StatusFilter::Failed(true)),
        "ok" => return Ok(StatusFilter::Failed(false)),
        _ => {}
    }
    let code = text.parse().ok().filter(|code| (100..=599).contains(code));
    code.map(StatusFilter::Code)
        .ok_or_else(|| wrong("status", "an HTTP status, ok or error"))
}

fn decimal_of(text: &str) -> Result<String, Problem> {
    let decimal = rust_decimal::Decimal::from_str_exact(text)
        .ok()
        .filter(|decimal| decimal.scale() <= 18);
    decimal
        .map(|decimal| decimal.to_string())
        .ok_or_else(|| wrong("min_cost", "a decimal number such as 0.01"))
}

fn kinds_of(text: &str) -> Result<Vec<String>, Problem> {
    if text == "any" {
        return Ok(Vec::new());
    }
    let kinds: Vec<String> = text.split(',').map(|kind| kind.trim().to_owned()).collect();
    if kinds.iter().all(|kind| Kind::from_name(kind).is_some()) {
        return Ok(kinds);
    }
    let names = Kind::ALL.map(Kind::name).join(", ");
    Err(wrong("kind", &format!("any, or some of {names}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_strictly() {
        let filters =
            Filters::of_query(&Query::parse("status=error&min_cost=0.50&kind=event,withheld")).unwrap();
        assert_eq!(filters.status, Some(StatusFilter::Failed(true)));
        assert_eq!(filters.min_cost.as_deref(), Some("0.50"));
        assert_eq!(filters.kinds, ["event", "withheld"]);
        assert_eq!(Filters::of_query(&Query::parse("")).unwrap().kinds, ["event"]);
        assert!(
            Filters::of_query(&Query::parse("kind=any"))
                .unwrap()
                .kinds
                .is_empty()
        );
        for bad in [
            "status=999",
            "status=fine",
            "min_cost=1e3",
            "min_cost=-",
            "kind=evnt",
            "tenant=x",
            "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        ] {
            assert!(Filters::of_query(&Query::parse(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_cut_like_the_index_cuts_them() {
        assert_eq!(
            words_of("Größe: LOAN-denied 7%"),
            ["größe", "loan", "denied", "7"]
        );
        assert!(words_of("%% --").is_empty());
    }
}
