//! What a service tells of itself or of the ledger, as members of the header.

use aal_event::{Event, Kind};
use aal_redact::RedactError;
use serde_json::Value;

use crate::{Header, texts::Redactor};

/// Fills what a system event tells into the header. Its whole detail is in the attributes too, which can be erased;
/// what stands here cannot, so a text is redacted and a nested value left out.
pub(crate) fn fill(
    header: &mut Header,
    event: &Event,
    redactor: &mut Redactor<'_>,
) -> Result<(), RedactError> {
    match event.kind {
        // Who read or changed what names people, and stays in the attributes alone.
        Kind::Access => {
            purpose(header, event);
            return Ok(());
        }
        Kind::Admin => return Ok(()),
        Kind::ErasureDone => header.subject_key_ids = aal_event::erased_keys(event),
        Kind::Reprice => reprice(header, event, redactor)?,
        Kind::Prune => {
            if let Some((shard, ranges)) = aal_event::pruned(event) {
                header.pruned_shard = Some(shard);
                header.pruned_ranges = ranges;
            }
        }
        _ => {}
    }
    let reason = event.access.as_ref().and_then(|access| access.reason.as_deref());
    header.reason = redactor.text("reason", reason.unwrap_or_default())?;
    if event.kind == Kind::Reprice {
        return Ok(());
    }
    for (name, value) in aal_event::detail(event).into_iter().take(aal_event::MAX_FACTS) {
        let has_a_member = event.kind == Kind::Prune && name.starts_with("pruned_");
        if !aal_event::is_fact_name(&name) || has_a_member {
            continue;
        }
        if aal_event::is_plain_fact(&value) {
            header.facts.insert(name, value);
        } else if let Value::String(text) = value {
            let clean = redactor.text(&name, &text)?;
            header.facts.insert(name, clean.into());
        }
    }
    Ok(())
}

/// For which purpose health information was read: one of a list, and nobody's data.
fn purpose(header: &mut Header, event: &Event) {
    let mut detail = aal_event::detail(event);
    let stated = detail.remove("purpose").filter(|purpose| {
        let name = purpose.as_str();
        name.is_some_and(aal_policy::is_purpose)
    });
    if let Some(purpose) = stated {
        header.facts.insert("purpose".to_owned(), purpose);
    }
}

fn reprice(header: &mut Header, event: &Event, redactor: &mut Redactor<'_>) -> Result<(), RedactError> {
    let detail = aal_event::detail(event);
    let text = |member: &str| detail.get(member).and_then(Value::as_str).map(str::to_owned);
    let [input, output, total] = aal_event::REPRICE_MONEY;
    header.input_cost = text(input);
    header.output_cost = text(output);
    header.cost = text(total);
    let [currency, version, rule] = aal_event::REPRICE_TEXTS;
    header.currency = redactor.text(currency, &text(currency).unwrap_or_default())?;
    header.price_version = redactor.text(version, &text(version).unwrap_or_default())?;
    header.price_rule = redactor.text(rule, &text(rule).unwrap_or_default())?;
    Ok(())
}
