//! Older schemas, registry schemas, and the refusal of changes that would make committed bytes unreadable.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aal_event::{
    AvroError, Event, Frame, MAX_SCHEMA_BYTES, ProviderRequest, SCHEMA_JSON, SchemaError, Subject,
    WriterSchema, decode, encode, frame,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

fn sample() -> Event {
    Event {
        event_id: Uuid::from_u128(5),
        tenant: Uuid::from_u128(1),
        application: "loans".into(),
        occurred_at_us: Some(1_700_000_000_000_001),
        provider: Some("openai".into()),
        subject: Some(Subject {
            id: "c-9".into(),
            email: None,
        }),
        request: Some(ProviderRequest {
            method: None,
            url: None,
            body: b"{}".to_vec(),
        }),
        tags: BTreeMap::from([("a".into(), "1".into())]),
        ..Event::default()
    }
}

/// The present schema with a change.
fn changed(change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    schema.to_string()
}

fn place(fields: &[Value], name: &str) -> usize {
    fields.iter().position(|field| field["name"] == name).unwrap()
}

/// `schemas/fingerprints.txt` is only ever added to: whoever changes a committed schema in place fails here, and so
/// does whoever adds one that the present version cannot read.
#[test]
fn committed_schemas_stay_as_they_are_and_stay_readable() {
    let listed = std::fs::read_to_string(schemas().join("fingerprints.txt")).unwrap();
    let listed: BTreeMap<&str, &str> = listed.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(schemas()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "avsc") {
            let text = std::fs::read_to_string(&path).unwrap();
            let schema =
                WriterSchema::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(
                WriterSchema::committed(schema.fingerprint()).is_some(),
                "{} is not in the list of crates/event/src/schemas.rs",
                path.display()
            );
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            found.insert(name, hex::encode(schema.fingerprint()));
        }
    }
    let found: BTreeMap<&str, &str> = found
        .iter()
        .map(|(name, print)| (name.as_str(), print.as_str()))
        .collect();
    assert_eq!(
        found, listed,
        "a committed schema changed: add a new version instead"
    );
    let present = hex::encode(WriterSchema::present().fingerprint());
    assert_eq!(listed.values().last(), Some(&present.as_str()));
}

#[test]
fn incompatible_changes_are_refused() {
    let changes: [(&str, String); 6] = [
        (
            "a required field gone",
            changed(|fields| {
                let place = place(fields, "event_id");
                fields.remove(place);
            }),
        ),
        (
            "a field of another type",
            changed(|fields| {
                let place = place(fields, "application");
                fields[place]["type"] = json!("long");
            }),
        ),
        (
            "a field of another name",
            changed(|fields| {
                let place = place(fields, "tenant");
                fields[place]["name"] = json!("organisation");
            }),
        ),
        (
            "a nested field of another type",
            changed(|fields| {
                let place = place(fields, "request");
                fields[place]["type"][1]["fields"][2]["type"] = json!("boolean");
            }),
        ),
        (
            "a nullable field where none may be null",
            changed(|fields| {
                let place = place(fields, "application");
                fields[place]["type"] = json!(["null", "string"]);
            }),
        ),
        (
            "another record",
            SCHEMA_JSON.replace("\"AuditEvent\"", "\"Order\""),
        ),
    ];
    for (what, schema) in changes {
        let refused = WriterSchema::parse(&schema);
        assert!(
            matches!(refused, Err(SchemaError::Incompatible(_))),
            "{what}: {refused:?}"
        );
    }
}

#[test]
fn an_older_or_newer_writer_is_read() {
    // Older: it knows fewer fields. Newer: it knows one more.
    let older =
        changed(|fields| fields.retain(|field| field["name"] != "phi" && field["name"] != "interrupted"));
    let newer = changed(|fields| {
        let added = json!({"name": "added", "type": {"type": "map", "values": "long"}, "default": {}});
        fields.insert(2, added);
    });
    for text in [older, newer] {
        let schema = WriterSchema::parse(&text).unwrap();
        assert_ne!(schema.fingerprint(), WriterSchema::present().fingerprint());
        let avro = apache_avro::Schema::parse_str(&text).unwrap();
        let mut value = serde_json::to_value(plain()).unwrap();
        value["added"] = json!({"x": 1});
        let bytes = write(&avro, &value);
        let event = schema.decode(&bytes).unwrap();
        assert_eq!(
            (event.event_id, event.application.as_str()),
            (Uuid::from_u128(5), "loans")
        );
        assert_eq!(event.request.unwrap().body, b"{}");
        assert_eq!(event.occurred_at_us, Some(1_700_000_000_000_001));
        assert!(!event.interrupted && event.phi.is_none());
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(
            schema.decode(&longer),
            Err(AvroError::TrailingBytes(1) | AvroError::Decode)
        ));
        for end in 0..bytes.len() {
            assert!(schema.decode(&bytes[..end]).is_err(), "{end} of {}", bytes.len());
        }
        // The committed schema must not be taken for it.
        let _ = decode(&[&[0xC3, 0x01][..], &schema.fingerprint(), &bytes].concat()).unwrap_err();
    }
}

/// A producer's event as plain values.
fn plain() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("event_id", json!(Uuid::from_u128(5).to_string())),
        ("tenant", json!(Uuid::from_u128(1).to_string())),
        ("application", json!("loans")),
        ("provider", json!("openai")),
        ("occurred_at", json!(1_700_000_000_000_001_i64)),
    ])
}

/// Writes the fields of a record, defaults where none is given, and a request of `{}`.
fn write(schema: &apache_avro::Schema, given: &Value) -> Vec<u8> {
    use apache_avro::types::Value as Avro;
    let apache_avro::Schema::Record(record) = schema else {
        panic!("no record")
    };
    let in_union = |value: Avro| Avro::Union(1, Box::new(value));
    let fields = record.fields.iter().map(|field| {
        let value = match (field.name.as_str(), &given[&field.name]) {
            ("kind", _) => Avro::String("event".into()),
            ("interrupted", _) => Avro::Boolean(false),
            ("tags", _) => Avro::Map(Default::default()),
            ("added", _) => Avro::Map([("x".to_owned(), Avro::Long(1))].into()),
            ("occurred_at", time) => in_union(Avro::TimestampMicros(time.as_i64().unwrap())),
            ("provider", text) => in_union(Avro::String(text.as_str().unwrap().into())),
            ("request", _) => {
                let null = Avro::Union(0, Box::new(Avro::Null));
                in_union(Avro::Record(vec![
                    ("method".into(), null.clone()),
                    ("url".into(), null),
                    ("body".into(), Avro::Bytes(b"{}".to_vec())),
                ]))
            }
            (_, Value::String(text)) => Avro::String(text.clone()),
            _ => Avro::Union(0, Box::new(Avro::Null)),
        };
        (field.name.clone(), value)
    });
    let writer = apache_avro::writer::datum::GenericDatumWriter::builder(schema)
        .build()
        .unwrap();
    let mut bytes = Vec::new();
    writer
        .write_value(&mut bytes, Avro::Record(fields.collect()))
        .unwrap();
    bytes
}

#[test]
fn the_framings_are_told_apart() {
    let event = sample();
    let single = encode(&event).unwrap();
    let Frame::SingleObject { fingerprint, datum } = frame(&single).unwrap() else {
        panic!("another framing")
    };
    assert_eq!(fingerprint, WriterSchema::present().fingerprint());
    let confluent = [&[0, 0, 1, 0, 7][..], datum].concat();
    assert_eq!(
        frame(&confluent).unwrap(),
        Frame::Confluent {
            schema_id: 65_543,
            datum
        }
    );
    assert_eq!(WriterSchema::present().decode(datum).unwrap(), event);
    assert!(matches!(decode(&confluent), Err(AvroError::NoRegistry(65_543))));
    assert!(matches!(frame(&[]), Err(AvroError::TooShort(0))));
    assert!(matches!(frame(&[0, 0, 0, 1]), Err(AvroError::TooShort(4))));
    assert!(matches!(frame(&[0xC3, 0x01, 1, 2]), Err(AvroError::TooShort(4))));
    assert!(matches!(frame(b"{\"json\": true}"), Err(AvroError::NoMarker)));
}

/// A registry may hand the present schema out in other words: with other documentation, in another order of keys.
#[test]
fn the_same_schema_in_other_words_is_the_present_one() {
    let mut schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    schema["doc"] = json!("other words");
    let schema = WriterSchema::parse(&schema.to_string()).unwrap();
    assert_eq!(schema.fingerprint(), WriterSchema::present().fingerprint());
    assert_eq!(schema.canonical_sha256(), aal_event::schema_hash());
}

#[test]
fn schemas_without_end_are_refused() {
    let recursive = changed(|fields| {
        let link =
            json!({"type": "record", "name": "Link", "fields": [{"name": "next", "type": ["null", "Link"]}]});
        fields.push(json!({"name": "chain", "type": ["null", link], "default": null}));
    });
    assert!(matches!(
        WriterSchema::parse(&recursive),
        Err(SchemaError::Endless(_))
    ));
    let itself = changed(|fields| {
        fields.push(json!({"name": "again", "type": ["null", "AuditEvent"], "default": null}))
    });
    assert!(matches!(
        WriterSchema::parse(&itself),
        Err(SchemaError::Endless(_))
    ));
    let long = " ".repeat(MAX_SCHEMA_BYTES + 1);
    assert!(matches!(WriterSchema::parse(&long), Err(SchemaError::TooLong(_))));
    assert!(matches!(WriterSchema::parse("{"), Err(SchemaError::NoSchema(_))));
    assert!(matches!(
        WriterSchema::parse("\"string\""),
        Err(SchemaError::Incompatible(_))
    ));
}

/// References that double sixteen times make 65,536 parts of a page of text.
#[test]
fn schemas_that_swell_are_refused() {
    let swollen = changed(|fields| {
        for level in 0..16 {
            let inner = if level == 0 {
                json!("null")
            } else {
                json!(format!("L{}", level - 1))
            };
            let pair = json!([{"name": "a", "type": inner}, {"name": "b", "type": inner}]);
            let level = json!({"type": "record", "name": format!("L{level}"), "fields": pair});
            fields.push(json!({"name": format!("l{}", fields.len()), "type": level}));
        }
    });
    let refused = WriterSchema::parse(&swollen).unwrap_err();
    assert!(
        refused.to_string().contains("parts, more than 10000"),
        "{refused}"
    );
}

/// Milliseconds read as microseconds would put an event into 1970 without anybody noticing.
#[test]
fn times_of_another_unit_are_refused_and_plain_longs_are_microseconds() {
    let millis = SCHEMA_JSON.replacen("timestamp-micros", "timestamp-millis", 1);
    let refused = WriterSchema::parse(&millis).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "an event cannot be read from what the schema writes: /occurred_at is of another type"
    );
    let plain = SCHEMA_JSON.replace(r#", "logicalType": "timestamp-micros""#, "");
    assert_ne!(plain, SCHEMA_JSON);
    let schema = WriterSchema::parse(&plain).unwrap();
    assert_eq!(schema.fingerprint(), WriterSchema::present().fingerprint());
}
