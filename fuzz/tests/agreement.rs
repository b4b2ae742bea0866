//! Two verifiers that share no line agree on every changed bundle, and neither believes one.
//!
//! AAL_TAMPER_BUNDLES and AAL_TAMPER_SEED say how many changes are tried and which; AAL_TAMPER_COUNTS names a file that
//! gets the counts for the campaign's table.

use std::{collections::BTreeMap, path::PathBuf};

use aal_fuzz::{
    SecondVerifier,
    forge::{self, Forged},
    mutate::Mutator,
    sample, second_verifier,
};
use aal_ledger::{
    Heads, Leaf, Manifest, Note, NoteSigner, Receipt, TrustPolicy, jcs, merkle::CompactRange, proof,
};
use aal_verify::{BundleOptions, Verdict, verify_bundle};
use serde_json::{Value, json};

const POLICY: &str = "sample";

fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(otherwise, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is no number"))
    })
}

fn policy() -> TrustPolicy {
    TrustPolicy::parse(&sample::policy_text()).expect("the sample's policy is one")
}

fn second() -> SecondVerifier {
    let mut verifier = SecondVerifier::start();
    verifier.pin(POLICY, &sample::policy_text());
    verifier
}

/// Exit status and verdicts of the product's verifier.
fn first_opinion(bytes: &[u8], policy: &TrustPolicy) -> (u64, Value) {
    match verify_bundle(bytes, policy, BundleOptions::default()) {
        Ok(report) => (
            report.exit_code().into(),
            serde_json::to_value(&report).expect("JSON"),
        ),
        Err(error) => (2, json!({"unreadable": error.to_string()})),
    }
}

fn second_opinion(verifier: &mut SecondVerifier, bytes: &[u8]) -> (u64, Value) {
    let answer = verifier.ask(json!({"op": "bundle", "policy": POLICY}), bytes);
    (answer["exit"].as_u64().expect("an exit status"), answer)
}

#[test]
fn both_verifiers_prove_the_untouched_bundles() {
    let (policy, mut second) = (policy(), second());
    for (name, bytes, expected) in sample::bundles() {
        let (status, report) = first_opinion(&bytes, &policy);
        assert_eq!(status, expected as u64, "{name}: {report:#}");
        let (status, answer) = second_opinion(&mut second, &bytes);
        assert_eq!(status, expected as u64, "{name}: {answer:#}");
        for (position, verdict) in Verdict::ALL.iter().enumerate() {
            let result = &answer["verdicts"][verdict.name()]["result"];
            assert_eq!(
                result,
                &report["verdicts"][position]["status"],
                "{name}: {}",
                verdict.name()
            );
        }
    }
}

/// A changed bundle may be proven only when all its evidence is genuine: then just the texts for people, the maker's own
/// description of what he hands over, or true evidence of the same log beside it were changed.
fn says_nothing_false(changed: &[u8], genuine: &[forge::archive::Member]) -> bool {
    forge::evidence(changed)
        .iter()
        .all(|member| genuine.contains(member))
}

#[test]
fn both_verifiers_agree_on_every_changed_bundle() {
    let (policy, mut second) = (policy(), second());
    let originals = sample::bundles();
    let genuine: Vec<_> = originals
        .iter()
        .flat_map(|(_, bytes, _)| forge::evidence(bytes))
        .collect();
    let mut mutator = Mutator::new(number("AAL_TAMPER_SEED", 1));
    let mut outcomes: BTreeMap<(String, u64), u64> = BTreeMap::new();
    let mut disagreements = Vec::new();
    for round in 0..number("AAL_TAMPER_BUNDLES", 1_500) {
        let (name, original, _) = &originals[round as usize % originals.len()];
        let other = &originals[mutator.below(originals.len())].1;
        let Forged { bytes, what } = forge::forge(&mut mutator, original, other);
        if bytes == *original {
            continue;
        }
        let (first, report) = first_opinion(&bytes, &policy);
        let (again, answer) = second_opinion(&mut second, &bytes);
        let believed = first == 0 && !says_nothing_false(&bytes, &genuine);
        if first != again || believed {
            let detail =
                format!("round {round}, bundle {name}, {what}: {first} and {again}\n{report}\n{answer}\n");
            disagreements.push(detail);
        }
        let kind = what.split(':').next().unwrap_or_default().to_owned();
        *outcomes.entry((kind, first)).or_default() += 1;
    }
    println!("{:<44} {:>6} {:>8}", "change", "status", "bundles");
    for ((kind, status), count) in &outcomes {
        println!("{kind:<44} {status:>6} {count:>8}");
    }
    if let Some(file) = std::env::var_os("AAL_TAMPER_COUNTS") {
        let lines = outcomes
            .iter()
            .map(|((kind, status), count)| format!("{status} {count} {kind}\n"));
        std::fs::write(file, lines.collect::<String>()).expect("the counts can be written");
    }
    let shown = &disagreements[..disagreements.len().min(12)];
    assert!(
        disagreements.is_empty(),
        "{} of the changes: {}",
        disagreements.len(),
        shown.join("\n")
    );
}

#[test]
fn a_forger_with_a_key_of_his_own_is_refuted_by_both() {
    let (policy, mut second) = (policy(), second());
    let own = |name: &str| NoteSigner::from_seed(name, &[3; 32]).expect("a key");
    let cases = [
        (
            "the pinned name, another key",
            forge::resigned(&own(sample::ORIGIN), sample::ORIGIN),
        ),
        (
            "another name",
            forge::resigned(&own("audit.example.com/other"), sample::ORIGIN),
        ),
        (
            "another origin",
            forge::resigned(&own("audit.example.com/other"), "audit.example.com/other"),
        ),
        (
            "the pinned key, another origin",
            forge::resigned(&sample::signer(), "audit.example.com/other"),
        ),
    ];
    for (name, bytes) in cases {
        let (status, report) = first_opinion(&bytes, &policy);
        assert_eq!(status, 1, "{name}: {report:#}");
        let (status, answer) = second_opinion(&mut second, &bytes);
        assert_eq!(status, 1, "{name}: {answer:#}");
        assert_eq!(answer["verdicts"]["IDENTITY"]["result"], "fail", "{name}");
    }
}

/// Both verifiers on a bundle under a policy, with a checkpoint that was kept from before.
fn both(
    second: &mut SecondVerifier,
    policy: &str,
    bytes: &[u8],
    known: Option<&sample::log::Epoch>,
) -> (u64, u64) {
    let pinned = TrustPolicy::parse(policy).expect("a policy");
    let options = BundleOptions {
        known_head: known.map(|epoch| epoch.checkpoint.clone()),
        ..BundleOptions::default()
    };
    let first = verify_bundle(bytes, &pinned, options).map_or(2, |report| report.exit_code().into());
    second.pin("other", policy);
    let note = known.map(|epoch| String::from_utf8_lossy(&epoch.note).into_owned());
    let answer = second.ask(json!({"op": "bundle", "policy": "other", "known": note}), bytes);
    (first, answer["exit"].as_u64().expect("an exit status"))
}

#[test]
fn a_fork_is_known_by_a_witness_only() {
    let mut second = second();
    let (plain, witnessed) = (sample::policy_text(), sample::witnessed_policy_text());
    let fork = sample::forked();
    let newest = sample::LOG.epochs.last();
    // What nobody else has seen cannot be told from the truth by its signature: docs/evidence-bundle.md section 8.
    assert_eq!(
        both(&mut second, &plain, &fork, None),
        (0, 0),
        "a fork nobody can know"
    );
    assert_eq!(
        both(&mut second, &witnessed, &fork, None),
        (3, 3),
        "a fork without its witness"
    );
    assert_eq!(
        both(&mut second, &plain, &fork, newest),
        (1, 1),
        "a fork beside a head kept from before"
    );
}

#[test]
fn a_stripped_or_forged_witness_is_not_proven() {
    let mut second = second();
    let witnessed = sample::witnessed_policy_text();
    let original = forge::archive::split(&sample::bundles().remove(0).1);
    let newest = sample::LOG.epochs.last().expect("it has epochs");
    let genuine = sample::cosigned(newest);
    let mut wrong = genuine.clone();
    let at = wrong.len() - 10;
    wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
    let with = |cosigned: Option<Vec<u8>>| {
        let mut members = original.clone();
        if let Some(data) = cosigned {
            let at = members
                .iter()
                .position(|member| member.name == "checkpoints/000000.note")
                .expect("it is there");
            let name = "checkpoints/000000.cosigned".to_owned();
            members.insert(at + 1, forge::archive::Member { name, data });
        }
        forge::archive::rebook(&mut members);
        forge::archive::pack(&members)
    };
    let other_epoch = sample::cosigned(&sample::LOG.epochs[1]);
    for (name, cosigned, expected) in [
        ("with its witness", Some(genuine), 0),
        ("stripped of its witness", None, 3),
        ("with a wrong cosignature", Some(wrong), 1),
        ("with the cosigned note of another epoch", Some(other_epoch), 1),
    ] {
        let found = both(&mut second, &witnessed, &with(cosigned), None);
        assert_eq!(found, (expected, expected), "{name}");
    }
}

/// A parser of the product, by the name that the second verifier has for it.
type Accepts = fn(&[u8]) -> bool;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

const PARSERS: &[(&str, Accepts)] = &[
    ("leaf", |bytes| Leaf::decode(bytes).is_ok()),
    ("header", |bytes| jcs::parse_canonical(bytes).is_ok()),
    ("heads", |bytes| Heads::parse(bytes).is_ok()),
    ("manifest", |bytes| Manifest::parse(bytes).is_ok()),
    ("note", |bytes| Note::parse(bytes).is_ok()),
    ("receipt", |bytes| text(bytes).parse::<Receipt>().is_ok()),
    ("range", |bytes| CompactRange::from_bytes(bytes).is_ok()),
    ("policy", |bytes| TrustPolicy::parse(text(bytes)).is_ok()),
    ("checkpoint", |bytes| {
        proof::open_checkpoint(bytes, &policy()).is_ok()
    }),
    ("proof", |bytes| {
        proof::verify_record_proof(bytes, &policy()).is_ok()
    }),
];

fn seeds(kind: &str) -> Vec<Vec<u8>> {
    let folder: PathBuf = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds").join(kind);
    let entries = std::fs::read_dir(&folder).expect("the target has seeds");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| std::fs::read(file).expect("it can be read"))
        .collect()
}

#[test]
fn both_read_the_same_forms() {
    let mut second = second();
    let rounds = number("AAL_TAMPER_BUNDLES", 1_500) / 2;
    let mut mutator = Mutator::new(number("AAL_TAMPER_SEED", 1));
    let mut disagreements = Vec::new();
    for (kind, accepts) in PARSERS {
        let seeds = seeds(kind);
        for round in 0..rounds as usize {
            let mut bytes = seeds[round % seeds.len()].clone();
            if round >= seeds.len() {
                let other = &seeds[mutator.below(seeds.len())];
                mutator.mutate(&mut bytes, other);
            }
            let (first, again) = (accepts(&bytes), second.accepts(kind, POLICY, &bytes));
            if first != again {
                let shown = String::from_utf8_lossy(&bytes).into_owned();
                disagreements.push(format!("{kind}: {first} and {again}: {shown:?}"));
            }
        }
    }
    let shown = &disagreements[..disagreements.len().min(20)];
    assert!(
        disagreements.is_empty(),
        "{} disagreements: {}",
        disagreements.len(),
        shown.join("\n")
    );
}

#[test]
fn the_second_verifier_passes_its_own_checks() {
    let output = std::process::Command::new(second_verifier::python())
        .args(["-B", "-m", "unittest", "discover", "-s", "checks", "-t", "."])
        .current_dir(second_verifier::folder())
        .output()
        .expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
