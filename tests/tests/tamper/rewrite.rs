//! A suffix of a chain rewritten with every hash and link computed again, by somebody who knows the format.

use aal_ledger::{Leaf, hash::sha256, jcs, leaf_hash};

use super::campaign::Campaign;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().as_chunks::<2>().0;
    let byte =
        |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    pairs.iter().map(byte).collect()
}

pub async fn run(campaign: &mut Campaign) {
    let target = campaign.target.clone();
    let chain = target.chain();
    let suffix = format!("{chain} AND chain_index >= {}", target.chain_index);
    let rows = campaign
        .pipeline
        .texts(&format!("SELECT concat(lower(hex(leaf)), ' ', lower(hex(header))) FROM records WHERE {suffix} ORDER BY chain_index"))
        .await;
    campaign
        .pipeline
        .execute(&format!("ALTER TABLE records DELETE WHERE {suffix}"))
        .await;
    let mut previous = None;
    for row in &rows {
        let (leaf, header) = row.split_once(' ').expect("two words");
        let (mut leaf, mut header) = (Leaf::decode(&unhex(leaf)).expect("a leaf"), unhex(header));
        let mut model = String::new();
        match previous {
            // The first one gets another model; the others follow it.
            None => {
                let mut value = jcs::parse_canonical(&header).expect("canonical");
                value["model"] = "gpt-cheap".into();
                header = jcs::to_vec(&value).expect("it has a form");
                leaf.header_hash = sha256(&header);
                model = "'gpt-cheap' AS model, ".to_owned();
            }
            Some(hash) => leaf.prev_leaf_hash = hash,
        }
        let bytes = leaf.encode().expect("a leaf");
        let hash = leaf_hash(&bytes);
        let changed = format!(
            "{model}unhex('{}') AS leaf, unhex('{}') AS header, CAST(unhex('{}') AS FixedString(32)) AS leaf_hash, CAST(unhex('{}') AS FixedString(32)) AS prev_leaf_hash",
            hex(&bytes),
            hex(&header),
            hex(&hash),
            hex(&leaf.prev_leaf_hash),
        );
        let place = format!("{chain} AND chain_index = {}", leaf.index);
        campaign
            .pipeline
            .execute(&format!(
                "INSERT INTO records SELECT * REPLACE ({changed}) FROM before_all WHERE {place}"
            ))
            .await;
        previous = Some(hash);
    }
    campaign.judge(
        "a suffix rewritten, every header, leaf hash and link computed again",
        1,
    );
    campaign.restore().await;
}
