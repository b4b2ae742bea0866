//! The leaf encoding: golden bytes, one encoding per value, strict refusals, chain links.

mod common;

use aal_ledger::chain::{ChainId, ChainTip, LinkError};
use aal_ledger::leaf::NO_TIME;
use aal_ledger::{Kind, Leaf, LeafError, MAX_LEAF_LEN, MAX_SLOTS, Slot, ZERO_HASH, leaf_hash};
use common::{full_leaf, minimal_leaf, sealed_slot, template_slot};
use proptest::prelude::*;
use uuid::Uuid;

fn gap_leaf() -> Leaf {
    let mut leaf = minimal_leaf();
    leaf.kind = Kind::Gap;
    leaf.shard = 3;
    leaf.index = 1;
    leaf.prev_leaf_hash = [0x31; 32];
    leaf.topic_hash = aal_ledger::hash::topic_hash("audit.events");
    leaf.partition = 3;
    leaf.offset = 41;
    leaf
}

/// The bytes of version 1. A difference here is a new version of the format, not a new golden file.
#[test]
fn golden_bytes_do_not_change() {
    let cases = [
        (
            "leaf-v1-minimal",
            minimal_leaf(),
            include_str!("golden/leaf-v1-minimal.txt"),
        ),
        (
            "leaf-v1-full",
            full_leaf(),
            include_str!("golden/leaf-v1-full.txt"),
        ),
        ("leaf-v1-gap", gap_leaf(), include_str!("golden/leaf-v1-gap.txt")),
    ];
    for (name, leaf, golden) in cases {
        let bytes = leaf.encode().unwrap();
        let text = format!(
            "leaf {}\nhash {}\n",
            hex::encode(&bytes),
            hex::encode(leaf_hash(&bytes))
        );
        assert_eq!(text, golden, "{name}");
        assert_eq!(Leaf::decode(&bytes).unwrap(), leaf, "{name}");
    }
}

#[test]
fn offsets_are_those_of_the_document() {
    let bytes = full_leaf().encode().unwrap();
    assert_eq!(&bytes[..12], b"aal/leaf/v1\n");
    assert_eq!(bytes[12], 1);
    assert_eq!(bytes[13..29], full_leaf().tenant.into_bytes());
    assert_eq!(bytes[29..33], 3u32.to_be_bytes());
    assert_eq!(bytes[33..41], 17u64.to_be_bytes());
    assert_eq!(bytes[73..89], full_leaf().event_id.into_bytes());
    assert_eq!(bytes[157..165], 123_456_789_012u64.to_be_bytes());
    assert_eq!(bytes[173..181], 1_790_000_000_000_000i64.to_be_bytes());
    assert_eq!(bytes[245..277], [0x04; 32]);
    assert_eq!(bytes[309..311], 6u16.to_be_bytes());
    assert_eq!(bytes.len(), 313 + 6 * 123);
    assert_eq!(minimal_leaf().encode().unwrap().len(), 313);
}

#[test]
fn the_longest_leaf_fits_a_tile_entry() {
    let mut leaf = full_leaf();
    leaf.slots = (0..MAX_SLOTS as u16).map(|slot| sealed_slot(slot, 1)).collect();
    let bytes = leaf.encode().unwrap();
    assert!(bytes.len() <= MAX_LEAF_LEN);
    assert_eq!(Leaf::decode(&bytes).unwrap(), leaf);
    leaf.slots.push(sealed_slot(MAX_SLOTS as u16, 1));
    assert_eq!(leaf.encode(), Err(LeafError::TooManySlots(MAX_SLOTS + 1)));
    assert!(matches!(
        Leaf::decode(&vec![0; MAX_LEAF_LEN + 1]),
        Err(LeafError::TooLong(_))
    ));
}

#[test]
fn values_outside_the_format_have_no_encoding() {
    type Change = fn(&mut Leaf);
    let changes: [(&str, Change); 15] = [
        ("slots out of order", |leaf| leaf.slots.swap(0, 1)),
        ("slot twice", |leaf| leaf.slots[1].slot = 0),
        ("unknown aead", |leaf| leaf.slots[3].aead = 2),
        ("ciphertext without key", |leaf| {
            leaf.slots[3].subject_key_id = Uuid::nil()
        }),
        ("ciphertext without length", |leaf| leaf.slots[3].padded_len = 0),
        ("ciphertext without hash", |leaf| {
            leaf.slots[3].ct_hash = ZERO_HASH
        }),
        ("template with length", |leaf| leaf.slots[0].padded_len = 1),
        ("template with ciphertext hash", |leaf| {
            leaf.slots[0].ct_hash = [1; 32]
        }),
        ("no plaintext commitment", |leaf| {
            leaf.slots[0].pt_commit = ZERO_HASH
        }),
        ("key without commitment", |leaf| {
            leaf.slots[0].key_commit = ZERO_HASH
        }),
        ("key version without key", |leaf| {
            leaf.slots[0].subject_key_id = Uuid::nil();
            leaf.slots[0].key_commit = ZERO_HASH;
        }),
        ("key commitment without key", |leaf| {
            leaf.slots[0].subject_key_id = Uuid::nil()
        }),
        ("sequence without source", |leaf| leaf.source_id = Uuid::nil()),
        ("offset without topic", |leaf| leaf.topic_hash = ZERO_HASH),
        ("no edge time", |leaf| leaf.t_edge_us = NO_TIME),
    ];
    for (what, change) in changes {
        let mut leaf = full_leaf();
        change(&mut leaf);
        assert!(leaf.encode().is_err(), "{what}");
    }
}

#[test]
fn bytes_that_are_no_leaf_are_refused() {
    let good = full_leaf().encode().unwrap();
    for cut in 0..good.len() {
        assert!(Leaf::decode(&good[..cut]).is_err(), "cut to {cut}");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert_eq!(Leaf::decode(&longer), Err(LeafError::TrailingBytes(1)));

    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Leaf::decode(&bytes)
    };
    assert_eq!(with(0, b'A'), Err(LeafError::Magic));
    assert_eq!(with(9, b'2'), Err(LeafError::Magic));
    assert_eq!(with(12, 0), Err(LeafError::Kind(0)));
    assert_eq!(with(12, 25), Err(LeafError::Kind(25)));
    assert_eq!(with(good.len() - 1, 1), Err(LeafError::Extension(1)));
    assert!(with(309, 0xff).is_err(), "a count beyond the bytes");
    assert!(with(310, 5).is_err(), "a count below the bytes");
}

#[test]
fn a_chain_takes_only_the_next_leaf() {
    let mut first = full_leaf();
    first.index = 0;
    first.prev_leaf_hash = ZERO_HASH;
    first.offset = 5;
    let first_hash = first.hash().unwrap();
    let tip = ChainTip::EMPTY.extend(&first, first_hash).unwrap();
    assert_eq!(
        tip,
        ChainTip {
            size: 1,
            last_leaf_hash: first_hash,
            last_offset: Some(5)
        }
    );

    let mut second = full_leaf();
    second.index = 1;
    second.prev_leaf_hash = first_hash;
    second.offset = 6;
    let hash = second.hash().unwrap();
    assert_eq!(tip.extend(&second, hash).unwrap().size, 2);

    let repeated = tip.extend(&first, first_hash).unwrap_err();
    assert_eq!(
        repeated,
        LinkError::Index {
            expected: 1,
            found: 0
        }
    );
    let skipped = Leaf {
        index: 2,
        ..second.clone()
    };
    assert_eq!(
        tip.extend(&skipped, hash).unwrap_err(),
        LinkError::Index {
            expected: 1,
            found: 2
        }
    );
    let unlinked = Leaf {
        prev_leaf_hash: [9; 32],
        ..second.clone()
    };
    assert!(matches!(tip.extend(&unlinked, hash), Err(LinkError::Link { .. })));
    let replayed = Leaf {
        offset: 5,
        ..second.clone()
    };
    assert_eq!(
        tip.extend(&replayed, hash).unwrap_err(),
        LinkError::Offset { last: 5, found: 5 }
    );
    assert!(matches!(
        ChainTip::EMPTY.extend(&second, hash),
        Err(LinkError::Index { .. })
    ));

    // A leaf without a message does not count for offsets and does not reset them.
    let silent = Leaf {
        topic_hash: ZERO_HASH,
        partition: 0,
        offset: 0,
        ..second
    };
    let silent_hash = silent.hash().unwrap();
    assert_eq!(tip.extend(&silent, silent_hash).unwrap().last_offset, Some(5));
}

#[test]
fn chain_ids_have_one_text_form() {
    let id = ChainId::of(&full_leaf());
    assert_eq!(id.to_string(), "0192f0c1-7a10-7c3e-8f00-0123456789ab/3");
    assert_eq!(id.to_string().parse::<ChainId>(), Ok(id));
    let others = [
        "",
        "/3",
        "0192f0c1-7a10-7c3e-8f00-0123456789ab",
        "0192f0c1-7a10-7c3e-8f00-0123456789ab/",
        "0192f0c1-7a10-7c3e-8f00-0123456789ab/03",
        "0192f0c1-7a10-7c3e-8f00-0123456789ab/+3",
        "0192f0c1-7a10-7c3e-8f00-0123456789ab/4294967296",
        "0192F0C1-7A10-7C3E-8F00-0123456789AB/3",
        "0192f0c17a107c3e8f000123456789ab/3",
    ];
    for other in others {
        assert!(other.parse::<ChainId>().is_err(), "{other}");
    }
}

prop_compose! {
    fn any_slot()(
        key in 0u128..3,
        (key_ver, sealed, padded_len) in (any::<u32>(), any::<bool>(), 1u32..),
        (ct_hash, pt_commit, key_commit) in (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>()),
    ) -> Slot {
        let mut slot = template_slot(0, key);
        slot.pt_commit = pt_commit;
        if key == 0 {
            slot.key_ver = 0;
            slot.key_commit = ZERO_HASH;
        } else {
            slot.key_ver = key_ver;
            slot.key_commit = key_commit;
            if sealed {
                slot = Slot { aead: 1, padded_len, ct_hash, ..slot };
            }
        }
        slot
    }
}

prop_compose! {
    fn any_leaf()(
        kind in 1u8..=24,
        (tenant, event_id, source_id) in (any::<u128>(), any::<u128>(), any::<u128>()),
        (shard, index, offset, partition) in (any::<u32>(), any::<u64>(), any::<u64>(), any::<u32>()),
        (source_epoch, source_seq) in (any::<u64>(), any::<u64>()),
        (t_source_us, t_edge_us) in (any::<i64>(), i64::MIN + 1..),
        hashes in any::<[[u8; 32]; 6]>(),
        has_topic in any::<bool>(),
        has_source in any::<bool>(),
        slots in proptest::collection::btree_map(any::<u16>(), any_slot(), 0..8),
    ) -> Leaf {
        let [prev_leaf_hash, topic_hash, avro_schema_hash, pipeline_hash, header_hash, receipt_hash] = hashes;
        let number = |slot: u16, entry: Slot| Slot { slot, ..entry };
        Leaf {
            kind: Kind::from_u8(kind).unwrap(),
            tenant: Uuid::from_u128(tenant),
            shard,
            index,
            prev_leaf_hash,
            event_id: Uuid::from_u128(event_id),
            source_id: if has_source { Uuid::from_u128(source_id) } else { Uuid::nil() },
            source_epoch: if has_source { source_epoch } else { 0 },
            source_seq: if has_source { source_seq } else { 0 },
            topic_hash: if has_topic { topic_hash } else { ZERO_HASH },
            partition: if has_topic { partition } else { 0 },
            offset: if has_topic { offset } else { 0 },
            t_source_us,
            t_edge_us,
            avro_schema_hash,
            pipeline_hash,
            header_hash,
            ingress_receipt_hash: receipt_hash,
            slots: slots.into_iter().map(|(slot, entry)| number(slot, entry)).collect(),
        }
    }
}

proptest! {
    #[test]
    fn decoding_an_encoding_gives_the_leaf(leaf in any_leaf()) {
        let bytes = leaf.encode().unwrap();
        prop_assert_eq!(Leaf::decode(&bytes).unwrap(), leaf);
    }

    /// Whatever bytes are accepted are the encoding of what they decode to, so there is no second encoding.
    #[test]
    fn accepted_bytes_are_the_one_encoding(
        leaf in any_leaf(), at in any::<prop::sample::Index>(), flip in 1u8..,
    ) {
        let mut bytes = leaf.encode().unwrap();
        let position = at.index(bytes.len());
        bytes[position] ^= flip;
        if let Ok(other) = Leaf::decode(&bytes) {
            prop_assert_ne!(&other, &leaf);
            prop_assert_eq!(other.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        let _ = Leaf::decode(&bytes);
        let mut with_magic = b"aal/leaf/v1\n\x01".to_vec();
        with_magic.extend_from_slice(&bytes);
        if let Ok(leaf) = Leaf::decode(&with_magic) {
            prop_assert_eq!(leaf.encode().unwrap(), with_magic);
        }
    }
}
