//! Credentials in texts.
//!
//! Keys are put together at run time: a credential-shaped literal in a repository trips secret scanners.

mod common;

use common::{check, found, found_in_field};

#[test]
fn keys_with_a_prefix() {
    let alphabet = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8";
    let body = |length: usize| alphabet.chars().cycle().take(length).collect::<String>();
    let hex = |length: usize| {
        "0123456789abcdef"
            .chars()
            .cycle()
            .skip(3)
            .take(length)
            .collect::<String>()
    };
    let upper = |length: usize| {
        "ABCDEFGH234567QRSTUV"
            .chars()
            .cycle()
            .take(length)
            .collect::<String>()
    };
    let cases = [
        ("OPENAI_API_KEY", format!("sk-{}", body(48))),
        ("OPENAI_API_KEY", format!("sk-proj-{}_{}", body(60), body(60))),
        (
            "ANTHROPIC_API_KEY",
            format!("sk-ant-api03-{}-{}AA", body(50), body(40)),
        ),
        ("AWS_ACCESS_KEY", format!("AKIA{}", upper(16))),
        ("GITHUB_TOKEN", format!("ghp_{}", body(36))),
        ("GITHUB_TOKEN", format!("github_pat_{}_{}", body(22), body(59))),
        ("GITLAB_TOKEN", format!("glpat-{}", body(20))),
        ("GOOGLE_API_KEY", format!("AIza{}", body(35))),
        (
            "SLACK_TOKEN",
            format!("xoxb-123456789012-123456789012-{}", body(24)),
        ),
        ("STRIPE_KEY", format!("sk_live_{}", body(24))),
        ("TWILIO_KEY", format!("SK{}", hex(32))),
        ("SENDGRID_KEY", format!("SG.{}.{}", body(22), body(43))),
        ("NPM_TOKEN", format!("npm_{}", body(36))),
        ("PYPI_TOKEN", format!("pypi-AgEIcHlwaS5vcmc{}", body(80))),
        ("HUGGINGFACE_TOKEN", format!("hf_{}", body(34))),
        ("DATABRICKS_TOKEN", format!("dapi{}", hex(32))),
        ("DIGITALOCEAN_TOKEN", format!("dop_v1_{}", hex(64))),
        ("TELEGRAM_BOT_TOKEN", format!("123456789:AA{}", body(33))),
        ("VAULT_TOKEN", format!("hvs.{}", body(90))),
        ("API_KEY", format!("gsk_{}", body(52))),
    ];
    for (entity, key) in cases {
        for text in [
            format!("use {key}."),
            format!("\"{key}\""),
            format!("curl -H 'Authorization: Bearer {key}'"),
            key.clone(),
        ] {
            assert_eq!(found(&text), [format!("{entity} {key}")], "in {text}");
        }
        assert!(
            found(&format!("x{key}")).is_empty() || !key.starts_with("sk-"),
            "inside a word: {key}"
        );
    }
}

#[test]
fn structured_secrets() {
    let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    let token = format!(
        "{header}.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{}",
        "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    );
    assert_eq!(found(&format!("token {token}, ok")), [format!("JWT {token}")]);
    assert!(found(&format!("{header} alone")).is_empty());

    let begin = format!("-----BEGIN {} KEY-----", "RSA PRIVATE");
    let end = format!("-----END {} KEY-----", "RSA PRIVATE");
    let key = format!("{begin}\nMIIEow{}\n{end}", "A1b2".repeat(40));
    assert_eq!(
        found(&format!("key:\n{key}\nbye")),
        [format!("PRIVATE_KEY {key}")]
    );
    let cut = format!("{begin}\nMIIEow{}", "A1b2".repeat(9));
    assert_eq!(found(&format!("key: {cut}")), [format!("PRIVATE_KEY {cut}")]);
    assert!(
        found(&format!("starts with {begin} and ends with {end}")).is_empty(),
        "a description"
    );
    assert!(found("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----").is_empty());

    let secret = format!("wJalrXUtnFEMI/K7MDENG/{}", "bPxRfiCYzEXAMPLEKEY");
    let id = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let text = format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let actual = found(&text);
    assert!(
        actual.iter().any(|line| line.ends_with(&id)) && actual.iter().any(|line| line.ends_with(&secret)),
        "{actual:?}"
    );
    assert_eq!(
        found(&format!("Authorization: Basic {}", "dXNlcjpwYXNzd29yZA==")),
        ["GENERIC_SECRET dXNlcjpwYXNzd29yZA=="]
    );
}

#[test]
fn announced_secrets() {
    check(&[
        ("password: Tr0ub4dor&3", &["PASSWORD Tr0ub4dor&3"]),
        (
            "PASSWORD=\"correct horse battery 9\"",
            &["PASSWORD correct horse battery 9"],
        ),
        ("my password is hunter22!", &["PASSWORD hunter22"]),
        ("Das Passwort lautet: Geheim#2024", &["PASSWORD Geheim#2024"]),
        ("db_password = 's3cr3t-pw'", &["PASSWORD s3cr3t-pw"]),
        ("{\\\"password\\\": \\\"Xk29dkW!\\\"}", &["PASSWORD Xk29dkW!"]),
        (
            concat!("api_key=", "4f9a8b7c6d5e4f3a2b1c"),
            &["GENERIC_SECRET 4f9a8b7c6d5e4f3a2b1c"],
        ),
        (
            concat!("https://x.example/a?token=", "9f8e7d6c5b4a3f2e", "&b=1"),
            &["GENERIC_SECRET 9f8e7d6c5b4a3f2e"],
        ),
        (
            concat!("client_secret: \"", "8dX~kLq2mZ", "\""),
            &["GENERIC_SECRET 8dX~kLq2mZ"],
        ),
        ("password: <your password>", &[]),
        ("password = os.environ['DB_PASSWORD']", &[]),
        ("password = getpass.getpass()", &[]),
        ("password: string, token: string", &[]),
        ("the password is required and the secret is safe", &[]),
        ("forgot password? reset your password: click here", &[]),
        ("max_tokens: 4096, token count = 1024, tokens: 12345678", &[]),
        ("export API_KEY=$API_KEY; echo ${TOKEN}", &[]),
        ("const token = request.headers.authorization", &[]),
        ("password=********", &[]),
        ("secret: true, token: null", &[]),
        (
            "badge.svg?token=yt4XSmQNKQ)](https://example.org)",
            &["GENERIC_SECRET yt4XSmQNKQ"],
        ),
        (
            concat!(
                "https://x.blob.core.windows.net/c?sv=2024&sig=",
                "a1B2c3D4e5F6%3D"
            ),
            &["GENERIC_SECRET a1B2c3D4e5F6%3D"],
        ),
        (
            "SecretKey::to_jwk, password: typing.Optional[bytes], private_key: ed25519.Ed25519PrivateKey",
            &[],
        ),
    ]);
    assert_eq!(
        found_in_field("hunter2000", "db.password"),
        ["PASSWORD hunter2000"]
    );
    assert_eq!(
        found_in_field("4f9a8b7c6d5e", "headers.x-api-key"),
        ["GENERIC_SECRET 4f9a8b7c6d5e"]
    );
    assert!(found_in_field("1024", "usage.input_tokens").is_empty());
    assert!(
        found_in_field("case-4711-intake-a7", "session_id").is_empty(),
        "sessions are looked up by their id"
    );
    assert!(found_in_field("12345678", "limits.token").is_empty());
    assert!(found_in_field("twelve", "password_length").is_empty());
    assert!(found_in_field("The password of the user", "password").is_empty());
}
