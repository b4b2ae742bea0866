//! The record of an event id.

use aal_service::Problem;
use clickhouse::{RowOwned, RowRead};
use uuid::Uuid;

use crate::app::App;
use crate::scope::Scope;
use crate::sql::{MOMENT, Sql};

const SAME_ID: &str = " AND event_id = ?";
/// An event's own record first; a later conflict or duplicate of the same id only when there is none.
const FIRST: &str = " ORDER BY kind NOT IN ('event', 'withheld'), kind IN ('duplicate', 'conflict'), \
    shard, chain_index LIMIT 1";
/// Kinds that stand behind an event's own record.
const BEHIND: [&str; 3] = ["duplicate", "conflict", "intent"];
/// An id of version 7 tells when it was made, and an event's claimed time is nearly always that near to it.
const NEAR_US: i64 = 3_600 * 1_000_000;
/// An id that has more records near its time is looked up by the sorted statement.
const NEAR_ROWS: usize = 8;

/// A row that says which kind of record it is of.
pub(crate) trait OfKind {
    /// The kind as the column has it.
    fn kind(&self) -> &str;
}

/// The record of an event, with the columns of `select`, `kind` among them.
///
/// It is looked for around the time that its id tells first, which spares ClickHouse the filters of all other granules:
/// at ten million records reading those takes longer than everything else. Nor is anything sorted there: an id has one
/// record of its own, unless somebody tampered, and then the sorted look decides.
pub(crate) async fn first<R: RowOwned + RowRead + OfKind>(
    app: &App,
    scope: &Scope,
    select: &Sql,
    event_id: Uuid,
) -> Result<Option<R>, Problem> {
    if let Some(made_us) = made_at_us(event_id) {
        let mut near = select.clone();
        near.records(scope)
            .push(" AND occurred_at >= ")
            .push(MOMENT)
            .bind_i64(made_us.saturating_sub(NEAR_US))
            .push(" AND occurred_at < ")
            .push(MOMENT)
            .bind_i64(made_us.saturating_add(NEAR_US))
            .push(SAME_ID)
            .bind_uuid(event_id)
            .push(" LIMIT ?")
            .bind_u64(NEAR_ROWS as u64)
            .lookup();
        let mut rows: Vec<R> = app.rows(near).await?;
        let is_all = rows.len() < NEAR_ROWS;
        rows.retain(|row| !BEHIND.contains(&row.kind()));
        if is_all && rows.len() == 1 {
            return Ok(rows.pop());
        }
    }
    let mut anywhere = select.clone();
    anywhere
        .records(scope)
        .push(SAME_ID)
        .bind_uuid(event_id)
        .push(FIRST);
    app.row(anywhere).await
}

/// The time in an id of version 7 (RFC 9562).
fn made_at_us(event_id: Uuid) -> Option<i64> {
    let (seconds, nanoseconds) = event_id.get_timestamp()?.to_unix();
    let seconds = i64::try_from(seconds).ok()?;
    (event_id.get_version_num() == 7).then(|| seconds * 1_000_000 + i64::from(nanoseconds / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_seven_tells_a_time() {
        let id: Uuid = "019b76da-a800-7000-8000-000000000001".parse().unwrap();
        assert_eq!(made_at_us(id), Some(1_767_225_600_000_000));
        assert_eq!(made_at_us(Uuid::from_u128(7)), None);
        assert_eq!(made_at_us(Uuid::nil()), None);
        let random: Uuid = "689bb72b-56c6-493d-b436-ecc9756ebee7".parse().unwrap();
        assert_eq!(made_at_us(random), None);
    }
}
