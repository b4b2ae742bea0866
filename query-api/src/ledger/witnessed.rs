//! `GET /api/v1/verify/witnessed`: what others have said of the log, for `audit verify`; it is checked there.

use aal_ledger::tile::number_path;
use aal_service::Problem;
use aal_verify::{Witnessed, WitnessedNote, WitnessedTime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use warp::reply::Response;

use crate::call::{Call, json};
use crate::ledger::anchors::Anchors;

/// Positions of timestamping authorities that are looked at.
const AUTHORITIES: u32 = 8;
/// How far back of the wanted epoch is looked when the newest evidence is of a later one.
const EPOCHS_BACK: u64 = 64;

/// The newest cosigned checkpoint, and of each authority the newest timestamp with the checkpoint it is for, none of an
/// epoch after `to`.
pub(crate) async fn witnessed(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["to"])?;
    let to = query.parsed::<u64>("to", "an epoch number")?.unwrap_or(u64::MAX);
    json(&witnessed_to(&call.app.anchors, to).await?)
}

/// The same for whoever asks inside this service.
pub(crate) async fn witnessed_to(anchors: &Anchors, to: u64) -> Result<Witnessed, Problem> {
    let cosigned = newest(anchors, "latest-cosigned", "cosigned", to).await?;
    let cosigned = cosigned.map(|(epoch, bytes)| WitnessedNote {
        epoch,
        note: text_of(&bytes).into_owned(),
    });
    let mut timestamps = Vec::new();
    for authority in 0..AUTHORITIES {
        let hint = format!("latest-timestamp-{authority}");
        let name = format!("timestamp-{authority}.tsr");
        let Some((epoch, bytes)) = newest(anchors, &hint, &name, to).await? else {
            continue;
        };
        let note = anchors.bytes(&object(epoch, "checkpoint")).await?;
        timestamps.push(WitnessedTime {
            epoch,
            authority,
            response: STANDARD.encode(&bytes),
            checkpoint: text_of(&note.unwrap_or_default()).into_owned(),
        });
    }
    Ok(Witnessed { cosigned, timestamps })
}

fn object(epoch: u64, name: &str) -> String {
    format!("epoch/{}/{name}", number_path(epoch))
}

/// What is not UTF-8 stays unlike any checkpoint, which the verifier sees.
fn text_of(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The newest object of that name which the hint leads to; the hint may be behind, or gone.
async fn newest(
    anchors: &Anchors,
    hint: &str,
    name: &str,
    to: u64,
) -> Result<Option<(u64, bytes::Bytes)>, Problem> {
    let Some(text) = anchors.bytes(hint).await? else {
        return Ok(None);
    };
    let Some(newest) = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.trim_end().parse::<u64>().ok())
    else {
        return Ok(None);
    };
    let start = newest.min(to);
    for epoch in (start.saturating_sub(EPOCHS_BACK)..=start).rev() {
        if let Some(bytes) = anchors.bytes(&object(epoch, name)).await? {
            return Ok(Some((epoch, bytes)));
        }
    }
    Ok(None)
}
