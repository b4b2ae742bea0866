//! What of an event is stored under which policy.

mod common;

use aal_ledger::Leaf;
use aal_policy::ContentMode;
use aal_record::{
    Pipeline, Record, SLOT_ATTRIBUTES, SLOT_DETAILS, SLOT_REQUEST, SLOT_RESPONSE, SLOT_SEALED_REQUEST,
    SLOT_SEALED_RESPONSE, SLOT_SEARCH, SLOT_USER_EMAIL,
};
use common::{call, clear_texts, opened, record, under};
use serde_json::{Value, json};

const QUESTION: &str = "My SSN is 536-90-4399, mail bob@example.com, card security code CVV 371.";
const ANSWER: &str = "Noted, bob@example.com. Diagnosis: migraine.";

fn stored(mode: Option<ContentMode>, policy: Value) -> Record {
    record(
        &under(false, mode, policy),
        &call(QUESTION, ANSWER, json!({"ward": "seven"})),
    )
}

fn slots(record: &Record) -> Vec<u16> {
    let leaf = Leaf::decode(&record.leaf).unwrap();
    leaf.slots.iter().map(|slot| slot.slot).collect()
}

fn header(record: &Record) -> Value {
    serde_json::from_str(&record.header_text).unwrap()
}

#[test]
fn without_a_policy_texts_are_readable_and_values_sealed() {
    let record = record(
        &Pipeline::builtin(),
        &call(QUESTION, ANSWER, json!({"ward": "seven"})),
    );
    let clear = clear_texts(&record);
    assert!(clear.contains("migraine") && clear.contains("seven"));
    for value in ["536-90-4399", "bob@example.com", "nurse@clinic.example", "371"] {
        assert!(!clear.contains(value), "{value}");
    }
    let values: Vec<String> = opened(&record).into_iter().map(|(_, text)| text).collect();
    assert_eq!(values, ["nurse@clinic.example", "536-90-4399", "bob@example.com"]);
    assert_eq!(header(&record).get("policy_version"), None);
}

#[test]
fn sealed_texts_are_nowhere_in_the_clear_and_open_again_as_templates() {
    let record = stored(Some(ContentMode::Sealed), json!({}));
    let clear = clear_texts(&record);
    for word in ["migraine", "seven", "536-90-4399", "bob@example.com", "Noted"] {
        assert!(!clear.contains(word), "{word}");
    }
    assert_eq!(record.templates.search_text, "");
    assert!(
        record.templates.attributes.contains("u-17"),
        "who asked stays to be found"
    );
    let opened = opened(&record);
    let text = |slot| &opened.iter().find(|(found, _)| *found == slot).unwrap().1;
    assert!(text(SLOT_SEALED_RESPONSE).contains("migraine"));
    assert!(text(SLOT_DETAILS).contains("seven"));
    let question = text(SLOT_SEALED_REQUEST);
    assert!(question.contains("US_SSN") && !question.contains("536-90-4399"));
    assert!(
        opened.iter().all(|(_, text)| !text.contains("371")),
        "destroyed, not sealed"
    );
    let header = header(&record);
    assert_eq!(header["content"], "sealed");
    assert_eq!(
        header["usage"],
        stored(None, json!({}))
            .header
            .usage
            .into_iter()
            .collect::<Value>()
    );
    assert!(!slots(&record).contains(&SLOT_SEARCH));
}

#[test]
fn a_digest_commits_and_keeps_nothing() {
    let record = stored(Some(ContentMode::Digest), json!({}));
    let clear = clear_texts(&record);
    assert!(!clear.contains("migraine") && !clear.contains("seven"));
    let opened: Vec<u16> = opened(&record).iter().map(|(slot, _)| *slot).collect();
    assert_eq!(
        opened,
        [SLOT_USER_EMAIL],
        "what was removed from digested texts is gone with them"
    );
    assert_eq!(
        header(&record)["committed_slots"],
        json!([SLOT_REQUEST, SLOT_RESPONSE, SLOT_DETAILS])
    );
    assert_eq!(
        slots(&record),
        [
            SLOT_REQUEST,
            SLOT_RESPONSE,
            SLOT_ATTRIBUTES,
            SLOT_DETAILS,
            SLOT_USER_EMAIL
        ]
    );
    let salted: Vec<u16> = record.templates.salts.iter().map(|(slot, _)| *slot).collect();
    assert_eq!(
        salted,
        [SLOT_ATTRIBUTES],
        "a salt beside nothing would only help to guess"
    );
}

#[test]
fn fields_can_differ_and_a_value_is_sealed_where_one_text_that_has_it_stays() {
    let record = stored(
        None,
        json!({"fields": {"request_body": "digest", "details": "sealed"}}),
    );
    assert_eq!(record.templates.request_body, "");
    assert!(record.templates.search_text.contains("migraine"));
    let opened = opened(&record);
    let values: Vec<&str> = opened.iter().map(|(_, text)| text.as_str()).collect();
    assert!(values.contains(&"bob@example.com"), "it stands in the answer too");
    assert!(!values.contains(&"536-90-4399"));
    assert_eq!(header(&record)["content"], "digest");
    assert_eq!(header(&record)["committed_slots"], json!([SLOT_REQUEST]));
}

#[test]
fn kinds_are_kept_or_destroyed_as_the_policy_says() {
    let record = stored(
        None,
        json!({"entities": {"EMAIL_ADDRESS": "keep", "US_SSN": "destroy"}}),
    );
    assert!(record.templates.search_text.contains("bob@example.com"));
    assert!(!clear_texts(&record).contains("536-90-4399"));
    let values: Vec<String> = opened(&record).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        values,
        ["nurse@clinic.example"],
        "an address of the user is always sealed"
    );
    let pipeline = under(false, None, json!({"entities": {"EMAIL_ADDRESS": "keep"}}));
    assert_ne!(
        pipeline.detector_version(),
        Pipeline::builtin().detector_version()
    );
}

#[test]
fn health_information_is_sealed_by_default_and_counted_by_identifier() {
    let mut event = call(QUESTION, ANSWER, json!({}));
    event.phi = Some(true);
    let by_event = record(&Pipeline::builtin(), &event);
    let by_application = record(&under(true, None, json!({})), &call(QUESTION, ANSWER, json!({})));
    for record in [by_event, by_application] {
        let header = header(&record);
        assert_eq!(
            (&header["phi"], &header["content"]),
            (&json!(true), &json!("sealed"))
        );
        let identifiers = &header["phi_identifiers"];
        assert_eq!(identifiers["social_security"], 1, "{identifiers}");
        assert_eq!(identifiers["email"], 3, "{identifiers}");
    }
    let other = record(&Pipeline::builtin(), &call(QUESTION, ANSWER, json!({})));
    assert_eq!(header(&other).get("phi_identifiers"), None);
}

#[test]
fn a_record_names_its_policy_and_the_same_policy_gives_the_same_leaf() {
    let sealed = || stored(Some(ContentMode::Sealed), json!({"reveal": {"admin": ["*"]}}));
    assert_eq!(sealed().leaf, sealed().leaf);
    let version = header(&sealed())["policy_version"].as_str().unwrap().to_owned();
    assert_eq!(version.len(), 64);
    let other = stored(Some(ContentMode::Sealed), json!({}));
    assert_ne!(header(&other)["policy_version"], version.as_str());
    let pipeline_hash = |record: &Record| Leaf::decode(&record.leaf).unwrap().pipeline_hash;
    assert_ne!(pipeline_hash(&other), pipeline_hash(&sealed()));
}

#[test]
fn a_members_name_that_is_personal_is_in_no_pointer() {
    let metadata = json!({"bob@example.com": {"phone": "+1 415 555 0132", "ssn": "536-90-4399"}});
    let record = record(&Pipeline::builtin(), &call("Hello", "Hello", metadata));
    let clear = clear_texts(&record);
    assert!(!clear.contains("bob@example.com"), "{clear}");
    assert!(clear.contains("/ssn"), "the pointer still says where: {clear}");
}
