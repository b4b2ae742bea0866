//! From messages to the rows of one block.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use aal_event::Limits;
use aal_flow::Placement;
use aal_kafka::{DEAD_LETTER, EVENTS, Rejected, SendError};
use aal_keys::{KeysError, OpenError};
use aal_pricing::PriceBook;
use aal_record::{Draft, Owner, Pipeline, Place, PlaceError, Record, Seen, SubjectKey};
use aal_schema_registry::RegistryError;
use aal_store::{MoneyError, RecordRow, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    consumer::Message,
    policies::PoliciesError,
    price_books::PriceBooksError,
    reading::{self, Written},
    search::{self, Addresses},
    worker::Shared,
};

/// Why a block could not be built; it is tried again, nothing is skipped.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    #[error(transparent)]
    Prices(#[from] PriceBooksError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("dead letter: {0}")]
    DeadLetter(#[from] SendError),
    #[error("offset {found} was accounted for already, the next is {expected}; this is a defect")]
    Order { expected: u64, found: u64 },
    #[error("drafting was interrupted")]
    Interrupted,
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// The ends of the chains of one shard, as far as this processor has committed.
#[derive(Clone, Debug, Default)]
pub struct Tips {
    pub chains: HashMap<Uuid, (u64, [u8; 32])>,
}

/// A block ready to be inserted.
#[derive(Debug)]
pub struct Block {
    pub rows: Vec<RecordRow>,
    pub hashes: Vec<[u8; 32]>,
    pub next_offset: u64,
    /// Tips after the block.
    pub tips: Tips,
}

/// What a message turned out to be.
enum Read {
    Event {
        written: Box<Written>,
        owners: [usize; 2],
        /// The tenant's own prices at the message's time.
        book: Option<Arc<PriceBook>>,
    },
    Rejected(Box<Draft>),
}

/// A draft with the offset it accounts for.
struct Placed {
    offset: u64,
    draft: Draft,
}

/// Builds block `number` of `shard` out of `messages` (not empty, ascending, none before `expected`, the first
/// offset nobody accounts for). Offsets that are missing among them get a `gap` record.
pub async fn build(
    shared: &Shared,
    shard: u32,
    number: u64,
    messages: &[Message],
    expected: u64,
    tips: &Tips,
) -> Result<Block, BuildError> {
    let first_at_us = messages.first().map_or(0, |message| message.at_us);
    let drafts = drafts(shared, shard, messages).await?;
    let drafts = settle_repeats(shared, drafts).await?;
    let mut placed = Vec::with_capacity(drafts.len() + 1);
    let mut expected = expected;
    for (message, draft) in messages.iter().zip(drafts) {
        match aal_flow::placement(expected, message.offset) {
            Placement::Old => {
                return Err(BuildError::Order {
                    expected,
                    found: message.offset,
                });
            }
            Placement::Next => {}
            Placement::AfterGap { first, last } => {
                shared.metrics.gaps.inc();
                tracing::error!(shard, first, last, "kafka holds no message at these offsets");
                placed.push(Placed {
                    offset: last,
                    draft: aal_record::gap(first, message.at_us),
                });
            }
        }
        placed.push(Placed {
            offset: message.offset,
            draft,
        });
        expected = message.offset + 1;
    }
    let mut tips = tips.clone();
    let place = Place {
        shard,
        partition: shared.shards.partition_of(shard) as u32,
        block: number,
        block_row: 0,
        block_month: month_of(first_at_us),
        offset: 0,
        chain_index: 0,
        prev_leaf_hash: [0; 32],
    };
    let records = link(shared.topic_hash, place, placed, &mut tips)?;
    let hashes = records.iter().map(|record| record.leaf_hash).collect();
    let rows = records
        .into_iter()
        .map(RecordRow::project)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Block {
        rows,
        hashes,
        next_offset: expected,
        tips,
    })
}

/// Gives each draft its place; `block` is the place of the block's first row before any chain.
fn link(
    topic_hash: [u8; 32],
    block: Place,
    placed: Vec<Placed>,
    tips: &mut Tips,
) -> Result<Vec<Record>, PlaceError> {
    let mut records = Vec::with_capacity(placed.len());
    for (row, Placed { offset, draft }) in placed.into_iter().enumerate() {
        let tip = tips.chains.entry(draft.tenant).or_insert((0, [0; 32]));
        let place = Place {
            block_row: row as u32,
            offset,
            chain_index: tip.0,
            prev_leaf_hash: tip.1,
            ..block
        };
        let record = draft.place(topic_hash, place)?;
        *tip = (tip.0 + 1, record.leaf_hash);
        records.push(record);
    }
    Ok(records)
}

/// yyyymm of a time; every contender for the block computes the same.
fn month_of(at_us: i64) -> u32 {
    let time = OffsetDateTime::from_unix_timestamp(at_us.div_euclid(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.year().max(0) as u32 * 100 + u32::from(u8::from(time.month()))
}

async fn drafts(shared: &Shared, shard: u32, messages: &[Message]) -> Result<Vec<Draft>, BuildError> {
    let mut owners: Vec<(Uuid, Owner)> = Vec::new();
    let mut positions: HashMap<(Uuid, Owner), usize> = HashMap::new();
    let mut position_of = |tenant: Uuid, owner: Owner| {
        *positions.entry((tenant, owner.clone())).or_insert_with(|| {
            owners.push((tenant, owner));
            owners.len() - 1
        })
    };
    let mut read = Vec::with_capacity(messages.len());
    for (message, Opened { value, written }) in messages.iter().zip(opened(shared, messages).await?) {
        read.push(match written {
            Ok(written) => {
                let event = &written.event;
                let errors = aal_event::validate(event, &Limits::DEFAULT);
                if errors.is_empty() {
                    let who = aal_record::owners(event);
                    let owners = [
                        position_of(event.tenant, who.content),
                        position_of(event.tenant, who.user),
                    ];
                    let book = shared.price_books.at(event.tenant, message.at_us).await?;
                    Read::Event {
                        written: Box::new(written),
                        owners,
                        book,
                    }
                } else {
                    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
                    let reason = format!("invalid fields: {}", pointers.join(", "));
                    Read::Rejected(Box::new(
                        reject(shared, shard, message, &value, Some(event), reason).await?,
                    ))
                }
            }
            Err(reason) => Read::Rejected(Box::new(
                reject(shared, shard, message, &value, None, reason).await?,
            )),
        });
    }
    let now_us = aal_service::times::now_us();
    let keys = shared.keys.subject_keys(&owners, now_us).await?;
    let index_keys: HashMap<Uuid, _> = owners
        .iter()
        .map(|(tenant, _)| (*tenant, shared.keys.index_key(*tenant)))
        .collect();
    let addresses: Vec<Addresses> = read
        .iter()
        .map(|read| match read {
            Read::Rejected(_) => Addresses::default(),
            Read::Event {
                written,
                owners: [content, user],
                ..
            } => {
                let event = &written.event;
                search::addresses(&index_keys[&event.tenant], event, &keys[*content], &keys[*user])
            }
        })
        .collect();
    let times: Vec<i64> = messages.iter().map(|message| message.at_us).collect();
    let events = read.iter().zip(&times).filter_map(|(read, at_us)| match read {
        Read::Event { written, .. } => Some((&written.event, *at_us)),
        Read::Rejected(_) => None,
    });
    let pipelines = shared.policies.pipelines(events, now_us).await?;
    let work = tokio::task::spawn_blocking(move || draft_all(pipelines, read, &times, &keys, &index_keys));
    let drafts = work.await.map_err(|_| BuildError::Interrupted)?;
    search::store(shared, &addresses, &drafts, now_us).await?;
    Ok(drafts)
}

/// A message's value in the clear and what it holds.
struct Opened<'m> {
    value: Cow<'m, [u8]>,
    written: Result<Written, String>,
}

/// What every message holds, before anything is done about any of them: while a key or the registry is away the block
/// is tried again and again, and a message that was rejected meanwhile would be put into the dead letter each time.
async fn opened<'m>(shared: &Shared, messages: &'m [Message]) -> Result<Vec<Opened<'m>>, BuildError> {
    let mut all = Vec::with_capacity(messages.len());
    for message in messages {
        let value = match shared.keys.above().open_payload(EVENTS, &message.value).await {
            Ok(value) => value,
            Err(OpenError::Keys(error)) => return Err(error.into()),
            Err(error) => {
                all.push(Opened {
                    value: Cow::Borrowed(&message.value),
                    written: Err(error.to_string()),
                });
                continue;
            }
        };
        let read = reading::read(shared.registry.as_ref(), &value).await;
        let read = read.inspect_err(|_| shared.metrics.registry_failed.inc())?;
        all.push(Opened {
            written: read.map_err(|error| error.to_string()),
            value,
        });
    }
    Ok(all)
}

/// `pipelines` are those of the events, in their order.
fn draft_all(
    pipelines: Vec<Arc<Pipeline>>,
    read: Vec<Read>,
    times: &[i64],
    keys: &[SubjectKey],
    index_keys: &HashMap<Uuid, aal_seal::IndexKey>,
) -> Vec<Draft> {
    let mut drafts = Vec::with_capacity(read.len());
    let mut pipelines = pipelines.into_iter();
    for (read, at_us) in read.into_iter().zip(times) {
        drafts.push(match read {
            Read::Rejected(draft) => *draft,
            Read::Event {
                written,
                owners: [content, user],
                book,
            } => {
                let event = &written.event;
                let index = &index_keys[&event.tenant];
                // There is one for each event.
                let Some(pipeline) = pipelines.next() else {
                    continue;
                };
                aal_record::draft_event(&pipeline, event, index, &keys[content], &keys[user], *at_us)
                    .under_book(&pipeline, event, book.as_deref())
                    .written_with(written.schema_sha256)
            }
        });
    }
    drafts
}

/// The dead letter first, acknowledged; then the record that takes the message's place in the chain.
///
/// `value` is the message's value in the clear, which the producer seals again for its new topic; what could not be
/// opened goes there as it came.
async fn reject(
    shared: &Shared,
    shard: u32,
    message: &Message,
    value: &[u8],
    event: Option<&aal_event::Event>,
    reason: String,
) -> Result<Draft, BuildError> {
    let rejected = Rejected {
        partition: shared.shards.partition_of(shard),
        offset: message.offset,
        key: message.key.clone(),
        reason,
    };
    let key = message.offset.to_be_bytes();
    let headers = Some(rejected.to_headers());
    let queued = shared
        .producer
        .queue_with_headers(DEAD_LETTER, &key, value, headers)?;
    let (_, offset) = queued.acknowledged().await?;
    shared.metrics.rejected.inc();
    tracing::warn!(
        offset = message.offset,
        dead_letter_offset = offset,
        reason = rejected.reason,
        "rejected a message"
    );
    let mac = shared.keys.index_key(Uuid::nil()).content_mac(&message.value);
    // The dead letter's offset is not part of the record: a second processor would get another one.
    Ok(aal_record::rejected(
        event,
        &rejected.reason,
        mac,
        None,
        message.at_us,
    ))
}

/// Finds event ids that are recorded already, in the store or earlier in this very block.
async fn settle_repeats(shared: &Shared, drafts: Vec<Draft>) -> Result<Vec<Draft>, BuildError> {
    let ids = drafts
        .iter()
        .filter(|draft| draft.kind.is_idempotent())
        .map(|draft| draft.event_id);
    let suspects = shared.seen.maybe_known(ids);
    let mut known: HashMap<(Uuid, Uuid), String> = HashMap::new();
    for stored in shared.store.find_events(&suspects).await? {
        let header: aal_record::Header = serde_json::from_str(&stored.header).unwrap_or_default();
        known.insert((stored.tenant, stored.event_id), header.content_mac);
    }
    let mut settled = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if !draft.kind.is_idempotent() {
            settled.push(draft);
            continue;
        }
        let id = (draft.tenant, draft.event_id);
        match known.get(&id) {
            None => {
                known.insert(id, draft.header.content_mac.clone());
                settled.push(draft);
            }
            Some(mac) => {
                let seen = if *mac == draft.header.content_mac {
                    Seen::Duplicate
                } else {
                    Seen::Conflict
                };
                shared.metrics.repeated(seen);
                settled.push(aal_record::conflict_or_duplicate(seen, draft));
            }
        }
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::month_of;

    #[test]
    fn months_are_those_of_utc() {
        assert_eq!(month_of(0), 197_001);
        assert_eq!(month_of(1_769_903_999_999_999), 202_601);
        assert_eq!(month_of(1_769_904_000_000_000), 202_602);
    }
}
