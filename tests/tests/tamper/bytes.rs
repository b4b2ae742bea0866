//! Byte ranges of leaf, header, templates, salts and ciphertexts.

use super::campaign::Campaign;

/// Fields of the leaf (docs/ledger-format.md section 3.1): name and offset.
const LEAF_FIELDS: [(&str, usize); 22] = [
    ("magic", 3),
    ("kind", 12),
    ("tenant", 20),
    ("shard", 32),
    ("index", 40),
    ("prev_leaf_hash", 50),
    ("event_id", 80),
    ("source_id", 90),
    ("source_epoch", 112),
    ("source_seq", 120),
    ("topic_hash", 130),
    ("partition", 156),
    ("offset", 164),
    ("t_source", 170),
    ("t_edge", 180),
    ("avro_schema_hash", 190),
    ("pipeline_hash", 220),
    ("header_hash", 250),
    ("ingress_receipt_hash", 280),
    ("n_slots", 310),
    ("first slot number", 312),
    ("first slot commitment", 375),
];

/// The string with one bit of one byte (counted from 0, an expression) turned.
fn flipped(text: &str, at: &str) -> String {
    format!(
        "concat(substring({text}, 1, {at}), char(bitXor(reinterpretAsUInt8(substring({text}, ({at}) + 1, 1)), 1)), substring({text}, ({at}) + 2))"
    )
}

pub async fn run(campaign: &mut Campaign) {
    for (field, at) in LEAF_FIELDS {
        let leaf = flipped("kept.leaf", &at.to_string());
        let changes = format!("{leaf} AS leaf");
        campaign
            .row_case(&format!("leaf: a bit of {field}"), &changes)
            .await;
        let changes =
            format!("{leaf} AS leaf, CAST(SHA256(concat(char(0), {leaf})) AS FixedString(32)) AS leaf_hash");
        campaign
            .row_case(&format!("leaf: a bit of {field}, hashed again"), &changes)
            .await;
    }
    let strings = [
        "header",
        "request_body",
        "response_body",
        "search_text",
        "attributes",
    ];
    for name in strings {
        for (place, at) in [
            ("first", "0".to_owned()),
            ("middle", format!("intDiv(length(kept.{name}), 2)")),
            ("last", format!("length(kept.{name}) - 1")),
        ] {
            let changes = format!("{} AS {name}", flipped(&format!("kept.{name}"), &at));
            campaign
                .row_case(&format!("{name}: a bit of the {place} byte"), &changes)
                .await;
        }
        campaign
            .row_case(&format!("{name}: emptied"), &format!("'' AS {name}"))
            .await;
    }
    lists(campaign).await;
}

async fn lists(campaign: &mut Campaign) {
    let value = "kept.sealed_values[1]";
    for (place, at) in [
        ("synthetic IV", "0".to_owned()),
        ("first ciphertext byte", "16".to_owned()),
        ("last ciphertext byte", format!("length({value}) - 1")),
    ] {
        let first = flipped(value, &at);
        let changes = format!("arrayConcat([{first}], arraySlice(kept.sealed_values, 2)) AS sealed_values");
        campaign
            .row_case(&format!("ciphertext: a bit of the {place}"), &changes)
            .await;
    }
    for (name, changes) in [
        (
            "ciphertext: one removed",
            "arrayPopBack(kept.sealed_values) AS sealed_values, arrayPopBack(kept.sealed_slots) AS sealed_slots",
        ),
        (
            "ciphertext: all removed",
            "CAST([] AS Array(String)) AS sealed_values, CAST([] AS Array(UInt16)) AS sealed_slots",
        ),
        (
            "ciphertext: cut short",
            "arrayMap(one -> substring(one, 1, length(one) - 1), kept.sealed_values) AS sealed_values",
        ),
        (
            "ciphertext: a slot renamed",
            "arrayMap(one -> CAST(one + 1 AS UInt16), kept.sealed_slots) AS sealed_slots",
        ),
        (
            "salts: all changed",
            "arrayMap(one -> CAST(SHA256(one) AS FixedString(32)), kept.template_salts) AS template_salts",
        ),
        (
            "salts: removed",
            "CAST([] AS Array(FixedString(32))) AS template_salts",
        ),
        (
            "templates: salts and slots removed",
            "CAST([] AS Array(FixedString(32))) AS template_salts, CAST([] AS Array(UInt16)) AS template_slots",
        ),
        (
            "templates: texts, salts and slots removed without an erasure",
            "CAST([] AS Array(FixedString(32))) AS template_salts, CAST([] AS Array(UInt16)) AS template_slots, '' AS request_body, '' AS response_body, '' AS search_text, '' AS attributes",
        ),
        (
            "request and response swapped",
            "kept.response_body AS request_body, kept.request_body AS response_body",
        ),
        ("leaf emptied", "'' AS leaf"),
        (
            "leaf cut short",
            "substring(kept.leaf, 1, length(kept.leaf) - 1) AS leaf",
        ),
        ("leaf padded", "concat(kept.leaf, char(0)) AS leaf"),
        ("header spelled differently", "concat(kept.header, ' ') AS header"),
    ] {
        campaign.row_case(name, changes).await;
    }
}
