//! Timestamps made and judged by openssl, and everything that must not pass.

mod common;

use aal_timestamp::{ChainError, Roots, TimestampError, query, read, verify};
use common::{Authority, Purpose, Shape};
use proptest::prelude::*;

const IMPRINT: [u8; 32] = [0x5a; 32];
const NONCE: [u8; 16] = [0x91; 16];

fn authority(shape: Shape) -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("authority"), shape);
    (folder, authority)
}

fn roots(authority: &Authority) -> Roots {
    Roots::from_der([authority.root_der().as_slice()]).unwrap()
}

fn answer(authority: &Authority) -> Vec<u8> {
    authority.reply(&query(&IMPRINT, &NONCE).unwrap())
}

#[test]
fn what_openssl_stamps_is_accepted_here_and_there() {
    for (key, digest) in [
        ("rsa:2048", "sha256"),
        ("rsa:2048", "sha512"),
        ("ec:P-256", "sha256"),
        ("ec:P-384", "sha384"),
    ] {
        let (_folder, authority) = authority(Shape {
            key,
            digest,
            ..Shape::default()
        });
        let response = answer(&authority);
        let seen = read(&response).unwrap();
        assert_eq!(seen.imprint, IMPRINT);
        assert!(seen.has_nonce(&NONCE) && !seen.has_nonce(&[0x92; 16]));
        let verified = verify(&response, &IMPRINT, &roots(&authority))
            .unwrap_or_else(|error| panic!("{key} {digest}: {error}"));
        assert_eq!(verified.accuracy_us, 1_500_000);
        assert_eq!(verified.gen_time_us, seen.gen_time_us);
        assert!(verified.gen_time_us > 1_600_000_000_000_000);
        assert!(authority.openssl_accepts(&response, &IMPRINT));
        assert!(!authority.openssl_accepts(&response, &[0; 32]));
    }
}

#[test]
fn the_wrong_digest_root_purpose_time_or_issuer_is_refused() {
    let (_folder, good) = authority(Shape::default());
    let response = answer(&good);
    let roots_of_good = roots(&good);
    assert_eq!(
        verify(&response, &[0x5b; 32], &roots_of_good),
        Err(TimestampError::Imprint)
    );

    let (_folder, other) = authority(Shape::default());
    assert_eq!(
        verify(&response, &IMPRINT, &roots(&other)),
        Err(TimestampError::Chain(ChainError::Untrusted)),
        "another root of the same name"
    );
    let refused = |shape: Shape| {
        let (_folder, authority) = authority(shape);
        let signed = authority.sign_content(&response);
        assert!(
            !authority.openssl_accepts(&signed, &IMPRINT),
            "{shape:?}: openssl agrees"
        );
        verify(&signed, &IMPRINT, &roots(&authority))
    };
    for purpose in [
        Purpose::NotCritical,
        Purpose::CodeSigning,
        Purpose::TimeStampingAndMore,
        Purpose::None,
    ] {
        let shape = Shape {
            purpose,
            ..Shape::default()
        };
        assert_eq!(
            refused(shape),
            Err(TimestampError::Chain(ChainError::Purpose)),
            "{purpose:?}"
        );
    }
    for shape in [
        Shape {
            until: "20210101000000Z",
            ..Shape::default()
        },
        Shape {
            issuer_until: "20210101000000Z",
            ..Shape::default()
        },
    ] {
        assert!(matches!(
            refused(shape),
            Err(TimestampError::Chain(ChainError::Expired { .. }))
        ));
    }
    let not_an_authority = Shape {
        issuer_is_authority: false,
        ..Shape::default()
    };
    assert!(matches!(
        refused(not_an_authority),
        Err(TimestampError::Chain(ChainError::Authority { .. }))
    ));
    // The same way of signing passes when nothing is wrong, so the refusals above are not about it.
    let (_folder, control) = authority(Shape::default());
    let signed = control.sign_content(&answer(&control));
    let held = verify(&signed, &IMPRINT, &roots(&control));
    assert!(held.is_ok(), "{held:?}");
    assert!(control.openssl_accepts(&signed, &IMPRINT));
    assert!(Roots::from_der([b"no certificate".as_slice()]).is_err());
    let none = Roots::from_der([]).unwrap();
    assert_eq!(
        verify(&response, &IMPRINT, &none),
        Err(TimestampError::Chain(ChainError::Untrusted))
    );
}

#[test]
fn no_byte_of_a_token_can_be_changed_to_another_time() {
    let (_folder, authority) = authority(Shape::default());
    let (response, roots) = (answer(&authority), roots(&authority));
    let verified = verify(&response, &IMPRINT, &roots).unwrap();
    let mut accepted = 0;
    for position in 0..response.len() {
        for flip in [0x01, 0x80] {
            let mut changed = response.clone();
            changed[position] ^= flip;
            // Bytes outside of what is signed (the granted status, a certificate nobody needs) may differ; what is said may not.
            if let Ok(other) = verify(&changed, &IMPRINT, &roots) {
                assert_eq!(other, verified, "byte {position}");
                accepted += 1;
            }
        }
    }
    assert!(accepted < 80, "{accepted} changes went unnoticed");
    for cut in [0, 1, response.len() / 2, response.len() - 1] {
        assert!(verify(&response[..cut], &IMPRINT, &roots).is_err());
    }
    let mut longer = response.clone();
    longer.push(0);
    assert!(verify(&longer, &IMPRINT, &roots).is_err());
    assert!(matches!(
        read(&vec![0x30; 300_000]),
        Err(TimestampError::TooLong(_))
    ));
    // status rejection(2) with a text, no token.
    let rejection = [
        0x30, 0x0c, 0x30, 0x0a, 0x02, 0x01, 0x02, 0x30, 0x05, 0x0c, 0x03, b'n', b'o', b'!',
    ];
    assert_eq!(
        read(&rejection),
        Err(TimestampError::NotGranted {
            status: 2,
            text: "no!".to_owned()
        })
    );
}

#[test]
fn queries_are_those_of_openssl() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(query(&IMPRINT, &[]), None);
    assert_eq!(query(&IMPRINT, &[1; 33]), None);
    assert_eq!(query(&IMPRINT, &[0; 16]), None, "zero is no nonce");
    for nonce in [&[1][..], &[0x80], &[0, 0, 0x7f], &[0xff; 32]] {
        let file = folder.path().join("query");
        std::fs::write(&file, query(&IMPRINT, nonce).unwrap()).unwrap();
        let shown = std::process::Command::new("openssl")
            .args(["ts", "-query", "-text", "-in"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        assert!(
            text.contains("Hash Algorithm: sha256") && text.contains("Certificate required: yes"),
            "{text}"
        );
        let significant = nonce.iter().position(|byte| *byte != 0).unwrap();
        let hexadecimal: String = nonce[significant..]
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        assert!(text.contains(&format!("Nonce: 0x{hexadecimal}")), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn junk_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let roots = Roots::from_der([]).unwrap();
        prop_assert!(verify(&bytes, &IMPRINT, &roots).is_err());
    }
}
