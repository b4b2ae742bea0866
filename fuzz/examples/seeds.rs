//! Writes the seeds anew: `cargo run -p aal-fuzz --example seeds`. The same code gives the same files.

use std::fs;
use std::path::Path;

use aal_fuzz::sample;
use aal_ledger::merkle::prove;
use aal_ledger::tile::{Resource, encode_entries, partials_of};
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (target, files) in seeds() {
        let folder = root.join(target);
        fs::create_dir_all(&folder)?;
        for (number, bytes) in files.iter().enumerate() {
            fs::write(folder.join(number.to_string()), bytes)?;
        }
    }
    Ok(())
}

fn seeds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let log = &*sample::LOG;
    let records: Vec<_> = log.records.values().flatten().collect();
    let some = |pick: &dyn Fn(&sample::log::Record) -> Vec<u8>| {
        records.iter().step_by(3).map(|one| pick(one)).collect()
    };
    let notes: Vec<Vec<u8>> = log.epochs.iter().map(|epoch| epoch.note.clone()).collect();
    let bundles: Vec<Vec<u8>> = sample::bundles().into_iter().map(|(_, bytes, _)| bytes).collect();
    let first_chain = log.records.iter().next_back().expect("it has chains");
    vec![
        ("leaf", some(&|record| record.leaf.clone())),
        ("header", {
            let mut all: Vec<Vec<u8>> = some(&|record| record.header.clone());
            all.push(br#"{"a":[1,2.5,-1e-7,1e+21,true,null,"\u001f\\\"\u20ac"],"b":{"c":{}}}"#.to_vec());
            all
        }),
        (
            "heads",
            log.epochs
                .iter()
                .map(|epoch| epoch.heads.to_text().into_bytes())
                .collect(),
        ),
        (
            "manifest",
            log.epochs.iter().map(|epoch| epoch.manifest.clone()).collect(),
        ),
        ("note", notes.clone()),
        (
            "checkpoint",
            vec![
                notes[0].clone(),
                notes[2].clone(),
                sample::cosigned(&log.epochs[2]),
            ],
        ),
        ("receipt", vec![sample::receipt().into_bytes()]),
        (
            "proof",
            (0..2)
                .map(|index| sample::record_proof(log, *first_chain.0, index))
                .take(1)
                .collect(),
        ),
        (
            "policy",
            vec![sample::policy_text().into_bytes(), vkey().into_bytes()],
        ),
        ("witness_policy", vec![sample::witness_policy_text().into_bytes()]),
        (
            "cosignature",
            vec![[0u8, 0, 0, 0, 0x65, 0, 0, 0].into_iter().chain([7; 64]).collect()],
        ),
        (
            "range",
            (1..4)
                .map(|size| sample::log::compact(&log.anchor, size).to_bytes())
                .collect(),
        ),
        ("merkle", vec![merkle_seed()]),
        (
            "entries",
            vec![encode_entries(records.iter().map(|one| one.leaf.as_slice()).take(2)).expect("they fit")],
        ),
        (
            "tile_path",
            partials_of(70_000)
                .iter()
                .map(Resource::path)
                .map(String::into_bytes)
                .collect(),
        ),
        ("bundle", bundles.clone()),
        ("bundle_members", bundles),
        ("event_json", vec![event().to_string().into_bytes()]),
        ("event_avro", vec![avro(event())]),
        ("exchange", exchanges()),
        ("redact", redactions()),
    ]
}

fn vkey() -> String {
    sample::signer().verifier_key().to_string()
}

fn merkle_seed() -> Vec<u8> {
    let log = &*sample::LOG;
    let proof = prove::inclusion(&log.anchor, 1, 3).expect("it is there");
    let numbers = [3u64, 1, 3].iter().flat_map(|number| number.to_be_bytes());
    numbers.chain(proof.into_iter().flatten()).collect()
}

fn event() -> Value {
    json!({
        "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "occurred_at": "2026-01-31T12:00:00.5Z",
        "application": "loans", "environment": "production", "decision_type": "credit",
        "session_id": "s-1", "user_id": "u-1",
        "provider": "openai", "operation": "chat",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "body": "{}"},
        "response": {"status": 200, "content_type": "application/json", "body": "{}"}
    })
}

fn avro(event: Value) -> Vec<u8> {
    let event = aal_event::parse_json(event).expect("the sample event is one");
    aal_event::encode(&event).expect("it has an Avro form")
}

fn exchanges() -> Vec<Vec<u8>> {
    let chat = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o", "choices": [{"index": 0, "message":
        {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}});
    let message = json!({"id": "m", "type": "message", "role": "assistant", "model": "claude-3", "content": [{"type": "text", "text": "yes"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 4, "output_tokens": 2}});
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"y\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n";
    let with = |choice: u8, body: String| [vec![choice], body.into_bytes()].concat();
    vec![
        with(0, chat.to_string()),
        with(3, message.to_string()),
        with(9, stream.to_owned()),
        with(14, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3}}}\n\n".to_owned()),
        with(24, "{\"message\":{\"content\":\"y\"},\"done\":false}\n{\"done\":true,\"eval_count\":2}\n".to_owned()),
    ]
}

fn redactions() -> Vec<Vec<u8>> {
    let text = "Please write to jane.doe@example.com or call +44 20 7946 0958 about IBAN GB29 NWBK 6016 1331 9268 19.";
    let body = json!({"messages": [{"role": "user", "content": text}], "user": {"name": "Jane Doe", "born": "1980-02-03"}});
    vec![
        text.as_bytes().to_vec(),
        body.to_string().into_bytes(),
        b"data: {\"choices\":[{\"delta\":{\"content\":\"jane@exam\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"ple.com\"}}]}\n\n".to_vec(),
    ]
}
