//! Random damage anywhere is never proven, and hostile input never crashes the verifier.

mod common;

use aal_ledger::leaf_hash;
use aal_verify::{StoredCiphertext, StoredRecord, StoredTemplate, Verifier};
use common::{Evidence, default_log, policy};
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

/// Every byte string of the evidence.
fn byte_strings(evidence: &mut Evidence) -> Vec<&mut Vec<u8>> {
    let mut all: Vec<&mut Vec<u8>> = evidence.checkpoints.iter_mut().collect();
    all.extend(evidence.manifests.iter_mut());
    all.push(&mut evidence.heads);
    for record in &mut evidence.records {
        all.extend([
            &mut record.leaf,
            &mut record.leaf_hash,
            &mut record.prev_leaf_hash,
            &mut record.header,
        ]);
        for template in &mut record.templates {
            all.push(&mut template.text);
            all.extend(template.salt.as_mut());
        }
        all.extend(record.ciphertexts.iter_mut().map(|stored| &mut stored.ciphertext));
    }
    all.retain(|bytes| !bytes.is_empty());
    all
}

fn any_record() -> impl Strategy<Value = StoredRecord> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..400);
    let templates = prop::collection::vec((0u16..5, bytes(), any::<Option<[u8; 32]>>()), 0..3);
    let ciphertexts = prop::collection::vec((0u16..20, bytes()), 0..3);
    let place = (0u32..3, 0u64..4, 0u32..4, any::<u64>(), 0u128..3, 0u64..30);
    (place, bytes(), bytes(), templates, ciphertexts, any::<bool>()).prop_map(
        |(
            (shard, block, row, offset, tenant, chain_index),
            leaf,
            header,
            templates,
            ciphertexts,
            is_hashed,
        )| {
            StoredRecord {
                shard,
                block,
                row,
                offset,
                tenant: Uuid::from_u128(tenant),
                chain_index,
                kind: "event".to_owned(),
                event_id: Uuid::nil(),
                prev_leaf_hash: vec![0; 32],
                leaf_hash: if is_hashed {
                    leaf_hash(&leaf).to_vec()
                } else {
                    header.clone()
                },
                leaf,
                header,
                templates: templates
                    .into_iter()
                    .map(|(slot, text, salt)| StoredTemplate {
                        slot,
                        text,
                        salt: salt.map(Vec::from),
                    })
                    .collect(),
                ciphertexts: ciphertexts
                    .into_iter()
                    .map(|(slot, ciphertext)| StoredCiphertext { slot, ciphertext })
                    .collect(),
                columns: Default::default(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_changed_byte_is_refuted(which in any::<Index>(), at in any::<Index>(), flip in 1u8..) {
        let mut evidence = default_log().evidence();
        let mut all = byte_strings(&mut evidence);
        let chosen = which.index(all.len());
        let position = at.index(all[chosen].len());
        all[chosen][position] ^= flip;
        let report = evidence.verify();
        prop_assert_eq!(report.exit_code(), 1, "string {} byte {}: {}", chosen, position, report);
    }

    #[test]
    fn a_cut_or_longer_byte_string_is_refuted(which in any::<Index>(), longer in prop::option::of(any::<u8>())) {
        let mut evidence = default_log().evidence();
        let mut all = byte_strings(&mut evidence);
        let chosen = which.index(all.len());
        match longer {
            Some(byte) => all[chosen].push(byte),
            None => drop(all[chosen].pop()),
        }
        prop_assert_eq!(evidence.verify().exit_code(), 1);
    }

    #[test]
    fn records_removed_repeated_or_moved_are_refuted(from in any::<Index>(), to in any::<Index>(), how in 0..3) {
        let mut evidence = default_log().evidence();
        let count = evidence.records.len();
        let (from, to) = (from.index(count), to.index(count));
        let record = evidence.records[from].clone();
        // What no epoch has sealed yet may vanish unseen from the end of its chain.
        let is_unsealed_tail = evidence.records.get(from + 1).is_none_or(|next| next.chain_index == 0)
            && [(1, 11), (2, 5)].contains(&(record.tenant.as_u128(), record.chain_index));
        match how {
            0 if is_unsealed_tail => return Ok(()),
            0 => drop(evidence.records.remove(from)),
            1 => evidence.records.insert(to, record),
            _ if from == to => return Ok(()),
            _ => {
                let moved = evidence.records.remove(from);
                evidence.records.insert(to, moved);
                let is_same_chain_order = evidence.records.is_sorted_by_key(|record| (record.tenant, record.shard, record.chain_index));
                prop_assert!(!is_same_chain_order || from == to);
                // A chain of one record may stand anywhere.
                let of_chain = |other: &&StoredRecord| (other.tenant, other.shard) == (record.tenant, record.shard);
                if evidence.records.iter().filter(of_chain).count() == 1 && is_whole_elsewhere(&evidence) {
                    return Ok(());
                }
            }
        }
        let report = evidence.verify();
        prop_assert_eq!(report.exit_code(), 1, "{} {} {}: {}", how, from, to, report);
    }

    #[test]
    fn hostile_records_do_not_crash(records in prop::collection::vec(any_record(), 0..6)) {
        let good = default_log().evidence();
        let mut verifier = Verifier::new(policy());
        verifier.checkpoint(&good.checkpoints[0]);
        good.manifests.iter().for_each(|manifest| verifier.manifest(manifest));
        verifier.heads(&good.heads);
        records.iter().for_each(|record| verifier.record(record));
        prop_assert_eq!(verifier.finish().exit_code(), 1);
    }

    #[test]
    fn hostile_anchors_do_not_crash(note in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
        let mut verifier = Verifier::new(policy());
        verifier.checkpoint(&note);
        verifier.checkpoint(text.as_bytes());
        verifier.manifest(&note);
        verifier.manifest(text.as_bytes());
        verifier.heads(text.as_bytes());
        prop_assert_eq!(verifier.finish().exit_code(), 1);
    }
}

/// Whether each chain's records stand together and ascend.
fn is_whole_elsewhere(evidence: &Evidence) -> bool {
    let mut seen = Vec::new();
    for chain in evidence
        .records
        .chunk_by(|left, right| (left.tenant, left.shard) == (right.tenant, right.shard))
    {
        let id = (chain[0].tenant, chain[0].shard);
        if seen.contains(&id) || !chain.is_sorted_by_key(|record| record.chain_index) {
            return false;
        }
        seen.push(id);
    }
    true
}
