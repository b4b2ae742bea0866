//! C2SP tlog-policy: the grammar, the quorum, and the trust policy that holds one.

use aal_ledger::witness_policy::{MAX_POLICY_BYTES, MAX_POLICY_ENTRIES, Quorum};
use aal_ledger::{
    Checkpoint, Cosigner, Note, NoteError, NoteSigner, PolicyError, TrustPolicy, WitnessPolicy,
    WitnessPolicyError,
};
use proptest::prelude::*;

const ORIGIN: &str = "audit.example.com/anchor";

fn witness(number: u8) -> Cosigner {
    let name = format!("witness.example/{number}");
    if number.is_multiple_of(2) {
        Cosigner::ml_dsa_44(&name, &[number; 32]).unwrap()
    } else {
        Cosigner::ed25519(&name, &[number; 32]).unwrap()
    }
}

fn line(name: &str, number: u8) -> String {
    format!("witness {name} {}\n", witness(number).verifier_key())
}

/// The example of the specification: two of three of one organisation, and any of another.
fn two_organisations() -> String {
    let mut text = "# Two organisations.\n\n".to_owned();
    for number in 1..=3 {
        text += &line(&format!("X{number}"), number);
    }
    text += "group X-witnesses 2 X1 X2 X3\n";
    for number in 4..=6 {
        text += &line(&format!("Y{number}"), number);
    }
    text +=
        "\tgroup  Y-witnesses any\tY4 Y5 Y6 \ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";
    text
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: 9,
        root: [7; 32],
    }
}

fn note_of(signed: &[(u8, u64)]) -> Note {
    let log = NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap();
    let mut note = Note::parse(&checkpoint().sign(&[&log]).unwrap()).unwrap();
    let lines = signed
        .iter()
        .map(|(number, at_s)| witness(*number).cosign(&checkpoint(), *at_s).unwrap());
    note.signatures.extend(lines);
    note
}

fn quorum(text: &str, signed: &[(u8, u64)]) -> Quorum {
    let policy = WitnessPolicy::parse(text.as_bytes()).unwrap();
    policy.evaluate(&note_of(signed)).unwrap().quorum
}

#[test]
fn organisations_count_and_the_time_is_when_the_last_needed_one_signed() {
    let text = two_organisations();
    for (signed, expected) in [
        (&[][..], Quorum::Missed),
        (&[(1, 10), (2, 20), (3, 30)], Quorum::Missed),
        (&[(1, 10), (4, 20), (5, 30)], Quorum::Missed),
        (&[(1, 10), (2, 40), (5, 30)], Quorum::Met { at_s: 40 }),
        (&[(1, 10), (2, 40), (3, 20), (5, 30)], Quorum::Met { at_s: 30 }),
        (
            &[(1, 10), (2, 11), (4, 90), (5, 80), (6, 70)],
            Quorum::Met { at_s: 70 },
        ),
        // Of several lines of one witness the earliest counts.
        (
            &[(1, 10), (1, 5), (3, 50), (3, 20), (5, 7)],
            Quorum::Met { at_s: 20 },
        ),
    ] {
        assert_eq!(quorum(&text, signed), expected, "{signed:?}");
    }
    let policy = WitnessPolicy::parse(text.as_bytes()).unwrap();
    let witnessed = policy.evaluate(&note_of(&[(5, 30), (2, 40)])).unwrap();
    let by = [
        ("witness.example/2".to_owned(), 40),
        ("witness.example/5".to_owned(), 30),
    ];
    assert_eq!(witnessed.by, by);
}

#[test]
fn strangers_are_ignored_bad_lines_refuse_and_a_line_without_time_does_not_count() {
    let text = format!("{}quorum W\n", line("W", 2));
    assert_eq!(quorum(&text, &[(1, 5), (3, 5)]), Quorum::Missed);
    assert_eq!(quorum(&text, &[(2, 0)]), Quorum::Missed);
    assert_eq!(quorum(&text, &[(2, 5)]), Quorum::Met { at_s: 5 });
    let policy = WitnessPolicy::parse(text.as_bytes()).unwrap();
    let mut forged = note_of(&[(2, 5)]);
    forged.signatures[1].signature[50] ^= 1;
    assert!(matches!(
        policy.evaluate(&forged),
        Err(NoteError::BadSignature(_))
    ));
    let none = WitnessPolicy::parse(b"quorum none\n").unwrap();
    assert!(!none.requires_witnesses());
    assert_eq!(none.evaluate(&note_of(&[])).unwrap().quorum, Quorum::None);
}

#[test]
fn texts_the_format_does_not_allow_are_refused_with_their_line() {
    let (one, two) = (line("A", 1), line("B", 2));
    let log = NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap();
    let log_key = log.verifier_key();
    let same_key = line("B", 1);
    let too_many: String = (0..=MAX_POLICY_ENTRIES)
        .map(|number| {
            let seed = [number as u8; 32];
            let key = Cosigner::ed25519("w", &seed).unwrap();
            format!("witness w{number} {}\n", key.verifier_key())
        })
        .collect();
    for (what, text, at) in [
        ("no quorum", one.clone(), 0),
        ("two quorums", format!("{one}quorum A\nquorum A\n"), 0),
        ("empty", String::new(), 0),
        ("no last newline", format!("{one}quorum A"), 0),
        ("carriage return", format!("{one}quorum A\r\n"), 2),
        ("delete", format!("{one}quorum A\u{7f}\n"), 2),
        ("unknown word", format!("{one}witnesses\nquorum A\n"), 2),
        ("capital", format!("{one}Quorum A\n"), 2),
        ("unknown quorum", format!("{one}quorum B\n"), 2),
        ("quorum before", format!("quorum A\n{one}"), 1),
        ("two words", format!("{one}quorum A A\n"), 2),
        ("name twice", format!("{one}{}quorum A\n", line("A", 2)), 2),
        ("key twice", format!("{one}{same_key}quorum A\n"), 2),
        ("name none", format!("{}quorum none\n", line("none", 1)), 1),
        ("group none", format!("{one}group none any A\nquorum A\n"), 2),
        ("member none", format!("{one}group G any none\nquorum A\n"), 2),
        ("no member", format!("{one}group G any\nquorum A\n"), 2),
        ("threshold 0", format!("{one}group G 0 A\nquorum A\n"), 2),
        ("threshold high", format!("{one}group G 2 A\nquorum A\n"), 2),
        ("threshold 01", format!("{one}group G 01 A\nquorum A\n"), 2),
        ("threshold +1", format!("{one}group G +1 A\nquorum A\n"), 2),
        ("member later", format!("{one}group G any B\n{two}quorum G\n"), 2),
        ("member itself", format!("{one}group G any G\nquorum A\n"), 2),
        ("member twice", format!("{one}group G 2 A A\nquorum G\n"), 2),
        (
            "in two groups",
            format!("{one}{two}group G any A\ngroup H any A B\nquorum H\n"),
            4,
        ),
        (
            "words after URL",
            one.replace('\n', " https://w x\n") + "quorum A\n",
            1,
        ),
        (
            "log key as witness",
            format!("witness A {log_key}\nquorum A\n"),
            1,
        ),
        (
            "witness as log",
            format!("log {}\nquorum none\n", witness(1).verifier_key()),
            1,
        ),
        (
            "log twice",
            format!("log {log_key}\nlog {log_key} https://l\nquorum none\n"),
            2,
        ),
        (
            "key damaged",
            one.replace("example", "examples") + "quorum A\n",
            1,
        ),
        (
            "too many",
            format!("{too_many}quorum w1\n"),
            MAX_POLICY_ENTRIES + 1,
        ),
        (
            "too long",
            format!("#{}\nquorum none\n", "x".repeat(MAX_POLICY_BYTES)),
            0,
        ),
    ] {
        let error = WitnessPolicy::parse(text.as_bytes()).expect_err(what);
        let found = match &error {
            WitnessPolicyError::Line { line, .. }
            | WitnessPolicyError::Key { line, .. }
            | WitnessPolicyError::Character(line) => *line,
            _ => 0,
        };
        assert_eq!(found, at, "{what}: {error}");
    }
    let text = format!(
        "log {log_key} https://log.example/\n{one}witness \u{e9} {}  https://w.example/  \n# \u{e9}\nquorum \u{e9}\n",
        witness(3).verifier_key()
    );
    let policy = WitnessPolicy::parse(text.as_bytes()).unwrap();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(policy.witnesses()[1].name, "\u{e9}".as_bytes());
    assert_eq!(policy.witnesses()[1].url.as_deref(), Some("https://w.example/"));
}

fn trust(extra: &str, tables: &str) -> Result<TrustPolicy, PolicyError> {
    let log = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let text = TrustPolicy::render(ORIGIN, log.verifier_key(), &[]);
    TrustPolicy::parse(&format!("{extra}\n{text}{tables}"))
}

fn inline(text: &str) -> String {
    format!("witness_policy = '''\n{text}'''\n")
}

#[test]
fn the_trust_policy_holds_a_witness_policy() {
    let witnesses = inline(&two_organisations());
    let policy = trust(&witnesses, "").unwrap();
    assert_eq!(policy.witness_policy.unwrap().witnesses().len(), 6);
    assert_eq!(policy.max_witness_delay_s, 0);
    let delayed = trust(&format!("{witnesses}max_witness_delay_s = 60"), "").unwrap();
    assert_eq!(delayed.max_witness_delay_s, 60);

    let own = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let log_line = format!("log {}\n", own.verifier_key());
    assert!(trust(&inline(&format!("{log_line}{}", two_organisations())), "").is_ok());
    let other = NoteSigner::from_seed(ORIGIN, &[8; 32]).unwrap();
    let other_line = format!("log {}\n{}", other.verifier_key(), two_organisations());
    assert!(matches!(
        trust(&inline(&other_line), ""),
        Err(PolicyError::WitnessedLog(_))
    ));
    assert_eq!(
        trust("max_witness_delay_s = 1", ""),
        Err(PolicyError::WitnessDelay)
    );
    assert_eq!(
        trust("max_timestamp_delay_s = 1", ""),
        Err(PolicyError::TimestampDelay)
    );
    assert_eq!(trust(&inline("quorum none\n"), ""), Err(PolicyError::NoQuorum));
    assert!(matches!(
        trust(&inline("quorum x\n"), ""),
        Err(PolicyError::Witness(_))
    ));
    // A log that is its own witness has none.
    let itself = Cosigner::ed25519("me", &[9; 32]).unwrap();
    let itself = format!("witness W {}\nquorum W\n", itself.verifier_key());
    assert!(matches!(
        trust(&inline(&itself), ""),
        Err(PolicyError::KeyTwice(_))
    ));
    // A witness's key is neither a log's nor a receipt's.
    let key = witness(1).verifier_key().to_string();
    for list in ["log_key", "receipt_key"] {
        let table = format!("\n[[{list}]]\nvkey = \"{key}\"\n");
        assert!(
            matches!(trust("", &table), Err(PolicyError::Algorithm { .. })),
            "{list}"
        );
    }
    let ml_dsa = Cosigner::ml_dsa_44("edge", &[5; 32]).unwrap();
    let table = format!("\n[[receipt_key]]\nvkey = \"{}\"\n", ml_dsa.verifier_key());
    assert!(matches!(trust("", &table), Err(PolicyError::Algorithm { .. })));
}

#[test]
fn roots_of_timestamp_authorities_are_pem() {
    let pem = "-----BEGIN CERTIFICATE-----\nAAEC\nAwQF\n-----END CERTIFICATE-----\n";
    let table = |name: &str, roots: &str| {
        format!("\n[[timestamp_authority]]\nname = \"{name}\"\nroots = '''\n{roots}'''\n")
    };
    let policy = trust("", &table("tsa", &format!("{pem}\n{pem}"))).unwrap();
    assert_eq!(
        policy.timestamp_authorities[0].roots,
        [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]
    );
    assert_eq!(policy.max_timestamp_delay_s, 86_400);
    for bad in [
        String::new(),
        "AAEC\n".to_owned(),
        pem.replace("AwQF", "AwQ"),
        pem.replace("AAEC\nAwQF\n", ""),
        pem.replace("-----END CERTIFICATE-----\n", ""),
        pem.replace("CERTIFICATE", "PRIVATE KEY"),
        pem.repeat(17),
        format!("{pem}junk\n"),
    ] {
        assert!(trust("", &table("tsa", &bad)).is_err(), "{bad:?}");
    }
    assert!(trust("", &table("", pem)).is_err());
    let twice = table("tsa", pem) + &table("tsa", pem);
    assert_eq!(trust("", &twice), Err(PolicyError::Authority("tsa".to_owned())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Any change of one byte gives a policy or a refusal, never a panic; and random lines neither.
    #[test]
    fn parsing_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), junk in "(witness|group|quorum|log|all|any|[0-9A-Z \t\n#]){0,40}") {
        let mut bytes = two_organisations().into_bytes();
        let position = at.index(bytes.len());
        bytes[position] = byte;
        let _ = WitnessPolicy::parse(&bytes);
        let _ = WitnessPolicy::parse(junk.as_bytes());
    }

    /// A flat group of n with threshold k is met exactly when k members signed, at the k-th smallest time.
    #[test]
    fn thresholds_count(signed in proptest::collection::btree_map(1u8..6, 1u64..1000, 0..5), threshold in 1usize..6) {
        let names: Vec<String> = (1..6).map(|number| format!("w{number}")).collect();
        let lines: String = (1u8..6).map(|number| line(&names[usize::from(number) - 1], number)).collect();
        let text = format!("{lines}group G {threshold} {}\nquorum G\n", names.join(" "));
        let signed: Vec<(u8, u64)> = signed.into_iter().collect();
        let mut times: Vec<u64> = signed.iter().map(|(_, at_s)| *at_s).collect();
        times.sort_unstable();
        let expected = times.get(threshold - 1).map_or(Quorum::Missed, |at_s| Quorum::Met { at_s: *at_s });
        prop_assert_eq!(quorum(&text, &signed), expected);
    }
}
