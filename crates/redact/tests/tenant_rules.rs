//! A tenant's own patterns, deny list and allow list.

mod common;

use aal_redact::{CustomRule, DenyEntry, Detector, MAX_PATTERN_LEN, MAX_RULES, RuleError, TenantRules};
use common::{DETECTOR, token};

fn rule(name: &str, pattern: &str, requires: Option<&str>) -> CustomRule {
    CustomRule {
        name: name.to_owned(),
        entity: "CUSTOM".to_owned(),
        pattern: pattern.to_owned(),
        requires: requires.map(str::to_owned),
    }
}

fn deny(value: &str, entity: &str) -> DenyEntry {
    DenyEntry {
        value: value.to_owned(),
        entity: entity.to_owned(),
    }
}

fn detector(rules: TenantRules) -> Detector {
    DETECTOR.with_rules(&rules).unwrap()
}

fn found(detector: &Detector, text: &str) -> Vec<String> {
    let redacted = detector.redact_text(text, "", &token).unwrap();
    let removed = redacted.removed.iter();
    removed
        .map(|removed| format!("{} {} {}", removed.entity, removed.rule, removed.original))
        .collect()
}

fn refused(rules: TenantRules) -> RuleError {
    DETECTOR.with_rules(&rules).unwrap_err()
}

#[test]
fn patterns_find_what_the_tenant_calls_personal() {
    let detector = detector(TenantRules {
        rules: vec![
            rule("employee", r"\bE-[0-9]{5}\b", Some("e-")),
            rule("badge", r"\bbadge [0-9]{4}\b", None),
        ],
        ..TenantRules::default()
    });
    assert_eq!(
        found(&detector, "E-12345 and badge 7788, not XE-123456"),
        ["CUSTOM custom_rule E-12345", "CUSTOM custom_rule badge 7788"]
    );
    // Other scripts' digits are folded before.
    assert_eq!(
        found(&detector, "E-１２３４５"),
        ["CUSTOM custom_rule E-１２３４５"]
    );
}

#[test]
fn a_pattern_finds_values_across_its_pieces_once() {
    let detector = detector(TenantRules {
        rules: vec![rule("employee", r"\bE-[0-9]{5}\b", Some("E-"))],
        ..TenantRules::default()
    });
    for padding in 4070..4110 {
        let text = format!("{}E-12345 {}E-54321", " ".repeat(padding), "x ".repeat(3000));
        assert_eq!(found(&detector, &text).len(), 2, "{padding}");
    }
}

#[test]
fn denied_values_go_and_allowed_ones_stay() {
    let rules = TenantRules {
        deny: vec![deny("Project Bluebird", "CUSTOM"), deny("Ann", "PERSON")],
        allow: vec!["Support@Example.org".to_owned()],
        ..TenantRules::default()
    };
    let detector = detector(rules);
    let text = "project bluebird: Ann announced it to support@example.org and jane@example.org";
    assert_eq!(
        found(&detector, text),
        [
            "CUSTOM deny_list project bluebird",
            "PERSON deny_list Ann",
            "EMAIL_ADDRESS email jane@example.org"
        ]
    );
    let twice = detector.redact_text(text, "", &token).unwrap().template;
    assert!(
        detector
            .redact_text(&twice, "", &token)
            .unwrap()
            .removed
            .is_empty()
    );
}

#[test]
fn rules_are_part_of_the_version() {
    let plain = detector(TenantRules::default());
    assert_eq!(plain.version(), DETECTOR.version());
    let with = |value: &str| {
        detector(TenantRules {
            deny: vec![deny(value, "CUSTOM")],
            ..TenantRules::default()
        })
        .version()
    };
    assert_ne!(with("one"), DETECTOR.version());
    assert_ne!(with("one"), with("two"));
    assert_eq!(with("one"), with("one"));
}

#[test]
fn what_is_wrong_is_named_with_the_way_out() {
    let with_rule = |rule: CustomRule| TenantRules {
        rules: vec![rule],
        ..TenantRules::default()
    };
    let cases = [
        (with_rule(rule("r1", "(", None)), "rule `r1` is wrong"),
        (with_rule(rule("r1", "a*", None)), "matches the empty text"),
        (with_rule(rule("r1", r"\w{1000}", None)), "compiles to more than"),
        (
            with_rule(rule("r1", &"a".repeat(MAX_PATTERN_LEN + 1), None)),
            "split it",
        ),
        (with_rule(rule("r1", "abc", Some("a"))), "require 2 or more"),
        (
            with_rule(CustomRule {
                entity: "NOPE".to_owned(),
                ..rule("r1", "abc", None)
            }),
            "rule `r1` names the unknown entity `NOPE`",
        ),
        (
            TenantRules {
                rules: vec![rule("r1", "abc", None); MAX_RULES + 1],
                ..TenantRules::default()
            },
            "join patterns",
        ),
        (
            TenantRules {
                rules: vec![rule("r1", "abc", None); 2],
                ..TenantRules::default()
            },
            "two rules are called `r1`",
        ),
        (
            TenantRules {
                deny: vec![deny("ab", "CUSTOM")],
                ..TenantRules::default()
            },
            "entry 0 of the deny list has 2 bytes",
        ),
        (
            TenantRules {
                deny: vec![deny("secret plan", "CUSTOM")],
                allow: vec!["Secret Plan".to_owned()],
                ..TenantRules::default()
            },
            "remove it from one of them",
        ),
    ];
    for (rules, expected) in cases {
        let message = refused(rules).to_string();
        assert!(message.contains(expected), "{message}");
    }
}

/// A pattern that backtracks exponentially elsewhere; here it takes as long as any.
#[test]
fn hostile_patterns_are_linear() {
    let detector = detector(TenantRules {
        rules: vec![rule("hostile", "(a|a)*(a|b|ab)*c[0-9]", Some("aa"))],
        ..TenantRules::default()
    });
    let text = "a".repeat(1 << 20);
    assert!(found(&detector, &text).is_empty());
}

#[test]
fn rules_are_read_from_configuration() {
    let text = r#"{"rules":[{"name":"r","entity":"CUSTOM","pattern":"x[0-9]"}],"deny":[{"value":"Bluebird","entity":"CUSTOM"}]}"#;
    let rules: TenantRules = serde_json::from_str(text).unwrap();
    assert_eq!(rules.rules[0].requires, None);
    assert!(serde_json::from_str::<TenantRules>(r#"{"denied":[]}"#).is_err());
}
