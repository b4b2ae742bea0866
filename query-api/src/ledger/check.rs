//! `POST /api/v1/verify`: every check of one record, each with its own verdict.

use aal_ledger::hash::{ciphertext_hash, plaintext_commitment, sha256, to_hex};
use aal_ledger::{Checkpoint, CommittedSlots, Leaf, leaf_hash};
use aal_record::{SLOT_ATTRIBUTES, SLOT_REQUEST, SLOT_RESPONSE, SLOT_SEARCH};
use aal_service::Problem;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::app::App;
use crate::call::{Call, json};
use crate::ledger::proof::paths;
use crate::ledger::seal::{Seal, seal_of};
use crate::logs::{DetailRow, find_record};
use crate::scope::Scope;
use crate::sql::Sql;

#[derive(Row, Deserialize)]
struct Neighbour {
    chain_index: u64,
    prev_leaf_hash: [u8; 32],
    leaf_hash: [u8; 32],
}

#[derive(Row, Deserialize)]
struct Salts {
    template_slots: Vec<u16>,
    template_salts: Vec<[u8; 32]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Fail,
    Unproven,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unproven => "unproven",
        }
    }
}

#[derive(Default)]
struct Checks(Vec<(&'static str, Verdict, String)>);

impl Checks {
    fn add(&mut self, name: &'static str, holds: bool, detail: impl Into<String>) {
        self.0.push((
            name,
            if holds { Verdict::Pass } else { Verdict::Fail },
            detail.into(),
        ));
    }

    fn unproven(&mut self, name: &'static str, detail: impl Into<String>) {
        self.0.push((name, Verdict::Unproven, detail.into()));
    }

    /// One failure refutes; without one, one open question leaves it unproven.
    fn verdict(&self) -> Verdict {
        let any = |wanted| self.0.iter().any(|(_, verdict, _)| *verdict == wanted);
        if any(Verdict::Fail) {
            Verdict::Fail
        } else if self.0.is_empty() || any(Verdict::Unproven) {
            Verdict::Unproven
        } else {
            Verdict::Pass
        }
    }

    fn to_json(&self) -> Value {
        let checks: Vec<Value> = self
            .0
            .iter()
            .map(|(name, verdict, detail)| json!({"name": name, "verdict": verdict.name(), "detail": detail}))
            .collect();
        json!({"verdict": self.verdict().name(), "checks": checks})
    }
}

pub(super) async fn check_record(call: &Call, event_id: Uuid) -> Result<Response, Problem> {
    let app = &call.app;
    let record = find_record(app, &call.scope, event_id)
        .await?
        .ok_or_else(|| Problem::not_found("there is no such event among those you may see"))?;
    let mut checks = Checks::default();
    if let Some(leaf) = check_leaf(&record, &mut checks) {
        check_contents(app, &record, &leaf, &mut checks).await?;
    }
    check_links(app, &record, &mut checks).await?;
    match seal_of(app, record.placed().place).await? {
        Some(seal) => check_seal(app, &record, &seal, &mut checks).await,
        None => checks.unproven(
            "inclusion",
            "no epoch covers this record yet; it is sealed within seconds",
        ),
    }
    let mut answer = checks.to_json();
    answer["event_id"] = json!(record.event_id);
    json(&answer)
}

fn check_leaf(record: &DetailRow, checks: &mut Checks) -> Option<Leaf> {
    let found = leaf_hash(&record.leaf);
    checks.add(
        "leaf hash",
        found == record.leaf_hash,
        format!("re-hashed leaf: {}", to_hex(&found)),
    );
    let leaf = match Leaf::decode(&record.leaf) {
        Ok(leaf) => leaf,
        Err(error) => {
            checks.add("leaf form", false, error.to_string());
            return None;
        }
    };
    let place = leaf.tenant == record.tenant
        && leaf.shard == record.shard
        && leaf.index == record.chain_index
        && leaf.event_id == record.event_id
        && leaf.prev_leaf_hash == record.prev_leaf_hash;
    checks.add(
        "leaf place",
        place,
        format!("chain {}/{} index {}", leaf.tenant, leaf.shard, leaf.index),
    );
    let header_hash = sha256(record.header.as_bytes());
    checks.add(
        "header",
        header_hash == leaf.header_hash,
        format!("re-hashed header: {}", to_hex(&header_hash)),
    );
    Some(leaf)
}

async fn check_contents(
    app: &App,
    record: &DetailRow,
    leaf: &Leaf,
    checks: &mut Checks,
) -> Result<(), Problem> {
    let mut sql = Sql::new("SELECT template_slots, template_salts");
    sql.records(&Scope::of_chain(record.tenant))
        .push(" AND shard = ? AND chain_index = ? LIMIT 1")
        .bind_u64(u64::from(record.shard))
        .bind_u64(record.chain_index);
    let salts: Option<Salts> = app.row(sql).await?;
    let salts = salts
        .map(|salts| salts.template_slots.into_iter().zip(salts.template_salts))
        .into_iter()
        .flatten();
    let salts: Vec<(u16, [u8; 32])> = salts.collect();
    let header: Value = serde_json::from_str(&record.header).unwrap_or_default();
    let committed = CommittedSlots::read(header.get("content"), header.get("committed_slots"));
    let (mut good, mut bad, mut absent) = (0, Vec::new(), 0);
    for slot in &leaf.slots {
        let holds = if slot.aead == 0 {
            let salt = salts.iter().find(|(number, _)| *number == slot.slot);
            salt.map(|(_, salt)| plaintext_commitment(salt, template(record, slot.slot)) == slot.pt_commit)
        } else {
            let position = record.sealed_slots.iter().position(|number| *number == slot.slot);
            let value = position.and_then(|position| record.sealed_values.get(position));
            value.map(|value| ciphertext_hash(slot.aead, value) == slot.ct_hash)
        };
        match holds {
            Some(true) => good += 1,
            Some(false) => bad.push(slot.slot),
            // The record's policy keeps a commitment only.
            None if slot.aead == 0 && committed.contains(slot.slot) => {}
            None => absent += 1,
        }
    }
    let detail = format!(
        "{good} slots match, {} differ {bad:?}, {absent} are not stored",
        bad.len()
    );
    if bad.is_empty() && absent > 0 {
        checks.unproven("texts and sealed values", detail);
    } else {
        checks.add("texts and sealed values", bad.is_empty(), detail);
    }
    Ok(())
}

fn template(record: &DetailRow, slot: u16) -> &[u8] {
    match slot {
        SLOT_REQUEST => record.request_body.as_bytes(),
        SLOT_RESPONSE => record.response_body.as_bytes(),
        SLOT_SEARCH => record.search_text.as_bytes(),
        SLOT_ATTRIBUTES => record.attributes.as_bytes(),
        _ => &[],
    }
}

async fn check_links(app: &App, record: &DetailRow, checks: &mut Checks) -> Result<(), Problem> {
    let index = record.chain_index;
    let mut sql = Sql::new("SELECT chain_index, prev_leaf_hash, leaf_hash");
    sql.records(&Scope::of_chain(record.tenant))
        .push(" AND shard = ? AND chain_index >= ? AND chain_index <= ? ORDER BY chain_index LIMIT 10")
        .bind_u64(u64::from(record.shard))
        .bind_u64(index.saturating_sub(1))
        .bind_u64(index + 1);
    let rows: Vec<Neighbour> = app.rows(sql).await?;
    let at = |wanted: u64| rows.iter().find(|row| row.chain_index == wanted);
    let single = rows.iter().filter(|row| row.chain_index == index).count() == 1;
    checks.add("index", single, format!("index {index} is stored once"));
    match (index, index.checked_sub(1).and_then(at)) {
        (0, _) => checks.add(
            "link to the record before",
            record.prev_leaf_hash == [0; 32],
            "first of its chain",
        ),
        (_, Some(before)) => {
            let links = before.leaf_hash == record.prev_leaf_hash;
            checks.add("link to the record before", links, format!("index {}", index - 1));
        }
        (_, None) => checks.add(
            "link to the record before",
            false,
            format!("index {} is missing", index - 1),
        ),
    }
    match at(index + 1) {
        Some(after) => {
            let links = after.prev_leaf_hash == record.leaf_hash;
            checks.add(
                "link from the record after",
                links,
                format!("index {}", index + 1),
            );
        }
        None => checks.add(
            "link from the record after",
            true,
            "it is the last of its chain as stored",
        ),
    }
    Ok(())
}

async fn check_seal(app: &App, record: &DetailRow, seal: &Seal, checks: &mut Checks) {
    let manifest = &seal.newest.epoch.manifest;
    match paths(app, record.placed(), seal).await {
        Ok(_) => {
            let detail = format!(
                "in the tree of {} records that epoch {} sealed; its manifest is in the anchor log",
                seal.head.size, manifest.epoch
            );
            checks.add("inclusion", true, detail);
        }
        Err(problem) => checks.add("inclusion", false, problem.detail),
    }
    let Some(trust) = &app.trust else {
        checks.unproven(
            "checkpoint signature",
            "no trust policy is configured (`trust.policy`)",
        );
        return;
    };
    let keys = trust.log_keys_for(manifest.epoch + 1);
    match Checkpoint::open(seal.newest.epoch.checkpoint_text.as_bytes(), &trust.origin, &keys) {
        Ok((checkpoint, signers)) => {
            let names: Vec<&str> = signers.iter().map(|key| key.name()).collect();
            let fits = checkpoint.size == manifest.epoch + 1;
            checks.add(
                "checkpoint signature",
                fits,
                format!("signed by {}", names.join(", ")),
            );
        }
        Err(error) => checks.add("checkpoint signature", false, error.to_string()),
    }
}
