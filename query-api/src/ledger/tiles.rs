//! The ledger's trees as C2SP tlog-tiles: `/ledger/log/...` for everybody, `/ledger/chains/...` for officers.

use std::sync::Arc;

use aal_control::TenantScope;
use aal_ledger::ChainId;
use aal_ledger::tile::Resource;
use aal_service::Problem;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::app::App;
use crate::call::{Call, Request};
use crate::ledger::tile_reader::chain_folder;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// A checkpoint is replaced every epoch.
const BRIEFLY: HeaderValue = HeaderValue::from_static("public, max-age=2");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// What needs a sign-in stays with the one who signed in.
const PRIVATELY: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// `GET /ledger/log/checkpoint`: the newest checkpoint, with the witnesses' lines where there are any.
pub(crate) async fn log_checkpoint(app: Arc<App>, request: Request) -> Result<Response, Problem> {
    request.query.only(&[])?;
    served(&app)?;
    let none =
        || Problem::unavailable("no epoch is sealed yet; try again in 10 seconds").with_retry_after(10);
    let newest = app.anchors.newest().await?.ok_or_else(none)?;
    let number = newest.epoch.manifest.epoch;
    let note = match app.anchors.cosigned(number).await? {
        Some(cosigned) => cosigned,
        None => newest.epoch.checkpoint_text.clone(),
    };
    Ok(answer(note.into(), TEXT, BRIEFLY))
}

/// `GET /ledger/log/tile/...`: a tile of the anchor log, or a bundle of manifests.
pub(crate) async fn log_tile(app: Arc<App>, request: Request) -> Result<Response, Problem> {
    request.query.only(&[])?;
    served(&app)?;
    let resource = resource(request.path.first())?;
    let size = match app.anchors.newest().await? {
        Some(newest) => newest.epoch.manifest.epoch + 1,
        None => 0,
    };
    let bytes = tile(&app, "log", resource, size).await?;
    Ok(answer(bytes, BYTES, FOR_EVER))
}

/// `GET /ledger/chains/{tenant}/{shard}/tile/...`: a tile of a chain as it is sealed, or a bundle of its leaves.
pub(crate) async fn chain_tile(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&[])?;
    let chain = chain(&call)?;
    let resource = resource(call.request.path.get(2))?;
    let newest = call.app.anchors.newest().await?;
    let head = newest.as_ref().and_then(|newest| newest.head(chain));
    let size = head.map_or(0, |head| head.size);
    let bytes = tile(&call.app, &chain_folder(chain), resource, size).await?;
    Ok(answer(bytes, BYTES, PRIVATELY))
}

fn served(app: &App) -> Result<(), Problem> {
    if app.is_log_public {
        return Ok(());
    }
    Err(Problem::not_found(
        "the anchor log is not served here (`ledger.public_log`)",
    ))
}

/// The chain of the path, which must be one of a tenant of the caller.
fn chain(call: &Call) -> Result<ChainId, Problem> {
    let tenant: Uuid = call.request.path_uuid()?;
    let text = call.request.path.get(1).map_or("", String::as_str);
    let shard: Option<u32> = text.parse().ok().filter(|shard: &u32| shard.to_string() == text);
    let shard = shard.ok_or_else(|| Problem::bad_request("a part of the path is not a shard number"))?;
    // A shard's own chain belongs to no tenant, so it is for those who may see all of them.
    let is_own = if tenant.is_nil() {
        call.scope.tenants == TenantScope::All
    } else {
        call.scope.tenants.contains(tenant)
    };
    if is_own {
        Ok(ChainId { tenant, shard })
    } else {
        Err(Problem::forbidden("that tenant is not yours"))
    }
}

fn resource(path: Option<&String>) -> Result<Resource, Problem> {
    let path = path.map_or("", String::as_str);
    Resource::parse(path).ok_or_else(|| {
        Problem::bad_request(
            "this is no tile of C2SP tlog-tiles; write tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>]",
        )
    })
}

async fn tile(app: &App, folder: &str, resource: Resource, size: u64) -> Result<Bytes, Problem> {
    let missing = || Problem::not_found("a log of the newest sealed size has no such tile");
    // Tiles beyond the newest epoch may be there already, but nothing vouches for them.
    let newest_width = resource.width_at(size).filter(|width| *width >= resource.width());
    let newest_width = newest_width.ok_or_else(missing)?;
    let read = app.anchors.tiles().get(folder, resource, newest_width).await;
    let down = |error: object_store::Error| {
        tracing::warn!(%error, folder, tile = resource.path(), "anchor store failed");
        Problem::unavailable("the anchor store does not answer; try again").with_retry_after(5)
    };
    read.map_err(down)?.ok_or_else(missing)
}

fn answer(body: Bytes, content_type: HeaderValue, cache: HeaderValue) -> Response {
    let mut response = body.to_vec().into_response();
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(CACHE_CONTROL, cache);
    response
}
