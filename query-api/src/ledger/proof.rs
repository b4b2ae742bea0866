//! `GET /api/v1/audit/logs/{event_id}/proof`: a C2SP tlog-proof of the record's inclusion.
//!
//! docs/ledger-format.md, section 10, has its form.

use aal_ledger::hash::{Hash, to_hex};
use aal_ledger::merkle::{MemoryTree, prove, verify};
use aal_ledger::proof::TlogProof;
use aal_ledger::{Checkpoint, LeafView, Note, leaf_hash};
use aal_service::Problem;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::json;
use warp::reply::{Reply, Response};

use crate::app::App;
use crate::call::Call;
use crate::ledger::seal::{Seal, seal_of};
use crate::ledger::tile_reader::chain_folder;
use crate::logs::{DetailRow, Place, Placed, find_place, stored_leaf};
use crate::scope::Scope;
use crate::sql::{Sql, store_problem};

/// Longest chain that is read for one proof.
const MAX_CHAIN: u64 = 20_000_000;

#[derive(Row, Deserialize)]
struct LeafHashRow {
    leaf_hash: [u8; 32],
}

/// The paths that prove one record.
pub(crate) struct Paths {
    pub(crate) chain: Vec<Hash>,
    pub(crate) head_index: u64,
    pub(crate) head_line: String,
    pub(crate) heads: Vec<Hash>,
    pub(crate) anchor: Vec<Hash>,
}

pub(crate) async fn proof(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&[])?;
    let event_id = call.request.path_uuid()?;
    let missing = || Problem::not_found("there is no such event among those you may see");
    let place = find_place(&call.app, &call.scope, event_id).await?;
    let place = place.ok_or_else(missing)?;
    let seal = seal_of(&call.app, place).await?;
    let seal = seal.ok_or_else(|| {
        Problem::conflict("the record is appended but not sealed yet; try again in 10 seconds")
            .with_retry_after(10)
    })?;
    let text = match proof_of_tiles(&call.app, place, &seal).await? {
        Some(text) => text,
        None => {
            let leaf = stored_leaf(&call.app, place).await?.ok_or_else(missing)?;
            let record = Placed { place, leaf: &leaf };
            render(record, &seal, &paths(&call.app, record, &seal).await?)
        }
    };
    let typed = warp::reply::with_header(text, "content-type", "text/plain; charset=utf-8");
    Ok(typed.into_response())
}

/// The proof of one record as text; `None` while no epoch covers it.
pub(crate) async fn proof_text(app: &App, record: &DetailRow) -> Result<Option<String>, Problem> {
    let record = record.placed();
    let Some(seal) = seal_of(app, record.place).await? else {
        return Ok(None);
    };
    let paths = paths(app, record, &seal).await?;
    let text = render(record, &seal, &paths);
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// The proof of the sealed leaf from the anchor store alone; `None` when tiles or bundle do not have it.
///
/// ClickHouse takes longer to find one leaf among its neighbours than all of this takes, and what was sealed is what
/// there is to prove.
async fn proof_of_tiles(app: &App, place: Place, seal: &Seal) -> Result<Option<Vec<u8>>, Problem> {
    let folder = chain_folder(seal.head.chain);
    let tiles = app.anchors.tiles();
    let leaf = tiles.entry(&folder, place.chain_index, seal.head.size).await;
    let Some(leaf) = leaf.map_err(|error| unanswered(&folder, &error))? else {
        return Ok(None);
    };
    // Its place is in its hash and so in the path; the path does not know which event was asked for.
    if !LeafView::new(&leaf).is_ok_and(|view| view.event_id() == place.event_id) {
        tracing::error!(event_id = %place.event_id, folder, "the sealed leaf at this record's place is another event's");
        return Ok(None);
    }
    let record = Placed { place, leaf: &leaf };
    let Some(chain) = path_of_tiles(app, record, seal).await? else {
        return Ok(None);
    };
    let paths = with_chain_path(app, record, seal, chain).await?;
    Ok(Some(render(record, seal, &paths)))
}

fn unanswered(folder: &str, error: &object_store::Error) -> Problem {
    tracing::warn!(%error, folder, "anchor store failed");
    Problem::unavailable("the anchor store does not answer; try again").with_retry_after(5)
}

fn refuted(record: Placed<'_>, what: &str) -> Problem {
    tracing::error!(event_id = %record.place.event_id, what, "no proof for a sealed record");
    Problem::internal(format!(
        "the stored records do not give the sealed roots: {what}; run audit verify"
    ))
}

/// Builds and checks the paths from a record to the checkpoint.
pub(crate) async fn paths(app: &App, record: Placed<'_>, seal: &Seal) -> Result<Paths, Problem> {
    let chain = match path_of_tiles(app, record, seal).await? {
        Some(path) => path,
        None => {
            let path = path_of_records(app, record, seal).await?;
            path.map_err(|what| refuted(record, what))?
        }
    };
    with_chain_path(app, record, seal, chain).await
}

/// The rest of the way: from the chain's head to the checkpoint.
async fn with_chain_path(
    app: &App,
    record: Placed<'_>,
    seal: &Seal,
    chain: Vec<Hash>,
) -> Result<Paths, Problem> {
    let refuted = |what| refuted(record, what);
    let text = seal.newest.heads.to_text();
    let start = format!("chain {} ", seal.head.chain);
    let found = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.starts_with(&start));
    let Some((line_index, line)) = found else {
        return Err(refuted("the chain has no head"));
    };
    let head_tree: MemoryTree = seal.newest.heads.line_hashes().collect();
    let Ok(heads) = prove::inclusion(&head_tree, line_index as u64, head_tree.size()) else {
        return Err(refuted("the head is outside the heads"));
    };
    let epoch = seal.newest.epoch.manifest.epoch;
    let anchor = app.anchors.path_of(epoch).await?;
    let note = Note::parse(seal.newest.epoch.checkpoint_text.as_bytes())
        .map_err(|_| refuted("the checkpoint is malformed"))?;
    let checkpoint =
        Checkpoint::parse_text(&note.text).map_err(|_| refuted("the checkpoint is malformed"))?;
    let manifest_hash = leaf_hash(seal.newest.epoch.manifest_text.as_bytes());
    verify::inclusion(checkpoint.size, epoch, &manifest_hash, &anchor, &checkpoint.root)
        .map_err(|_| refuted("the anchor log's root differs"))?;
    Ok(Paths {
        chain,
        head_index: line_index as u64,
        head_line: line.to_owned(),
        heads,
        anchor,
    })
}

/// The path in the record's chain from the chain's tiles; `None` when they are not there or do not lead to the root.
async fn path_of_tiles(app: &App, record: Placed<'_>, seal: &Seal) -> Result<Option<Vec<Hash>>, Problem> {
    let (index, size) = (record.place.chain_index, seal.head.size);
    let folder = chain_folder(seal.head.chain);
    let read = app.anchors.tiles().inclusion(&folder, index, size).await;
    let path = read.map_err(|error| unanswered(&folder, &error))?;
    let Some(path) = path else {
        tracing::warn!(
            folder,
            index,
            size,
            "tiles are missing; the chain's records are read"
        );
        return Ok(None);
    };
    match verify::inclusion(size, index, &leaf_hash(record.leaf), &path, &seal.head.root) {
        Ok(()) => Ok(Some(path)),
        Err(error) => {
            tracing::error!(folder, index, size, %error, "tiles do not lead from the record to the sealed root");
            Ok(None)
        }
    }
}

/// The same path from the leaf hashes of the whole chain as they are stored.
async fn path_of_records(
    app: &App,
    record: Placed<'_>,
    seal: &Seal,
) -> Result<Result<Vec<Hash>, &'static str>, Problem> {
    let (index, size) = (record.place.chain_index, seal.head.size);
    let tree = chain_tree(app, record.place, size).await?;
    if tree.size() != size {
        return Ok(Err("records are missing"));
    }
    let Ok(path) = prove::inclusion(&tree, index, size) else {
        return Ok(Err("the record is outside its chain"));
    };
    let checked = verify::inclusion(size, index, &leaf_hash(record.leaf), &path, &seal.head.root);
    Ok(checked.map(|()| path).map_err(|_| "the chain's root differs"))
}

/// The tree over the first `size` leaf hashes of the record's chain.
async fn chain_tree(app: &App, place: Place, size: u64) -> Result<MemoryTree, Problem> {
    if size > MAX_CHAIN {
        return Err(Problem::unavailable(
            "the chain is too long for a proof on demand; make an evidence bundle",
        ));
    }
    // Not the caller's records but the hashes of the whole chain, which reveal nothing of them.
    let scope = Scope::of_chain(place.tenant);
    let mut sql = Sql::new("SELECT leaf_hash");
    sql.records(&scope)
        .push(" AND shard = ? AND chain_index < ? ORDER BY chain_index")
        .bind_u64(u64::from(place.shard))
        .bind_u64(size);
    let reading = async {
        let mut rows = app.cursor::<LeafHashRow>(sql)?;
        let mut tree = MemoryTree::new();
        while let Some(row) = rows.next().await.map_err(|error| store_problem(&error))? {
            tree.append(row.leaf_hash);
        }
        Ok(tree)
    };
    let late = |_| Problem::unavailable("reading the chain took too long; try again").with_retry_after(5);
    tokio::time::timeout(app.query_timeout() * 3, reading)
        .await
        .map_err(late)?
}

fn render(record: Placed<'_>, seal: &Seal, paths: &Paths) -> Vec<u8> {
    let hex = |hashes: &[Hash]| hashes.iter().map(to_hex).collect::<Vec<_>>();
    let extra = json!({
        "format": "aal-record-path/v1",
        "leaf": STANDARD.encode(record.leaf),
        "chain": {"id": seal.head.chain.to_string(), "index": record.place.chain_index, "size": seal.head.size,
                  "path": hex(&paths.chain)},
        "head": {"line": paths.head_line, "index": paths.head_index, "size": seal.newest.heads.line_count(),
                 "path": hex(&paths.heads)},
        "manifest": seal.newest.epoch.manifest_text,
    });
    let proof = TlogProof {
        extra: Some(extra.to_string().into_bytes()),
        index: seal.newest.epoch.manifest.epoch,
        hashes: paths.anchor.clone(),
        checkpoint: seal.newest.epoch.checkpoint_text.clone().into_bytes(),
    };
    proof.to_bytes()
}
