//! The texts that are measured, made by fixed rules so that every run has the same.

use serde_json::{Value, json};

/// Texts of one kind.
pub(crate) struct Kind {
    pub name: String,
    pub content_type: &'static str,
    pub texts: Vec<String>,
}

/// What a plain search looks for, to compare with.
pub(crate) const PLAIN_WORDS: &str = "ssn iban passport password secret token account routing card cvv phone \
    telephone mobile email address birth born patient medicare aadhaar nino nhs npi dea vin imei wallet bitcoin \
    api_key access_key bearer private_key steuer personnummer fiscal cpf cnpj curp rfc nif bsn pesel hetu oib";

const SENTENCES: [&str; 24] = [
    "The difference between a mutex and a semaphore is mostly one of ownership, and it shows when a thread dies.",
    "Could you summarise the attached meeting notes in five bullet points and keep the tone friendly?",
    "In the first half of the year our revenue grew by 12.4 percent, while costs stayed at the level of 2023.",
    "I have been trying to bake sourdough bread at home, but the crumb stays dense however long it proofs.",
    "Please review this paragraph and make it sound less formal without changing what it says.",
    "When the queue holds more than 65536 items, the producer waits until the consumer has caught up again.",
    "Photosynthesis turns light into chemical energy; the Calvin cycle then fixes carbon into sugars.",
    "Let me know whether Tuesday at 14:30 works for the review, otherwise we move it to next week.",
    "You can order the list by priority first and by date second, which keeps urgent things on top.",
    "The contract may be ended by either party with three months' notice to the end of a quarter.",
    "A good rule is to write the test first, watch it fail, and only then write the code that makes it pass.",
    "Here is a short story about a lighthouse keeper who collects the sounds of passing ships.",
    "Version 2.14.3 fixed the regression that came with 2.14.0, so upgrading is enough in most cases.",
    "Add the onions, cook them slowly for twenty minutes, then deglaze the pan with a little vinegar.",
    "The proof goes by induction: the base case is clear, and the step follows from the triangle inequality.",
    "What would you recommend for a three-day trip to Lisbon with two small children in early spring?",
    "It depends on the call pattern; if most reads hit the cache, the extra round trip hardly matters.",
    "My manager asked me to prepare a presentation about risk, but I do not know where to start.",
    "Sure! Here's a revised version that keeps your main points and removes the repetition.",
    "The patient waited for an hour; the nurse apologised and explained why the doctor was late.",
    "For each row in the table, compute the mean of the last seven values and flag what is three deviations away.",
    "Thank you for the explanation, that makes sense. One more question about the second step, though.",
    "Under the new rules a company must keep such records for at least six years after the last entry.",
    "The best way to learn an instrument is to play a little every day and to record yourself once a week.",
];

const CODE: &str = "```python\ndef load(path, limit=1000):\n    with open(path) as handle:\n        rows = [json.loads(line) for line in handle][:limit]\n    return {row[\"id\"]: row for row in rows if row.get(\"size\", 0) > 10}\n```\n";

const OTHER_LANGUAGES: [&str; 8] = [
    "Können Sie mir bitte erklären, wie die gesetzliche Kündigungsfrist bei einem unbefristeten Arbeitsvertrag berechnet wird?",
    "Pourriez-vous résumer ce document en quelques phrases, en gardant les points les plus importants pour l’équipe ?",
    "¿Cuál es la mejor manera de aprender a programar si sólo tengo una hora libre cada día después del trabajo?",
    "Per favore scrivi un'e-mail gentile per dire al cliente che la consegna arriverà con due giorni di ritardo.",
    "Você pode me ajudar a organizar uma lista de tarefas para a reforma da cozinha, com prazos e prioridades?",
    "Czy możesz wyjaśnić, na czym polega różnica między sztuczną inteligencją a uczeniem maszynowym w praktyce?",
    "Объясните, пожалуйста, почему небо голубое, а закат красный, так, чтобы понял десятилетний ребёнок.",
    "请用简单的语言解释一下什么是量子纠缠，并举一个日常生活中的例子来帮助理解。",
];

/// Values that stand in every second kilobyte of the typical text.
fn values() -> Vec<String> {
    vec![
        "My e-mail address is jane.doe@example.org.".to_owned(),
        "Please call me back at (415) 555-2671 after five.".to_owned(),
        format!("My SSN is {}-{}-{}.", 536, 90, 4399),
        "The card is 4111 1111 1111 1111, exp 12/27.".to_owned(),
        "Wire it to DE40 9407 5001 7243 0775 01.".to_owned(),
        "She was born on 26 May 1952 in Leeds.".to_owned(),
        "Dear Anthony Young, thank you for your message.".to_owned(),
        "The server at 192.0.2.17 does not answer.".to_owned(),
    ]
}

/// A text of about `length` bytes from `sentences`, begun at `seed`.
fn prose(sentences: &[&str], seed: usize, length: usize) -> String {
    let mut text = String::with_capacity(length + 256);
    let mut number = seed * 7;
    while text.len() < length {
        text.push_str(sentences[number * 5 % sentences.len()]);
        text.push_str(if number % 4 == 3 { "\n\n" } else { " " });
        number += 1;
    }
    text
}

fn chat(seed: usize, length: usize, with_values: bool) -> String {
    let values = values();
    let mut text = String::with_capacity(length + 512);
    let mut part = 0;
    while text.len() < length {
        text.push_str(&prose(&SENTENCES, seed + part, 1800));
        if part % 2 == 1 {
            text.push_str(CODE);
        }
        if with_values {
            text.push_str(&values[(seed + part) % values.len()]);
            text.push('\n');
        }
        part += 1;
    }
    text
}

fn request(seed: usize) -> String {
    let messages: Vec<Value> = (0..6)
        .map(|turn| {
            let role = ["user", "assistant"][turn % 2];
            json!({"role": role, "content": chat(seed + turn, 1500, turn == 2)})
        })
        .collect();
    json!({"model": "gpt-4o-mini", "temperature": 0.2, "max_tokens": 800, "messages": messages}).to_string()
}

fn event_stream(seed: usize) -> String {
    let text = chat(seed, 3000, true);
    let mut stream = String::new();
    for word in text.split_inclusive(' ') {
        let frame = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": null}]});
        stream.push_str(&format!("data: {frame}\n\n"));
    }
    stream + "data: [DONE]\n\n"
}

fn log_lines(seed: usize) -> String {
    (0..80)
        .map(|line| {
            let number = seed * 80 + line;
            format!(
                "2025-03-{:02}T08:{:02}:{:02}.{:03}Z INFO worker-{} request_id={:08x} took {} ms, {} rows, status 200\n",
                number % 28 + 1, number % 60, number * 7 % 60, number * 13 % 1000, number % 9, number * 2_654_435, number % 311, number * 17
            )
        })
        .collect()
}

/// Every kind of text that is measured.
pub(crate) fn kinds() -> Vec<Kind> {
    let kind = |name: &str, content_type, make: &dyn Fn(usize) -> String| Kind {
        name: name.to_owned(),
        content_type,
        texts: (0..200).map(make).collect(),
    };
    vec![
        kind("chat, nothing to find", "text/plain", &|seed| {
            chat(seed, 6000, false)
        }),
        kind("chat, typical", "text/plain", &|seed| chat(seed, 6000, true)),
        kind("chat, eight languages", "text/plain", &|seed| {
            prose(&OTHER_LANGUAGES, seed, 6000)
        }),
        kind("log lines", "text/plain", &log_lines),
        kind("chat request, JSON", "application/json", &request),
        kind("chat answer, event stream", "text/event-stream", &event_stream),
    ]
}

/// The texts of a corpus file: one JSON object with `text` a line.
pub(crate) fn corpus(path: &str) -> Kind {
    let lines = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let text = |line: &str| {
        serde_json::from_str::<Value>(line).ok()?["text"]
            .as_str()
            .map(str::to_owned)
    };
    let name = std::path::Path::new(path).file_name().unwrap_or_default();
    Kind {
        name: name.to_string_lossy().into_owned(),
        content_type: "text/plain",
        texts: lines.lines().filter_map(text).collect(),
    }
}

/// What a detector may trip over, each repeated to the length that is measured.
pub(crate) fn hostile_units() -> Vec<(&'static str, String)> {
    let owned = |name, unit: &str| (name, unit.to_owned());
    vec![
        owned("one long run of digits", "1234567890"),
        owned("digits in fours", "4111 1111 1111 1111 "),
        owned("single digits", "1 "),
        owned("digits and hyphens", "1-"),
        owned("long base 64", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY3ODkw"),
        owned("long hexadecimal", "0123456789abcdef"),
        owned("at signs", "a@"),
        owned("addresses", "jane.doe@example.org "),
        owned("percent-encoded at signs", "%40"),
        owned("keywords", "password secret token account card "),
        owned("keywords with operators", "password="),
        owned("keywords and numbers", "ssn 1234 account 12345678 card "),
        owned("beginnings of keys", "sk-"),
        owned("beginnings of tokens", "eyJ."),
        ("beginnings of PEM", format!("-----BEGIN {} KEY-----", "PRIVATE")),
        owned("links", "a://u:p@h"),
        owned("colons", "a:b:"),
        owned("placeholders", "[[CREDIT_CARD:k1:0000000000000000]] "),
        owned("open brackets", "[["),
        owned("capitalised names", "John Smith "),
        owned("titles", "Mr A "),
        owned("zero-width characters", "1\u{200B}"),
        owned("full-width digits", "４１１１"),
        owned("IPv4", "1.1.1.1 version "),
        owned("data URIs", "data:;base64,"),
        ("nested JSON", format!("{}1{},", "[".repeat(60), "]".repeat(60))),
        owned("JSON numbers", "{\"account\":12345678}\n"),
        owned("deltas", "data: {\"delta\":\"4\"}\n\n"),
    ]
}
