//! Policies as administrators write them: what is understood, and what is refused and how.

use aal_policy::{ContentMode, Field, Policy, RevealRole, Treatment, What};
use aal_redact::Entity;
use serde_json::{Value, json};

fn read(object: Value) -> Policy {
    Policy::read(false, None, &object, false).unwrap()
}

fn refused(object: Value) -> String {
    Policy::read(false, None, &object, false).unwrap_err().to_string()
}

#[test]
fn health_information_is_sealed_unless_the_policy_says_otherwise() {
    let nothing = Policy::default();
    assert_eq!(nothing.mode(Field::RequestBody, false), ContentMode::Redacted);
    assert_eq!(nothing.mode(Field::RequestBody, true), ContentMode::Sealed);
    let by_field = json!({"fields": {"response_body": "digest"}});
    let policy = Policy::read(true, Some(ContentMode::Redacted), &by_field, false).unwrap();
    assert_eq!(policy.mode(Field::RequestBody, true), ContentMode::Redacted);
    assert_eq!(policy.mode(Field::ResponseBody, true), ContentMode::Digest);
}

#[test]
fn security_codes_and_passwords_are_always_destroyed_and_credentials_never_kept() {
    let policy = read(json!({"entities": {"EMAIL_ADDRESS": "keep", "US_SSN": "destroy"}}));
    assert_eq!(policy.treatment(Entity::EmailAddress), Treatment::Keep);
    assert_eq!(policy.treatment(Entity::UsSsn), Treatment::Destroy);
    assert_eq!(policy.treatment(Entity::PhoneNumber), Treatment::Seal);
    assert_eq!(policy.treatment(Entity::CreditCardCvv), Treatment::Destroy);
    assert_eq!(policy.treatment(Entity::Password), Treatment::Destroy);
    assert_eq!(
        policy.kept().into_iter().collect::<Vec<_>>(),
        [Entity::EmailAddress]
    );
    for treatment in ["seal", "keep"] {
        let error = refused(json!({"entities": {"PASSWORD": treatment}}));
        assert!(
            error.starts_with("/entities/PASSWORD: ") && error.contains("always destroyed"),
            "{error}"
        );
    }
    assert!(refused(json!({"entities": {"JWT": "keep"}})).contains("cannot be kept"));
}

#[test]
fn what_is_misspelt_is_refused_by_name() {
    for (object, part) in [
        (json!({"phi": true}), "phi"),
        (json!({"entites": {}}), "entites"),
        (json!({"fields": {"prompt": "digest"}}), "prompt"),
        (json!({"fields": {"request_body": "hidden"}}), "hidden"),
        (json!({"entities": {"E_MAIL": "keep"}}), "/entities/E_MAIL"),
        (json!({"entities": {"PERSON": "drop"}}), "drop"),
        (json!({"reveal": {"boss": []}}), "boss"),
        (json!({"reveal": {"admin": ["EMAIL"]}}), "EMAIL"),
        (json!({"break_glass": ["boss"]}), "boss"),
        (json!({"capture": "fail-open"}), "fail-open"),
        (
            json!({"deny": [{"value": "Project Heron", "entity": "CUSTOM"}]}),
            "application `*`",
        ),
        (json!([]), "JSON object"),
    ] {
        let error = refused(object);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_may_be_data_is_not_repeated_in_an_error() {
    let data = "bob@example.com";
    for object in [
        json!({data: 1}),
        json!({"entities": {data: "keep"}}),
        json!({"entities": {data: data}}),
        json!({"fields": {data: "digest"}}),
        json!({"fields": {"request_body": data}}),
        json!({"fields": data}),
        json!({"reveal": {data: []}}),
        json!({"reveal": {"admin": [data]}}),
        json!({"break_glass": [data]}),
        json!({"capture": data}),
    ] {
        let error = refused(object);
        assert!(!error.contains("bob") && !error.contains("example"), "{error}");
    }
}

#[test]
fn a_tenants_lists_are_checked_and_their_values_never_repeated() {
    let of_tenant = |object: Value| Policy::read(false, None, &object, true);
    let good = json!({"deny": [{"value": "Project Heron", "entity": "CUSTOM"}], "allow": ["info@example.org"],
                      "rules": [{"name": "case", "entity": "CUSTOM", "pattern": "CASE-[0-9]{6}"}]});
    assert_eq!(of_tenant(good).unwrap().rules.deny.len(), 1);
    let error = of_tenant(json!({"rules": [{"name": "x", "entity": "CUSTOM", "pattern": "("}]})).unwrap_err();
    assert_eq!(error.pointer, "/rules");
    assert!(error.message.contains("rule `x`"), "{error}");
    for bad in [
        json!({"deny": ["Jane Roe"]}),
        json!({"deny": [{"value": "Jane Roe"}]}),
        json!({"allow": [{"value": "Jane Roe"}]}),
    ] {
        let error = of_tenant(bad).unwrap_err().to_string();
        assert!(!error.contains("Jane"), "{error}");
    }
}

#[test]
fn who_may_see_what_is_said_by_role_and_kind() {
    let nothing = Policy::default();
    let email = What::Entity(Entity::EmailAddress);
    let secret = What::Entity(Entity::ApiKey);
    for (role, wanted, may) in [
        (RevealRole::Admin, email, true),
        (RevealRole::Admin, secret, false),
        (RevealRole::ComplianceOfficer, What::Text, true),
        (RevealRole::Viewer, email, false),
    ] {
        assert_eq!(nothing.may_reveal(role, wanted), may, "{role:?} {wanted:?}");
    }
    let policy = read(
        json!({"reveal": {"compliance_officer": ["EMAIL_ADDRESS"], "admin": ["*", "SECRETS"]},
                             "break_glass": ["admin"]}),
    );
    for (role, wanted, may) in [
        (RevealRole::ComplianceOfficer, email, true),
        (RevealRole::ComplianceOfficer, What::Entity(Entity::Person), false),
        (RevealRole::ComplianceOfficer, What::Text, false),
        (RevealRole::Admin, secret, true),
        (RevealRole::Admin, What::Text, true),
        (RevealRole::Viewer, email, false),
    ] {
        assert_eq!(policy.may_reveal(role, wanted), may, "{role:?} {wanted:?}");
    }
    assert!(policy.may_break_glass(RevealRole::Admin));
    assert!(!policy.may_break_glass(RevealRole::ComplianceOfficer));
}

#[test]
fn a_version_is_its_digest_and_is_read_back_as_it_was() {
    let object = json!({"reveal": {"admin": ["*"]}, "entities": {"PERSON": "keep"}});
    let policy = Policy::read(true, Some(ContentMode::Digest), &object, false).unwrap();
    let again = Policy::from_canonical(&policy.canonical(), false).unwrap();
    assert_eq!(again, policy);
    assert_eq!(again.digest(), policy.digest());
    assert_ne!(policy.digest(), Policy::default().digest());
    let reordered = json!({"entities": {"PERSON": "keep"}, "reveal": {"admin": ["*"]}});
    let same = Policy::read(true, Some(ContentMode::Digest), &reordered, false).unwrap();
    assert_eq!(same.digest(), policy.digest());
}
