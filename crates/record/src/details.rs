//! What an exchange holds beside texts and usage, as members of the header.

use aal_exchange::Exchange;
use aal_policy::ContentMode;
use aal_redact::RedactError;
use aal_seal::IndexKey;
use serde_json::{Map, Value};

use crate::texts::Redactor;

/// The details of an exchange. Its plain digests are replaced by keyed ones: who holds a picture cannot look for it
/// in a ledger without the tenant's key. Names are the application's own words and redacted like every other text.
pub(crate) fn members(
    exchange: &Exchange,
    index: &IndexKey,
    redactor: &mut Redactor<'_>,
) -> Result<Map<String, Value>, RedactError> {
    let mut details = match serde_json::to_value(&exchange.details) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    // The application's own words stay away from a header that stays, where its texts do.
    if redactor.modes.strictest() != ContentMode::Redacted {
        for tool in details
            .get_mut("tools")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Value::Object(tool) = tool {
                tool.remove("name");
            }
        }
    }
    for value in details.values_mut() {
        clean(value, index, redactor)?;
    }
    if let Some(fingerprint) = &exchange.system_fingerprint {
        let clean = redactor.text("system_fingerprint", fingerprint)?;
        details.insert("system_fingerprint".to_owned(), clean.into());
    }
    Ok(details)
}

fn clean(value: &mut Value, index: &IndexKey, redactor: &mut Redactor<'_>) -> Result<(), RedactError> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| clean(item, index, redactor)),
        Value::Object(members) => {
            if let Some(Value::String(plain)) = members.remove("sha256") {
                let keyed = hex::encode(index.content_mac(plain.as_bytes()));
                members.insert("digest".to_owned(), keyed.into());
            }
            for (name, member) in members.iter_mut().filter(|(name, _)| *name != "digest") {
                if let Value::String(text) = member {
                    *text = redactor.text(name, text)?;
                }
            }
            Ok(())
        }
        Value::String(text) => {
            *text = redactor.text("details", text)?;
            Ok(())
        }
        _ => Ok(()),
    }
}
