//! Rewritten suffixes, forged anchors and what a dishonest sealer might sign.

mod common;

use aal_ledger::merkle::CompactRange;
use aal_ledger::{Heads, Kind, Manifest, NoteSigner, leaf_hash};
use aal_verify::{Status, Verdict};
use common::{EPOCH_US, Evidence, Log, ORIGIN, check, default_log, event, gap, plain, sign};
use serde_json::json;

/// A whole log written again, consistent in itself, against the sealed heads of the first.
fn rewritten(change: impl Fn(&mut common::Draft)) -> Evidence {
    let mut other = Log::default();
    let mut block = |mut drafts: Vec<common::Draft>| {
        drafts.iter_mut().for_each(&change);
        other.block(drafts);
    };
    block(vec![gap(0, 0, 2), event(1, 0, 3), event(2, 0, 4), event(1, 0, 5)]);
    block(vec![event(1, 1, 0), event(1, 1, 1)]);
    block(vec![
        event(2, 0, 6),
        event(1, 0, 7),
        event(1, 0, 8),
        plain(Kind::Heartbeat, 0, 0, 9),
    ]);
    block(
        (10..20)
            .map(|offset| event(1 + u128::from(offset % 3 == 0), 0, offset))
            .collect(),
    );
    block(vec![event(2, 1, 2)]);
    Evidence {
        records: other.evidence().records,
        ..default_log().evidence()
    }
}

#[test]
fn the_same_length_rewritten_with_new_links() {
    assert_eq!(rewritten(|_| ()).verify().exit_code(), 0, "control");
    let evidence = rewritten(|draft| {
        if draft.offset == 17 {
            draft.header.insert("cost".to_owned(), json!("0.000001"));
        }
    });
    let report = evidence.verify();
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(
        report.verdict(Verdict::Content).status,
        Status::Pass,
        "in itself it is consistent"
    );
    assert_eq!(report.verdict(Verdict::Scope).refuted, 1, "{report}");
    assert!(
        report.to_string().contains("00000001/0: root of 11 leaves is"),
        "{report}"
    );
    let back_dated = rewritten(|draft| draft.t_edge_us -= i64::from(draft.offset == 18));
    assert_eq!(back_dated.verify().exit_code(), 1);
}

fn seal_again(evidence: &mut Evidence, signer: &NoteSigner) {
    let mut log = CompactRange::new();
    evidence
        .manifests
        .iter()
        .for_each(|manifest| log.append(leaf_hash(manifest)));
    evidence.checkpoints = vec![sign(log.size(), log.root(), signer)];
}

fn edit_manifest(evidence: &mut Evidence, epoch: usize, change: impl Fn(&mut Manifest)) {
    let mut manifest = Manifest::parse(&evidence.manifests[epoch]).unwrap();
    change(&mut manifest);
    evidence.manifests[epoch] = manifest.to_text().into_bytes();
}

#[test]
fn the_anchor_changed() {
    check(&[
        (
            "checkpoint signature",
            |evidence| {
                let at = evidence.checkpoints[0].len() - 20;
                evidence.checkpoints[0][at] ^= 1;
            },
            Verdict::Identity,
            "checkpoint",
        ),
        (
            "checkpoint text",
            |evidence| {
                let text = String::from_utf8(evidence.checkpoints[0].clone()).unwrap();
                evidence.checkpoints[0] = text.replacen("\n3\n", "\n2\n", 1).into_bytes();
            },
            Verdict::Identity,
            "checkpoint of size 2: signature of known key",
        ),
        (
            "signed by a stranger",
            |evidence| {
                seal_again(evidence, &NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap());
            },
            Verdict::Identity,
            "no known key signed",
        ),
        (
            "another log of the same operator",
            |evidence| evidence.policy.origin = "audit.example.com/other".into(),
            Verdict::Identity,
            "expected \"audit.example.com/other\"",
        ),
        (
            "old heads with the new checkpoint",
            |evidence| {
                let mut log = Log::default();
                log.block(vec![event(1, 0, 0)]);
                log.seal();
                evidence.heads = log.heads;
            },
            Verdict::Identity,
            "heads of epoch 2 are",
        ),
        (
            "a head shortened",
            |evidence| {
                let text = String::from_utf8(evidence.heads.clone()).unwrap();
                evidence.heads = text.replacen("/0 11 ", "/0 10 ", 1).into_bytes();
            },
            Verdict::Identity,
            "heads of epoch 2 are",
        ),
        (
            "the newest manifest dropped",
            |evidence| drop(evidence.manifests.pop()),
            Verdict::Identity,
            "manifests of epochs 2 to 2 are missing",
        ),
        (
            "all manifests dropped",
            |evidence| evidence.manifests.clear(),
            Verdict::Identity,
            "manifests of epochs 0 to 2 are missing",
        ),
        (
            "a middle manifest dropped",
            |evidence| drop(evidence.manifests.remove(1)),
            Verdict::Identity,
            "epoch is 2, expected 1",
        ),
        (
            "manifests swapped",
            |evidence| evidence.manifests.swap(0, 1),
            Verdict::Identity,
            "epoch is 1, expected 0",
        ),
        (
            "a manifest's time",
            |evidence| edit_manifest(evidence, 1, |manifest| manifest.closed_us -= 1),
            Verdict::Identity,
            "epoch 2 names",
        ),
        (
            "the newest manifest's time",
            |evidence| edit_manifest(evidence, 2, |manifest| manifest.closed_us += EPOCH_US),
            Verdict::Identity,
            "have root",
        ),
        (
            "manifest not one",
            |evidence| evidence.manifests[1][0] ^= 1,
            Verdict::Identity,
            "manifest of epoch 1: line 1",
        ),
        (
            "a fork signed twice at one size",
            |evidence| {
                evidence.checkpoints.push(sign(3, [7; 32], &common::log_signer()));
            },
            Verdict::Identity,
            "the log was forked",
        ),
        (
            "a head seen before that this log never had",
            |evidence| {
                evidence.checkpoints.push(sign(2, [7; 32], &common::log_signer()));
            },
            Verdict::Identity,
            "epochs 0 to 1 have root",
        ),
        (
            "a larger head seen before: the log was rolled back",
            |evidence| {
                evidence.checkpoints.push(sign(9, [7; 32], &common::log_signer()));
            },
            Verdict::Identity,
            "manifests of epochs 3 to 8 are missing",
        ),
    ]);
}

/// What a dishonest sealer with the key could sign: caught by what the records themselves say.
#[test]
fn sealed_lies_contradict_the_records() {
    let sealed = |blocks: Vec<Vec<common::Draft>>| {
        let mut log = Log::default();
        blocks.into_iter().for_each(|drafts| log.block(drafts));
        log.seal();
        log.evidence().verify()
    };
    let future = sealed(vec![vec![common::Draft {
        t_edge_us: common::START_US + EPOCH_US + 5_000_001,
        ..event(1, 0, 0)
    }]]);
    assert_eq!(future.verdict(Verdict::Time).status, Status::Fail, "{future}");
    let cases = [
        (
            "an offset nobody accounts for",
            vec![event(1, 0, 0), event(2, 0, 2)],
            "offsets 0 to 2 are 3, the leaves account for 2",
        ),
        (
            "an offset twice",
            vec![event(1, 0, 0), event(2, 0, 0), event(1, 0, 1)],
            "offsets 0 to 1 are 2, the leaves account for 3",
        ),
        (
            "one lost and one twice",
            vec![event(1, 0, 0), event(1, 0, 1), event(2, 0, 1), event(1, 0, 3)],
            "not each accounted for once",
        ),
        (
            "offsets going back",
            vec![event(1, 0, 1), event(1, 0, 0)],
            "offset 0 does not follow offset 1",
        ),
        (
            "a gap over what is there",
            vec![event(1, 0, 0), gap(0, 0, 1)],
            "the leaves account for 3",
        ),
        (
            "a gap that ends before it begins",
            vec![event(1, 0, 0), gap(0, 3, 2)],
            "no range of offsets",
        ),
    ];
    for (name, drafts, expected) in cases {
        let report = sealed(vec![drafts]);
        assert_eq!(
            report.verdict(Verdict::Scope).status,
            Status::Fail,
            "{name}: {report}"
        );
        assert!(report.to_string().contains(expected), "{name}: {report}");
    }
    let mut evidence = default_log().evidence();
    let heads = Heads::parse(&evidence.heads).unwrap();
    let shards = heads.shards().iter().map(|head| aal_ledger::ShardHead {
        next_offset: head.next_offset + 1,
        ..*head
    });
    let heads = Heads::new(heads.chains().iter().copied(), shards).unwrap();
    evidence.heads = heads.to_text().into_bytes();
    edit_manifest(&mut evidence, 2, |manifest| manifest.heads_root = heads.root());
    seal_again(&mut evidence, &common::log_signer());
    let report = evidence.verify();
    assert!(
        report
            .to_string()
            .contains("shard 0: offsets end before 20, manifest of epoch 2 says 21"),
        "{report}"
    );
}

#[test]
fn many_faults_are_counted_and_the_first_ones_named() {
    let mut evidence = default_log().evidence();
    for record in &mut evidence.records {
        record.columns.insert("application".to_owned(), json!("forged"));
        record.columns.insert("model".to_owned(), json!("forged"));
    }
    let report = evidence.verify();
    let content = report.verdict(Verdict::Content);
    assert_eq!((content.refuted, content.findings.len()), (46, 20));
    assert!(report.to_string().contains("  and 26 more\n"), "{report}");
}
