//! A bundle's archive taken apart and put together again (docs/evidence-bundle.md section 1), without the product's
//! own reader and writer: what they refuse to make must be makeable here.

use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::jcs;
use serde_json::json;

const BLOCK: usize = 512;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub data: Vec<u8>,
}

/// Members of a well-formed archive; stops where it is not.
pub fn split(bytes: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    let mut rest = bytes;
    while let Some((header, behind)) = rest.split_at_checked(BLOCK) {
        let name: Vec<u8> = header[..100]
            .iter()
            .copied()
            .take_while(|byte| *byte != 0)
            .collect();
        let size = std::str::from_utf8(&header[124..135]).ok();
        let size = size.and_then(|text| usize::from_str_radix(text, 8).ok());
        let (Some(size), false) = (size, name.is_empty()) else {
            break;
        };
        let Some(data) = behind.get(..size) else { break };
        members.push(Member {
            name: String::from_utf8_lossy(&name).into_owned(),
            data: data.to_vec(),
        });
        rest = behind.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
    }
    members
}

/// The archive of these members.
pub fn pack(members: &[Member]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        bytes.extend_from_slice(&header(member));
        bytes.extend_from_slice(&member.data);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

fn header(member: &Member) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    let name = member.name.as_bytes();
    put(0, &name[..name.len().min(100)]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", member.data.len()).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Writes `manifest.json` anew, with digests, sizes and counts as they are now.
pub fn rebook(members: &mut Vec<Member>) {
    members.retain(|member| member.name != "manifest.json");
    let of = |prefix: &'static str| {
        members
            .iter()
            .filter(move |member| member.name.starts_with(prefix))
    };
    let entries: Vec<super::edits::Entry> = of("records/")
        .flat_map(|member| super::edits::entries(&member.data))
        .collect();
    let lines = |name: &'static str| {
        of(name)
            .map(|member| {
                member
                    .data
                    .split(|byte| *byte == b'\n')
                    .filter(|line| contains(line, b"chain "))
                    .count()
            })
            .sum::<usize>()
    };
    let counts = json!({
        "chains": lines("heads/last"),
        "ciphertexts": entries.iter().map(|entry| entry.ciphertexts).sum::<usize>(),
        "leaves": entries.len(),
        "manifests": of("manifests/").map(|member| packed(&member.data).len()).sum::<usize>(),
        "matched": entries.iter().filter(|entry| entry.flags == 1).count(),
        "openings": entries.iter().map(|entry| entry.openings).sum::<usize>(),
    });
    let digests: Vec<_> = members
        .iter()
        .map(|member| json!({"name": member.name, "sha256": to_hex(&sha256(&member.data)), "size": member.data.len()}))
        .collect();
    let books = json!({"counts": counts, "format": "aal-bundle-manifest/v1", "members": digests});
    members.push(Member {
        name: "manifest.json".to_owned(),
        data: jcs::to_vec(&books).expect("small numbers only"),
    });
}

/// Items behind 16-bit lengths.
pub fn packed(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    let mut rest = bytes;
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let Some((item, next)) = behind.split_at_checked(usize::from(u16::from_be_bytes(*len))) else {
            break;
        };
        items.push(item.to_vec());
        rest = next;
    }
    items
}

fn contains(text: &[u8], piece: &[u8]) -> bool {
    text.windows(piece.len()).any(|window| window == piece)
}
