//! Values that several tests share.
#![allow(dead_code)]

use std::path::PathBuf;

use aal_ledger::leaf::{AEAD_AES_256_SIV, AEAD_NONE, NO_TIME};
use aal_ledger::{Kind, Leaf, Slot, ZERO_HASH};
use uuid::Uuid;

/// The vectors beside the repository.
pub fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors")
}

/// The smallest leaf there is: a heartbeat of a shard, nothing else known.
pub fn minimal_leaf() -> Leaf {
    Leaf {
        kind: Kind::Heartbeat,
        tenant: Uuid::nil(),
        shard: 0,
        index: 0,
        prev_leaf_hash: ZERO_HASH,
        event_id: Uuid::nil(),
        source_id: Uuid::nil(),
        source_epoch: 0,
        source_seq: 0,
        topic_hash: ZERO_HASH,
        partition: 0,
        offset: 0,
        t_source_us: NO_TIME,
        t_edge_us: 1_790_000_000_000_000,
        avro_schema_hash: ZERO_HASH,
        pipeline_hash: ZERO_HASH,
        header_hash: [0x11; 32],
        ingress_receipt_hash: ZERO_HASH,
        slots: Vec::new(),
    }
}

/// A template slot whose key is `key`.
pub fn template_slot(slot: u16, key: u128) -> Slot {
    Slot {
        slot,
        subject_key_id: Uuid::from_u128(key),
        key_ver: 1,
        aead: AEAD_NONE,
        padded_len: 0,
        ct_hash: ZERO_HASH,
        pt_commit: [0x21; 32],
        key_commit: [0x22; 32],
    }
}

/// A sealed slot whose key is `key`.
pub fn sealed_slot(slot: u16, key: u128) -> Slot {
    Slot {
        aead: AEAD_AES_256_SIV,
        padded_len: 32,
        ct_hash: [0x23; 32],
        ..template_slot(slot, key)
    }
}

/// A leaf of an event that has everything.
pub fn full_leaf() -> Leaf {
    Leaf {
        kind: Kind::Event,
        tenant: Uuid::from_u128(0x0192_f0c1_7a10_7c3e_8f00_0123_4567_89ab),
        shard: 3,
        index: 17,
        prev_leaf_hash: [0x01; 32],
        event_id: Uuid::from_u128(0x0192_f0c1_7a11_7000_8000_0000_0000_0001),
        source_id: aal_ledger::hash::source_id("loan-desk", "pod-7"),
        source_epoch: 2,
        source_seq: 4_711,
        topic_hash: aal_ledger::hash::topic_hash("audit.events"),
        partition: 3,
        offset: 123_456_789_012,
        t_source_us: 1_789_999_999_999_999,
        t_edge_us: 1_790_000_000_000_000,
        avro_schema_hash: [0x02; 32],
        pipeline_hash: [0x03; 32],
        header_hash: [0x04; 32],
        ingress_receipt_hash: [0x05; 32],
        slots: vec![
            template_slot(0, 7),
            template_slot(1, 7),
            template_slot(2, 7),
            sealed_slot(8, 9),
            sealed_slot(16, 7),
            sealed_slot(4095, 7),
        ],
    }
}
