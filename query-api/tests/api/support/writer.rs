//! Writes records as the processor does: parse, price, redact, seal, chain, insert.

use std::collections::HashMap;

use aal_event::{Event, Kind, Outcome};
use aal_ledger::{ChainId, Hash, NoteSigner};
use aal_record::{Draft, Pipeline, Place, draft_event, owners};
use aal_seal::KeyRing;
use aal_sealer::{Anchor, LeafSource, Sealer, SealerSettings, StoredLeaf};
use aal_store::{RecordRow, Store};
use async_trait::async_trait;
use processor::keys::Keys;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NOW_US, ORIGIN, Rig};

/// A chat call as an application sends it.
pub fn event(number: u128, application: &str, session: &str, user: &str, text: &str) -> Value {
    json!({
        "event_id": Uuid::from_u128(0x0199_1111_0000_7000_8000_0000_0000_0000 + number),
        "occurred_at": "2026-01-01T10:00:00Z", "application": application, "environment": "test",
        "decision_type": "chat", "session_id": session, "user_id": user, "provider": "openai",
        "operation": "chat",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions",
                    "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}},
        "response": {"status": 200, "content_type": "application/json", "body": {
            "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": "Understood."}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}}},
        "timing": {"duration_ms": 250, "first_token_ms": 80},
    })
}

pub struct Writer {
    pipeline: Pipeline,
    ring: KeyRing,
    keys: Keys,
    store: Store,
    chains: HashMap<(Uuid, u32), (u64, Hash)>,
    blocks: HashMap<u32, u64>,
    offsets: HashMap<u32, u64>,
    leaves: Vec<StoredLeaf>,
}

impl Writer {
    pub fn new(rig: &Rig) -> Self {
        let ring = || KeyRing::parse(&rig.ring.to_text()).unwrap();
        Self {
            pipeline: Pipeline::builtin(),
            keys: Keys::new(
                rig.control.clone(),
                aal_keys::Keys::of_ring(rig.control.clone(), ring()),
            ),
            ring: ring(),
            store: rig.store.clone(),
            chains: HashMap::new(),
            blocks: HashMap::new(),
            offsets: HashMap::new(),
            leaves: Vec::new(),
        }
    }

    /// Stores events of applications as one block.
    pub async fn events(&mut self, shard: u32, tenant: Uuid, events: Vec<Value>) {
        let events = events
            .into_iter()
            .map(|value| {
                let mut event = aal_event::parse_json(value).unwrap();
                event.tenant = tenant;
                event.edge_at_us = Some(NOW_US);
                event
            })
            .collect();
        self.store(shard, events).await;
    }

    pub async fn outcome(&mut self, shard: u32, tenant: Uuid, number: u128, target: &str, flag: bool) {
        let outcome = Outcome {
            target_event_id: target.parse().unwrap(),
            outcome: "declined".to_owned(),
            reviewer: Some("reviewer-1".to_owned()),
            r#override: true,
            flag,
            note: Some("looked wrong".to_owned()),
        };
        let event = Event {
            kind: Kind::Outcome,
            event_id: Uuid::from_u128(number),
            tenant,
            application: "loans".to_owned(),
            edge_at_us: Some(NOW_US + 1),
            outcome: Some(outcome),
            ..Event::default()
        };
        self.store(shard, vec![event]).await;
    }

    /// Stores any events as one block.
    pub async fn store(&mut self, shard: u32, events: Vec<Event>) {
        let block = *self.blocks.entry(shard).or_insert(0);
        let mut rows = Vec::new();
        for (row, event) in events.iter().enumerate() {
            let draft = self.draft(event).await;
            let (index, previous) = self
                .chains
                .get(&(event.tenant, shard))
                .copied()
                .unwrap_or((0, [0; 32]));
            let offset = self.offsets.entry(shard).or_insert(0);
            let place = Place {
                shard,
                partition: shard,
                block,
                block_row: row as u32,
                block_month: 202_601,
                offset: *offset,
                chain_index: index,
                prev_leaf_hash: previous,
            };
            *offset += 1;
            let record = draft
                .place(aal_ledger::hash::topic_hash(aal_kafka::EVENTS), place)
                .unwrap();
            self.chains
                .insert((event.tenant, shard), (index + 1, record.leaf_hash));
            self.leaves.push(StoredLeaf {
                shard,
                block,
                row: row as u32,
                tenant: event.tenant,
                chain_index: index,
                leaf_hash: record.leaf_hash.to_vec(),
                leaf: record.leaf.clone(),
                header: record.header_text.clone().into_bytes(),
            });
            rows.push(RecordRow::project(record).unwrap());
        }
        self.store.insert_block(&rows, 0).await.unwrap();
        self.blocks.insert(shard, block + 1);
    }

    async fn draft(&self, event: &Event) -> Draft {
        let owners = owners(event);
        let wanted = [(event.tenant, owners.content), (event.tenant, owners.user)];
        let keys = self.keys.subject_keys(&wanted, NOW_US).await.unwrap();
        let index = self.ring.tenant_index_key(event.tenant);
        draft_event(&self.pipeline, event, &index, &keys[0], &keys[1], NOW_US)
    }

    /// Seals what is stored and not sealed yet as the next epoch.
    pub async fn seal(&self, rig: &Rig) {
        let url = format!("file://{}", rig.path("anchors").display());
        let anchor = Anchor::new(aal_service::objects::open(&url).unwrap(), "");
        let signer = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
        let source = Memory(self.leaves.clone());
        let mut sealer = Sealer::load(anchor, source, signer, SealerSettings::new(ORIGIN))
            .await
            .unwrap();
        let epoch = sealer
            .last_manifest()
            .map_or(0, |manifest| manifest.epoch as i64 + 1);
        let sealed = sealer.seal(NOW_US + 10_000_000 * (epoch + 1)).await.unwrap();
        assert!(sealed.refused.is_empty(), "{:?}", sealed.refused);
    }
}

struct Memory(Vec<StoredLeaf>);

#[async_trait]
impl LeafSource for Memory {
    type Error = std::io::Error;

    async fn incarnation(&self) -> Result<Uuid, Self::Error> {
        Ok(Uuid::from_u128(1))
    }

    async fn shards(&self) -> Result<Vec<u32>, Self::Error> {
        let mut shards: Vec<u32> = self.0.iter().map(|leaf| leaf.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        Ok(shards)
    }

    async fn leaves(&self, shard: u32, from_block: u64, _: usize) -> Result<Vec<StoredLeaf>, Self::Error> {
        let wanted = |leaf: &&StoredLeaf| leaf.shard == shard && leaf.block >= from_block;
        Ok(self.0.iter().filter(wanted).cloned().collect())
    }

    async fn leaf_hashes(&self, chain: ChainId, from: u64, most: usize) -> Result<Vec<Hash>, Self::Error> {
        let of_chain = |leaf: &&StoredLeaf| {
            leaf.tenant == chain.tenant && leaf.shard == chain.shard && leaf.chain_index >= from
        };
        let hashes = self.0.iter().filter(of_chain).take(most);
        Ok(hashes
            .map(|leaf| leaf.leaf_hash.clone().try_into().unwrap())
            .collect())
    }

    async fn chain_leaves(
        &self,
        chain: ChainId,
        from: u64,
        most: usize,
    ) -> Result<Vec<Vec<u8>>, Self::Error> {
        let of_chain = |leaf: &&StoredLeaf| {
            leaf.tenant == chain.tenant && leaf.shard == chain.shard && leaf.chain_index >= from
        };
        let leaves = self.0.iter().filter(of_chain).take(most);
        Ok(leaves.map(|leaf| leaf.leaf.clone()).collect())
    }
}
