//! Usage and cost files (CSV) of the providers' consoles, row by row in the form of their administration API.

use serde_json::{Map, Value};

use crate::export::{BadExport, Provider};

/// Columns by what they are in the API's form, for each provider. The first column that a file has counts.
type Columns = &'static [(&'static str, &'static [&'static str])];

/// OpenAI's usage files carry the names of the usage API beside the times of the bucket; the costs API's `amount` is
/// an object, which a row writes in two columns.
const OPENAI: Columns = &[
    ("model", &["model", "snapshot_id"]),
    ("line_item", &["line_item"]),
    ("num_model_requests", &["num_model_requests", "n_requests"]),
    ("input_tokens", &["input_tokens", "n_context_tokens_total"]),
    ("input_cached_tokens", &["input_cached_tokens"]),
    ("input_audio_tokens", &["input_audio_tokens"]),
    ("output_tokens", &["output_tokens", "n_generated_tokens_total"]),
    ("output_audio_tokens", &["output_audio_tokens"]),
    ("amount/value", &["amount_value", "amount", "cost_usd"]),
    ("amount/currency", &["amount_currency", "currency"]),
    ("object", &["object", "results.object"]),
];

/// The console's usage file (`usage_input_tokens_no_cache`, ...) and cost file (`cost_usd`), and files written from
/// the API, flat.
const ANTHROPIC: Columns = &[
    ("model", &["model_version", "model"]),
    ("description", &["description", "token_type"]),
    (
        "uncached_input_tokens",
        &["usage_input_tokens_no_cache", "uncached_input_tokens"],
    ),
    (
        "cache_read_input_tokens",
        &["usage_input_tokens_cache_read", "cache_read_input_tokens"],
    ),
    (
        "cache_creation_5m_input_tokens",
        &[
            "usage_input_tokens_cache_write_5m",
            "cache_creation_5m_input_tokens",
            "ephemeral_5m_input_tokens",
        ],
    ),
    (
        "cache_creation_1h_input_tokens",
        &[
            "usage_input_tokens_cache_write_1h",
            "cache_creation_1h_input_tokens",
            "ephemeral_1h_input_tokens",
        ],
    ),
    ("output_tokens", &["usage_output_tokens", "output_tokens"]),
    (
        "server_tool_use/web_search_requests",
        &["web_search_count", "web_search_requests"],
    ),
    ("cost_usd", &["cost_usd"]),
];

const STARTS: &[&str] = &[
    "start_time",
    "usage_date_utc",
    "starting_at",
    "start_time_iso",
    "date",
    "day",
];
const ENDS: &[&str] = &["end_time", "ending_at", "end_time_iso"];

/// Members of the API's form that are words; all others but amounts are counts.
const WORDS: &[&str] = &["model", "line_item", "description", "object", "amount/currency"];
const AMOUNTS: &[&str] = &["amount/value", "cost_usd"];

/// One row: start and end as they are written, and the rest as a result of the API; none where the row states nothing.
pub(crate) struct Row {
    pub(crate) start: String,
    pub(crate) end: Option<String>,
    pub(crate) result: Option<Value>,
    /// For errors: `row 7`, counted with the header as row 1.
    pub(crate) at: String,
}

struct Layout {
    start: usize,
    end: Option<usize>,
    members: Vec<(&'static str, usize)>,
}

/// Reads the rows of a file.
pub(crate) fn rows(provider: Provider, text: &str) -> Result<Vec<Row>, BadExport> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let layout = layout(provider, reader.headers()?)?;
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        rows.push(row(&layout, &record?, format!("row {}", number + 2))?);
    }
    Ok(rows)
}

fn layout(provider: Provider, header: &csv::StringRecord) -> Result<Layout, BadExport> {
    let position = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| header.iter().position(|column| column.eq_ignore_ascii_case(name)))
    };
    let columns = match provider {
        Provider::OpenAi => OPENAI,
        Provider::Anthropic => ANTHROPIC,
    };
    let start = position(STARTS).ok_or(BadExport::Column("a time", STARTS))?;
    let members: Vec<_> = columns
        .iter()
        .filter_map(|(member, names)| Some((*member, position(names)?)))
        .collect();
    let has_number = members.iter().any(|(member, _)| !WORDS.contains(member));
    // A file of empty buckets has the times only.
    let is_time = |column: &str| {
        STARTS
            .iter()
            .chain(ENDS)
            .any(|name| column.eq_ignore_ascii_case(name))
    };
    if !has_number && !header.iter().all(is_time) {
        let wanted = match provider {
            Provider::OpenAi => &["input_tokens", "num_model_requests", "amount_value"],
            Provider::Anthropic => &["usage_input_tokens_no_cache", "usage_output_tokens", "cost_usd"],
        };
        return Err(BadExport::Column("usage or cost", wanted));
    }
    Ok(Layout {
        start,
        end: position(ENDS),
        members,
    })
}

fn row(layout: &Layout, record: &csv::StringRecord, at: String) -> Result<Row, BadExport> {
    let mut result = Map::new();
    for (member, column) in &layout.members {
        let text = record.get(*column).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let value = if WORDS.contains(member) || AMOUNTS.contains(member) {
            Value::from(text)
        } else {
            // Spreadsheets write whole numbers with decimals.
            let whole = text.strip_suffix(".0").unwrap_or(text).parse::<u64>();
            let expected = "a whole number that is not negative";
            Value::from(whole.map_err(|_| BadExport::Form(format!("{at} {member}"), expected))?)
        };
        match member.split_once('/') {
            Some((outer, inner)) => {
                let nested = result.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                nested[inner] = value;
            }
            None => {
                result.insert((*member).to_owned(), value);
            }
        }
    }
    let says = result
        .keys()
        .any(|member| !WORDS.contains(&member.as_str()) && member != "currency");
    Ok(Row {
        start: record.get(layout.start).unwrap_or_default().to_owned(),
        end: layout.end.and_then(|end| record.get(end)).map(str::to_owned),
        result: says.then_some(Value::Object(result)),
        at,
    })
}
