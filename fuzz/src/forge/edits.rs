//! Edits of members that keep the form where a forger would.

#![allow(
    clippy::ptr_arg,
    reason = "every edit has the signature of `Edit`, whether it changes the number of members or not"
)]

use aal_ledger::hash::sha256;
use aal_ledger::{Leaf, jcs, leaf_hash};
use serde_json::{Value, json};

use super::archive::{Member, packed};
use crate::mutate::Mutator;

/// Changes members in place; says what it did.
pub type Edit = fn(&mut Mutator, &mut Vec<Member>, &[Member]) -> String;

/// All edits by name.
pub const EDITS: &[(&str, Edit)] = &[
    ("bytes of one member", member_bytes),
    ("a member dropped", drop_member),
    ("a member twice", double_member),
    ("two members' contents swapped", swap_members),
    ("members reordered", reorder),
    ("a member of another bundle", transplant),
    ("records dropped, doubled or swapped", shuffle_records),
    ("a header rewritten and hashed again", rewrite_header),
    ("a chain linked again from one leaf on", relink),
    ("a leaf's field rewritten", rewrite_leaf),
    ("manifests dropped or swapped", shuffle_manifests),
    ("lines dropped, doubled or swapped", shuffle_lines),
    ("scope rewritten", rewrite_scope),
    ("a flag turned", turn_flag),
];

/// One record entry, only as far as edits need it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub flags: u8,
    pub leaf: Vec<u8>,
    pub header: Vec<u8>,
    pub openings: usize,
    pub ciphertexts: usize,
    /// Everything behind the header.
    rest: Vec<u8>,
}

/// The entries of a records member; stops where they are malformed.
pub fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some((len, behind)) = rest.split_first_chunk::<4>() {
        let Some((inner, next)) = behind.split_at_checked(u32::from_be_bytes(*len) as usize) else {
            break;
        };
        let Some(entry) = entry(inner) else { break };
        found.push(entry);
        rest = next;
    }
    found
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let (flags, rest) = bytes.split_first()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let (leaf, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (header, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
    let (openings, mut cursor) = rest.split_first_chunk::<2>()?;
    let openings = usize::from(u16::from_be_bytes(*openings));
    for _ in 0..openings {
        let (len, behind) = cursor.get(34..)?.split_first_chunk::<4>()?;
        cursor = behind.get(u32::from_be_bytes(*len) as usize..)?;
    }
    let ciphertexts = usize::from(u16::from_be_bytes(*cursor.first_chunk::<2>()?));
    Some(Entry {
        flags: *flags,
        leaf: leaf.to_vec(),
        header: header.to_vec(),
        openings,
        ciphertexts,
        rest: rest.to_vec(),
    })
}

fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let mut inner = vec![entry.flags];
        inner.extend_from_slice(&(entry.leaf.len() as u16).to_be_bytes());
        inner.extend_from_slice(&entry.leaf);
        inner.extend_from_slice(&(entry.header.len() as u32).to_be_bytes());
        inner.extend_from_slice(&entry.header);
        inner.extend_from_slice(&entry.rest);
        bytes.extend_from_slice(&(inner.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&inner);
    }
    bytes
}

fn with_records(
    mutator: &mut Mutator,
    members: &mut [Member],
    change: impl FnOnce(&mut Mutator, &mut Vec<Entry>) -> String,
) -> String {
    let Some(member) = members.iter_mut().find(|member| member.name == "records/000000") else {
        return "there are no records".to_owned();
    };
    let mut all = entries(&member.data);
    let what = if all.is_empty() {
        "there are none".to_owned()
    } else {
        change(mutator, &mut all)
    };
    member.data = encode(&all);
    what
}

fn member_bytes(mutator: &mut Mutator, members: &mut Vec<Member>, other: &[Member]) -> String {
    let at = mutator.below(members.len());
    let splice = &other[mutator.below(other.len())].data;
    mutator.mutate(&mut members[at].data, splice);
    members[at].name.clone()
}

fn drop_member(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    members.remove(mutator.below(members.len())).name
}

fn double_member(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    let mut copy = members[mutator.below(members.len())].clone();
    if mutator.below(2) == 0 {
        copy.name = copy.name.replace("000000", "000001");
    }
    let name = copy.name.clone();
    members.insert(mutator.below(members.len() + 1), copy);
    name
}

fn swap_members(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    let (a, b) = (mutator.below(members.len()), mutator.below(members.len()));
    let data = members[a].data.clone();
    members[a].data = std::mem::replace(&mut members[b].data, data);
    format!("{} and {}", members[a].name, members[b].name)
}

fn reorder(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    let moved = members.remove(mutator.below(members.len()));
    let name = moved.name.clone();
    members.insert(mutator.below(members.len() + 1), moved);
    name
}

fn transplant(mutator: &mut Mutator, members: &mut Vec<Member>, other: &[Member]) -> String {
    let taken = other[mutator.below(other.len())].clone();
    let name = taken.name.clone();
    match members.iter_mut().find(|member| member.name == name) {
        Some(member) => *member = taken,
        None => members.insert(mutator.below(members.len() + 1), taken),
    }
    name
}

fn shuffle_records(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    with_records(mutator, members, shuffle)
}

fn shuffle<T: Clone>(mutator: &mut Mutator, all: &mut Vec<T>) -> String {
    let (a, b) = (mutator.below(all.len()), mutator.below(all.len()));
    match mutator.below(4) {
        0 => drop(all.remove(a)),
        1 => all.insert(b, all[a].clone()),
        2 => all.swap(a, b),
        _ => all.truncate(a),
    }
    format!("{a} {b}")
}

fn rewrite_header(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    with_records(mutator, members, |mutator, all| {
        let at = mutator.below(all.len());
        change_header(mutator, &mut all[at]);
        format!("record {at}")
    })
}

fn change_header(mutator: &mut Mutator, entry: &mut Entry) {
    let Ok(mut header) = jcs::parse_canonical(&entry.header) else {
        return;
    };
    let (name, value) = match mutator.below(6) {
        0 => ("model", json!("model-x")),
        1 => ("kind", json!("outcome")),
        2 => ("edge_at_us", json!(1)),
        3 => ("content", json!("digest")),
        4 => ("first_offset", json!(0)),
        _ => ("event_id", json!("00000000-0000-0000-0000-000000000001")),
    };
    header[name] = value;
    entry.header = jcs::to_vec(&header).unwrap_or_default();
    if let Ok(mut leaf) = Leaf::decode(&entry.leaf) {
        leaf.header_hash = sha256(&entry.header);
        entry.leaf = leaf.encode().unwrap_or_default();
    }
}

/// The header of one record is changed and every later leaf of its chain linked again, so only the heads tell.
fn relink(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    with_records(mutator, members, |mutator, all| {
        let at = mutator.below(all.len());
        change_header(mutator, &mut all[at]);
        let Ok(first) = Leaf::decode(&all[at].leaf) else {
            return "not linked".to_owned();
        };
        let mut previous = leaf_hash(&all[at].leaf);
        for entry in &mut all[at + 1..] {
            let Ok(mut leaf) = Leaf::decode(&entry.leaf) else {
                break;
            };
            if (leaf.tenant, leaf.shard) != (first.tenant, first.shard) {
                break;
            }
            leaf.prev_leaf_hash = previous;
            entry.leaf = leaf.encode().unwrap_or_default();
            previous = leaf_hash(&entry.leaf);
        }
        format!("record {at}")
    })
}

fn rewrite_leaf(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    with_records(mutator, members, |mutator, all| {
        let at = mutator.below(all.len());
        let Ok(mut leaf) = Leaf::decode(&all[at].leaf) else {
            return "no leaf".to_owned();
        };
        let field = mutator.below(8);
        match field {
            0 => leaf.t_edge_us -= 3_600_000_000,
            1 => leaf.t_source_us = 0,
            2 => leaf.offset += 1,
            3 => leaf.shard ^= 1,
            4 => leaf.tenant = uuid::Uuid::from_u128(2),
            5 => leaf.event_id = uuid::Uuid::from_u128(9),
            6 => leaf.pipeline_hash = [1; 32],
            _ => leaf.slots.truncate(1),
        }
        all[at].leaf = leaf.encode().unwrap_or_default();
        format!("record {at}, field {field}")
    })
}

fn shuffle_manifests(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    let Some(member) = members
        .iter_mut()
        .find(|member| member.name == "manifests/000000")
    else {
        return "there are none".to_owned();
    };
    let mut all = packed(&member.data);
    if all.is_empty() {
        return "there are none".to_owned();
    }
    let what = shuffle(mutator, &mut all);
    let item = |item: &Vec<u8>| [&(item.len() as u16).to_be_bytes()[..], item].concat();
    member.data = all.iter().flat_map(item).collect();
    what
}

/// Lines of heads, frontiers, proofs and notes.
fn shuffle_lines(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    let is_text = |name: &str| {
        ["heads/", "frontiers", "log/tip.proof", "checkpoints/"]
            .iter()
            .any(|one| name.starts_with(one))
    };
    let mut texts: Vec<&mut Member> = members
        .iter_mut()
        .filter(|member| is_text(&member.name) && !member.data.is_empty())
        .collect();
    if texts.is_empty() {
        return "there are none".to_owned();
    }
    let at = mutator.below(texts.len());
    let member = &mut texts[at];
    let mut lines: Vec<Vec<u8>> = member
        .data
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let what = shuffle(mutator, &mut lines);
    member.data = lines.concat();
    format!("{} {what}", member.name)
}

fn rewrite_scope(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    let Some(member) = members.iter_mut().find(|member| member.name == "scope.json") else {
        return "there is none".to_owned();
    };
    let Ok(mut scope) = jcs::parse_canonical(&member.data) else {
        return "it is none".to_owned();
    };
    let number = |value: &Value, by: i64| json!(value.as_i64().unwrap_or(0) + by);
    let what = match mutator.below(8) {
        0 => ("from_us", number(&scope["from_us"], 10_000_001)),
        1 => ("to_us", number(&scope["from_us"], 1)),
        2 => ("tenant", json!("00000000-0000-0000-0000-000000000001")),
        3 => ("origin", json!("audit.example.com/other")),
        4 => ("filter", json!({"model": "model-b"})),
        5 => (
            "disclosure",
            json!({"ciphertexts": mutator.below(2) == 0, "templates": false}),
        ),
        6 => {
            let name = ["base_epoch", "last_epoch", "tip_epoch"][mutator.below(3)];
            let mut range = scope["range"].clone();
            range[name] = number(&range[name], if mutator.below(2) == 0 { 1 } else { -1 });
            ("range", range)
        }
        _ => ("filter_text", json!("other words")),
    };
    scope[what.0] = what.1;
    member.data = jcs::to_vec(&scope).unwrap_or_default();
    what.0.to_owned()
}

fn turn_flag(mutator: &mut Mutator, members: &mut Vec<Member>, _: &[Member]) -> String {
    with_records(mutator, members, |mutator, all| {
        let at = mutator.below(all.len());
        all[at].flags ^= 1;
        if all[at].flags == 0 && mutator.below(2) == 0 {
            all[at].rest = vec![0; 4];
        }
        format!("record {at}")
    })
}
