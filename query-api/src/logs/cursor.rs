//! Where a page ended, as an opaque text.
//!
//! A cursor holds the last row's key and a snapshot: how far each shard's log was stored when the
//! first page was read. Later pages leave out what came after it, so they neither repeat nor skip
//! rows while records arrive. It also names its query, so that it cannot be mixed into another.

use aal_service::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sql::Sql;

/// Longest cursor that is read, in bytes: room for some thousand shards.
const MAX_CURSOR_BYTES: usize = 64 * 1024;

/// Below this offset a shard is read as a whole.
const FLOOR_FROM: u64 = 10_000;

/// The last stored Kafka offset of each shard, ascending by shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot(pub(crate) Vec<(u32, u64)>);

impl Snapshot {
    /// Limits a statement to rows inside the snapshot.
    pub(crate) fn limit(&self, sql: &mut Sql) {
        if self.0.is_empty() {
            sql.push(" AND false");
            return;
        }
        sql.push(" AND kafka_offset <= transform(shard, ?, ?, toUInt64(0)) AND shard IN ?");
        self.bind(sql);
        sql.bind_u64s(self.shards());
    }

    /// Limits a statement to rows after the snapshot; shards it does not know are after it entirely.
    pub(crate) fn after(&self, sql: &mut Sql) {
        if self.0.is_empty() {
            return;
        }
        sql.push(" AND (NOT (shard IN ?) OR kafka_offset > transform(shard, ?, ?, toUInt64(0)))");
        sql.bind_u64s(self.shards());
        self.bind(sql);
    }

    /// The lowest offset, once every shard is so far that reading only what follows it saves a scan.
    ///
    /// A shard that begins later has lower offsets and would be overlooked, so whoever uses this must
    /// look at everything from time to time.
    pub(crate) fn floor(&self) -> Option<u64> {
        let lowest = self.0.iter().map(|(_, offset)| *offset).min();
        lowest.filter(|lowest| *lowest >= FLOOR_FROM)
    }

    fn bind(&self, sql: &mut Sql) {
        sql.bind_u64s(self.shards());
        sql.bind_u64s(self.0.iter().map(|(_, offset)| *offset).collect());
    }

    fn shards(&self) -> Vec<u64> {
        self.0.iter().map(|(shard, _)| u64::from(*shard)).collect()
    }

    /// Moves one shard forward.
    pub(crate) fn advance(&mut self, shard: u32, offset: u64) {
        match self.0.binary_search_by_key(&shard, |(known, _)| *known) {
            Ok(position) => self.0[position].1 = self.0[position].1.max(offset),
            Err(position) => self.0.insert(position, (shard, offset)),
        }
    }

    /// The snapshot as text, for the live feed's cursor.
    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads [`Snapshot::to_text`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_CURSOR_BYTES {
            return None;
        }
        let snapshot: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        snapshot
            .0
            .is_sorted_by(|left, right| left.0 < right.0)
            .then_some(snapshot)
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<K> {
    snapshot: Snapshot,
    last: K,
    query: String,
}

/// The cursor after the row with key `last` of the query that `query` describes.
pub(crate) fn encode<K: Serialize>(snapshot: &Snapshot, last: &K, query: &str) -> String {
    let envelope = Envelope {
        snapshot: snapshot.clone(),
        last,
        query: digest(query),
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&envelope).unwrap_or_default())
}

/// Reads a cursor of the same query; 400 otherwise.
pub(crate) fn decode<K: DeserializeOwned>(text: &str, query: &str) -> Result<(Snapshot, K), Problem> {
    let refuse = |message: &str| {
        Problem::validation("the cursor cannot be used").with_error("?cursor", message.to_owned())
    };
    let unreadable = || refuse("must be a next_cursor of this call, unchanged");
    if text.len() > MAX_CURSOR_BYTES {
        return Err(unreadable());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
    let envelope: Envelope<K> = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
    if envelope.query != digest(query) {
        return Err(refuse(
            "belongs to a query with other filters; leave it out to start again",
        ));
    }
    Ok((envelope.snapshot, envelope.last))
}

fn digest(query: &str) -> String {
    hex::encode(&Sha256::digest(query.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_fits_its_query_only() {
        let snapshot = Snapshot(vec![(0, 17), (3, 4)]);
        let text = encode(&snapshot, &(5_i64, "id".to_owned()), "filters");
        let (back, last): (Snapshot, (i64, String)) = decode(&text, "filters").unwrap();
        assert_eq!((back, last), (snapshot, (5, "id".to_owned())));
        assert!(decode::<(i64, String)>(&text, "others").is_err());
        assert!(decode::<(i64, String)>("???", "filters").is_err());
    }

    #[test]
    fn a_feed_cursor_moves_forward_only() {
        let mut snapshot = Snapshot::default();
        snapshot.advance(2, 9);
        snapshot.advance(0, 4);
        snapshot.advance(2, 8);
        assert_eq!(snapshot.0, [(0, 4), (2, 9)]);
        assert_eq!(Snapshot::parse(&snapshot.to_text()), Some(snapshot));
        assert_eq!(Snapshot::parse(&Snapshot(vec![(2, 1), (1, 1)]).to_text()), None);
    }
}
