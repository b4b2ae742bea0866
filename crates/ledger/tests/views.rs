//! Reading in place accepts exactly what the full decoders accept, and says the same.

use aal_ledger::jcs::{self, Members};
use aal_ledger::leaf::{AEAD_AES_256_SIV, AEAD_NONE, NO_TIME};
use aal_ledger::merkle::{CompactRange, node_hash};
use aal_ledger::{Kind, Leaf, LeafView, Slot, ZERO_HASH};
use proptest::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

fn leaf(slots: u16) -> Leaf {
    let slot = |number: u16| Slot {
        slot: number,
        subject_key_id: Uuid::from_u128(7),
        key_ver: 1,
        aead: if number.is_multiple_of(2) {
            AEAD_NONE
        } else {
            AEAD_AES_256_SIV
        },
        padded_len: if number.is_multiple_of(2) { 0 } else { 32 },
        ct_hash: if number.is_multiple_of(2) {
            ZERO_HASH
        } else {
            [9; 32]
        },
        pt_commit: [7; 32],
        key_commit: [8; 32],
    };
    Leaf {
        kind: Kind::Event,
        tenant: Uuid::from_u128(1),
        shard: 3,
        index: 5,
        prev_leaf_hash: [1; 32],
        event_id: Uuid::from_u128(2),
        source_id: Uuid::from_u128(3),
        source_epoch: 4,
        source_seq: 6,
        topic_hash: [2; 32],
        partition: 3,
        offset: 99,
        t_source_us: NO_TIME,
        t_edge_us: 1_790_000_000_000_000,
        avro_schema_hash: [3; 32],
        pipeline_hash: [4; 32],
        header_hash: [5; 32],
        ingress_receipt_hash: [6; 32],
        slots: (0..slots).map(slot).collect(),
    }
}

fn compare(bytes: &[u8]) {
    match (LeafView::new(bytes), Leaf::decode(bytes)) {
        (Ok(view), Ok(leaf)) => {
            assert_eq!(view.kind(), leaf.kind);
            assert_eq!(
                (view.tenant(), view.shard(), view.index()),
                (leaf.tenant, leaf.shard, leaf.index)
            );
            assert_eq!(view.prev_leaf_hash(), leaf.prev_leaf_hash);
            assert_eq!(
                (view.event_id(), view.source_id()),
                (leaf.event_id, leaf.source_id)
            );
            assert_eq!(
                (view.source_epoch(), view.source_seq()),
                (leaf.source_epoch, leaf.source_seq)
            );
            assert_eq!((view.partition(), view.offset()), (leaf.partition, leaf.offset));
            assert_eq!(
                (view.has_offset(), view.t_edge_us()),
                (leaf.has_offset(), leaf.t_edge_us)
            );
            assert_eq!(view.header_hash(), leaf.header_hash);
            assert_eq!(view.ingress_receipt_hash(), leaf.ingress_receipt_hash);
            assert_eq!(view.slots().len(), leaf.slots.len());
            for (found, slot) in view.slots().zip(&leaf.slots) {
                assert_eq!(
                    (found.slot(), found.aead(), found.padded_len()),
                    (slot.slot, slot.aead, slot.padded_len)
                );
                assert_eq!(
                    (found.ct_hash(), found.pt_commit()),
                    (slot.ct_hash, slot.pt_commit)
                );
                assert_eq!(found.subject_key_id(), slot.subject_key_id);
            }
        }
        (Err(view), Err(leaf)) => assert_eq!(view, leaf),
        (view, leaf) => panic!("{view:?} is not {leaf:?}"),
    }
}

fn compare_json(bytes: &[u8]) {
    let whole = jcs::parse_canonical(bytes);
    match (Members::read(bytes), whole) {
        (Ok(members), Ok(Value::Object(object))) => {
            assert_eq!(members.iter().count(), object.len());
            for (name, value) in &object {
                if let Some(raw) = members.get(name) {
                    assert_eq!(raw.value(), *value, "{name}");
                    assert_eq!(raw.string().as_deref(), value.as_str());
                    assert_eq!(raw.boolean(), value.as_bool());
                } else {
                    let is_plain = name
                        .bytes()
                        .all(|byte| byte >= 0x20 && !matches!(byte, b'"' | b'\\'));
                    assert!(!is_plain, "{name:?} is not found");
                }
            }
        }
        (Err(_), Err(_)) => {}
        (Err(_), Ok(value)) => assert!(!value.is_object(), "{value} was refused"),
        (Ok(_), whole) => panic!(
            "{:?} was accepted, the parser says {whole:?}",
            String::from_utf8_lossy(bytes)
        ),
    }
}

fn json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1i64 << 53)..=1 << 53).prop_map(Value::from),
        (-1e6f64..1e6).prop_map(Value::from),
        "[ -~\u{e9}\u{1F600}\n\t\"\\\\]{0,12}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 6, |inner| {
        let name = "[a-z_\"\u{e9}\u{ffff}\u{1F600}]{0,6}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

#[test]
fn odd_json_is_judged_as_by_the_parser() {
    for text in [
        "",
        "{",
        "{}",
        "[]",
        "null",
        " {}",
        "{} ",
        "{\"a\":1,}",
        "{\"a\" :1}",
        "{\"a\":01}",
        "{\"a\":-0}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":9007199254740993}",
        "{\"b\":1,\"a\":2}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":\"\\u0041\"}",
        "{\"a\":\"\\/\"}",
        "{\"a\":\"\\u001f\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":tru}",
        "{\"a\":truefalse}",
        "{\"a\":[1 ,2]}",
        "{\"a\":{\"c\":1,\"b\":2}}",
        "{\"a\":1.5}",
        "{\"a\":{\"b\":[{}]}}",
        "{\"\":0}",
        "{a:1}",
        "{\"a\":\"\n\"}",
        "{\"a\":}",
    ] {
        compare_json(text.as_bytes());
    }
    for depth in [10, 16, 17, 40, 125, 126, 127, 128, 5_000] {
        compare_json(format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        compare_json(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).as_bytes());
    }
}

proptest! {
    #[test]
    fn a_leaf_in_place_is_the_decoded_leaf(slots in 0u16..5, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0usize..4) {
        let mut bytes = leaf(slots).encode().unwrap();
        compare(&bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        compare(&bytes);
        bytes.truncate(bytes.len() - cut);
        compare(&bytes);
        bytes.resize(bytes.len() + cut * 2, 0);
        compare(&bytes);
    }

    #[test]
    fn members_in_place_are_the_parsed_members(value in json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = jcs::to_vec(&value).unwrap();
        compare_json(&bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        compare_json(&bytes);
        bytes.insert(at, b' ');
        compare_json(&bytes);
    }

    /// Runs of leaves summed up apart and joined give the tree of all leaves.
    #[test]
    fn subtrees_join_to_the_same_tree(cuts in prop::collection::vec(1u64..40, 1..8)) {
        let (mut joined, mut whole) = (CompactRange::new(), CompactRange::new());
        for cut in cuts {
            // Perfect subtrees of [start, start + cut), as far as they are aligned.
            let mut subtrees: Vec<(u32, [u8; 32])> = Vec::new();
            for position in whole.size()..whole.size() + cut {
                let leaf = [position as u8; 32];
                let (mut level, mut index, mut node) = (0, position, leaf);
                while index & 1 == 1 && subtrees.last().is_some_and(|(left, _)| *left == level) {
                    let (_, left) = subtrees.pop().unwrap();
                    node = node_hash(&left, &node);
                    (level, index) = (level + 1, index >> 1);
                }
                subtrees.push((level, node));
            }
            for position in whole.size()..whole.size() + cut {
                whole.append([position as u8; 32]);
            }
            for (level, root) in subtrees {
                prop_assert!(joined.append_subtree(level, root));
            }
            prop_assert_eq!(&joined, &whole);
        }
        prop_assert!(whole.size().is_multiple_of(64) || !joined.append_subtree(6, [0; 32]));
        prop_assert!(!joined.append_subtree(64, [0; 32]));
    }
}
