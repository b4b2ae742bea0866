//! The filters of a feed, on records in memory.

use aal_service::Problem;
use serde::Deserialize;
use uuid::Uuid;

use crate::logs::SummaryRow;
use crate::scope::Scope;
use crate::sql::Sql;

/// What a client of the feed asks for; absent members filter nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FeedFilters {
    pub(crate) tenant: Option<Uuid>,
    application: Option<String>,
    environment: Option<String>,
    decision_type: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    session_id: Option<String>,
    has_pii: Option<bool>,
    errors_only: Option<bool>,
    /// Default: event, withheld and outcome.
    kinds: Option<Vec<String>>,
}

const DEFAULT_KINDS: &[&str] = &["event", "withheld", "outcome"];

impl FeedFilters {
    fn kinds(&self) -> Vec<String> {
        self.kinds
            .clone()
            .unwrap_or_else(|| DEFAULT_KINDS.iter().map(|kind| (*kind).to_owned()).collect())
    }

    fn texts(&self) -> [(&'static str, &Option<String>); 6] {
        [
            (" AND application = ?", &self.application),
            (" AND environment = ?", &self.environment),
            (" AND decision_type = ?", &self.decision_type),
            (" AND provider = ?", &self.provider),
            (" AND model = ?", &self.model),
            (" AND session_id = ?", &self.session_id),
        ]
    }

    /// Whether the record is wanted and may be shown.
    pub(crate) fn admits(&self, scope: &Scope, row: &SummaryRow) -> bool {
        let found = [
            &row.application,
            &row.environment,
            &row.decision_type,
            &row.provider,
            &row.model,
            &row.session_id,
        ];
        scope.admits(row.tenant, &row.user_id)
            && self
                .texts()
                .iter()
                .zip(found)
                .all(|((_, wanted), found)| wanted.as_ref().is_none_or(|wanted| wanted == found))
            && self.has_pii.is_none_or(|wanted| wanted == (row.pii_total > 0))
            && (!self.errors_only.unwrap_or(false) || row.is_error)
            && self.kinds().contains(&row.kind)
    }

    /// The same conditions for the store, for what a client missed.
    pub(crate) fn apply(&self, sql: &mut Sql) {
        for (condition, value) in self.texts() {
            if let Some(value) = value {
                sql.push(condition).bind_text(value);
            }
        }
        match self.has_pii {
            Some(true) => sql.push(" AND pii_total > 0"),
            Some(false) => sql.push(" AND pii_total = 0"),
            None => sql,
        };
        if self.errors_only.unwrap_or(false) {
            sql.push(" AND is_error");
        }
        sql.push(" AND kind IN ?").bind_texts(self.kinds());
    }
}

/// The first message of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    pub(crate) token: String,
    #[serde(default)]
    pub(crate) filters: FeedFilters,
    pub(crate) cursor: Option<String>,
}

impl Hello {
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(|error| {
            Problem::bad_request(format!(
                "the first message must be {{token, filters?, cursor?}}: {error}"
            ))
        })
    }
}
