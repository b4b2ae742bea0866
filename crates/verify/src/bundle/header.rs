//! One record's header beside its leaf.

use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::jcs::Members;
use aal_ledger::{Kind, LeafView, PruneRanges, pruned};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::report::{Place, Tally, Verdict};

/// Checks the header's bytes against the leaf. `None` when they are not usable.
pub(crate) fn check<'h>(
    leaf: &LeafView<'_>,
    header: &'h [u8],
    place: Place,
    tally: &mut Tally,
) -> Option<Members<'h>> {
    let mut content = |holds: bool, what: &dyn Fn() -> String| {
        tally.checked(Verdict::Content, 1);
        if !holds {
            tally.refute(Verdict::Content, place, what());
        }
    };
    let computed = sha256(header);
    content(computed == leaf.header_hash(), &|| {
        let (found, sealed) = (to_hex(&computed), to_hex(&leaf.header_hash()));
        format!("header hashes to {found}, the leaf says {sealed}")
    });
    let members = match Members::read(header) {
        Ok(members) => members,
        Err(error) => {
            content(false, &|| format!("header is not canonical: {error}"));
            return None;
        }
    };
    let kind = members.get("kind");
    content(
        kind.is_some_and(|kind| kind.is_string(leaf.kind().name())),
        &|| {
            let kind = kind.map_or("none", |kind| kind.as_text());
            format!("header says kind {kind}, the leaf {:?}", leaf.kind().name())
        },
    );
    let mut buffer = [0; Hyphenated::LENGTH];
    let event_id: &str = leaf.event_id().hyphenated().encode_lower(&mut buffer);
    let named = members.get("event_id");
    let is_same = named.map_or(leaf.event_id().is_nil(), |named| named.is_string(event_id));
    content(is_same, &|| {
        let named = named.map_or("none", |named| named.as_text());
        format!("header says event {named}, the leaf {event_id}")
    });
    if let Some(edge) = members.get("edge_at_us") {
        content(edge.integer() == Some(leaf.t_edge_us()), &|| {
            format!(
                "header says edge time {}, the leaf {}",
                edge.as_text(),
                leaf.t_edge_us()
            )
        });
    }
    Some(members)
}

/// First offset that the leaf stands for: a gap begins before its own.
pub(crate) fn first_offset(leaf: &LeafView<'_>, header: Option<&Members<'_>>) -> u64 {
    let named = header
        .filter(|_| leaf.kind() == Kind::Gap)
        .and_then(|header| header.get("first_offset"))
        .and_then(|raw| raw.unsigned());
    named.unwrap_or_else(|| leaf.offset())
}

/// What a prune leaf names; nothing for other kinds.
pub(crate) fn prunes(kind: Kind, header: &Members<'_>) -> Option<PruneRanges> {
    if kind != Kind::Prune {
        return None;
    }
    let member = |name: &str| header.get(name).map(|raw| raw.value());
    let (shard, ranges) = (member(pruned::SHARD_MEMBER), member(pruned::RANGES_MEMBER));
    PruneRanges::read(shard.as_ref(), ranges.as_ref())
}

/// The data keys that an erasure_done leaf names; none for other kinds.
pub(crate) fn erased_keys(kind: Kind, header: &Members<'_>) -> Vec<Uuid> {
    if kind != Kind::ErasureDone {
        return Vec::new();
    }
    let named = header.get("subject_key_ids").map(|raw| raw.value());
    let named = named
        .as_ref()
        .and_then(|value| value.as_array())
        .into_iter()
        .flatten();
    named
        .filter_map(|value| Uuid::try_parse(value.as_str()?).ok())
        .collect()
}
