//! The proof of one record (C2SP tlog-proof), changed in every part: cut, reordered, padded, over-long, of others.

use aal_ledger::{TrustPolicy, proof::verify_record_proof};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::campaign::Campaign;

/// A proof taken apart.
#[derive(Clone)]
struct Parts {
    extra: Value,
    index: u64,
    hashes: Vec<String>,
    note: String,
}

impl Parts {
    fn of(text: &str) -> Parts {
        let (head, note) = text.split_once("\n\n").expect("proof and note");
        let mut lines = head.lines().skip(1);
        let mut word = |name: &str| {
            let line = lines.next().expect("a line");
            line.strip_prefix(name).expect("its name").to_owned()
        };
        let extra = STANDARD.decode(word("extra ")).expect("base64");
        let index = word("index ").parse().expect("a number");
        Parts {
            extra: serde_json::from_slice(&extra).expect("JSON"),
            index,
            hashes: lines.map(str::to_owned).collect(),
            note: note.to_owned(),
        }
    }

    fn text(&self) -> String {
        let hashes: String = self.hashes.iter().map(|hash| format!("{hash}\n")).collect();
        format!(
            "c2sp.org/tlog-proof@v1\nextra {}\nindex {}\n{hashes}\n{}",
            STANDARD.encode(self.extra.to_string()),
            self.index,
            self.note
        )
    }
}

type Change = fn(&mut Parts);

fn path<'p>(parts: &'p mut Parts, of: &str) -> &'p mut Vec<Value> {
    parts.extra[of]["path"].as_array_mut().expect("a path")
}

const CHANGES: &[(&str, Change)] = &[
    ("log proof cut", |parts| drop(parts.hashes.pop())),
    ("log proof emptied", |parts| parts.hashes.clear()),
    ("log proof reordered", |parts| parts.hashes.reverse()),
    ("log proof padded with its last hash", |parts| {
        parts.hashes.extend(parts.hashes.last().cloned());
    }),
    ("log proof over-long", |parts| {
        parts.hashes = vec![parts.hashes[0].clone(); 64];
    }),
    ("log proof with an index one more", |parts| parts.index += 1),
    ("log proof with an index out of the log", |parts| {
        parts.index = 1 << 40;
    }),
    ("chain proof cut", |parts| drop(path(parts, "chain").pop())),
    ("chain proof reordered", |parts| path(parts, "chain").reverse()),
    ("chain proof padded", |parts| {
        let path = path(parts, "chain");
        path.push(path[0].clone());
    }),
    ("chain proof over-long", |parts| {
        let path = path(parts, "chain");
        *path = vec![path[0].clone(); 64];
    }),
    ("chain proof of the next index", |parts| {
        let index = parts.extra["chain"]["index"].as_u64().expect("an index");
        parts.extra["chain"]["index"] = json!(index + 1);
    }),
    ("chain proof of a larger chain", |parts| {
        let size = parts.extra["chain"]["size"].as_u64().expect("a size");
        parts.extra["chain"]["size"] = json!(size + 1);
    }),
    ("chain proof of another chain", |parts| {
        parts.extra["chain"]["id"] = json!("01890a5d-ac96-774b-bcce-b302099a8057/0");
    }),
    ("head proof cut", |parts| drop(path(parts, "head").pop())),
    ("head proof reordered", |parts| path(parts, "head").reverse()),
    ("head proof padded", |parts| {
        let path = path(parts, "head");
        path.push(path[0].clone());
    }),
    ("head proof with a longer list of heads", |parts| {
        let size = parts.extra["head"]["size"].as_u64().expect("a size");
        parts.extra["head"]["size"] = json!(size + 1);
    }),
    ("head line with another size", |parts| {
        let line = parts.extra["head"]["line"].as_str().expect("a line").to_owned();
        let mut words: Vec<&str> = line.split(' ').collect();
        words[2] = "1";
        parts.extra["head"]["line"] = json!(words.join(" "));
    }),
    ("leaf with a bit turned", |parts| {
        let text = parts.extra["leaf"].as_str().expect("base64");
        let mut leaf = STANDARD.decode(text).expect("base64");
        leaf[250] ^= 1;
        parts.extra["leaf"] = json!(STANDARD.encode(leaf));
    }),
    ("manifest with another time", |parts| {
        let text = parts.extra["manifest"].as_str().expect("text");
        let changed = text.replacen("closed 1", "closed 2", 1);
        assert_ne!(changed, text, "times begin so in this century");
        parts.extra["manifest"] = json!(changed);
    }),
    ("a member nobody knows", |parts| parts.extra["more"] = json!(1)),
    ("checkpoint of another origin", |parts| {
        parts.note = parts.note.replace("audit.local", "other.local");
    }),
    ("checkpoint without its signatures", |parts| {
        let end = parts.note.find("\n\n").expect("signatures");
        parts.note.truncate(end + 2);
    }),
    ("checkpoint of another size", |parts| {
        let mut lines: Vec<&str> = parts.note.split('\n').collect();
        lines[1] = "99";
        parts.note = lines.join("\n");
    }),
];

pub async fn run(campaign: &mut Campaign) {
    let token = campaign.pipeline.token().await;
    let url = format!(
        "http://{}/api/v1/audit/logs/{}/proof",
        campaign.pipeline.endpoints.console, campaign.target.event_id
    );
    let answer = campaign.pipeline.http.get(url).bearer_auth(token).send().await;
    let proof = answer.expect("it answers").text().await.expect("text");
    let policy = std::fs::read_to_string(campaign.plain()).expect("a policy");
    let policy = TrustPolicy::parse(&policy).expect("a policy");
    let judge = |text: &str| {
        let verified = verify_record_proof(text.as_bytes(), &policy);
        verified.map(drop).map_err(|error| error.to_string())
    };
    let parts = Parts::of(&proof);
    assert!(!parts.hashes.is_empty(), "the log has more than one epoch");
    assert_eq!(judge(&parts.text()), Ok(()), "taken apart and put together");
    for (name, change) in CHANGES {
        let mut changed = parts.clone();
        change(&mut changed);
        if changed.text() == parts.text() {
            // One hash has one order only.
            assert!(name.ends_with("reordered"), "{name} changes something");
            continue;
        }
        campaign.note_refusal(&format!("proof of a record: {name}"), judge(&changed.text()));
    }
}
