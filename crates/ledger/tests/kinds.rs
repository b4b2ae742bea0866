//! One golden leaf and header of every kind. They were encoded by another program from docs/ledger-format.md alone;
//! a difference here is a new version of the format, not a new golden file.

use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::{Kind, Leaf, jcs, leaf_hash};
use serde_json::Value;

struct Golden<'t> {
    kind: &'t str,
    header: &'t str,
    leaf: Vec<u8>,
    hash: &'t str,
}

fn golden() -> Vec<Golden<'static>> {
    let member = |line: Option<&'static str>, name: &str| {
        let line = line.unwrap_or_else(|| panic!("{name} is missing"));
        line.strip_prefix(name).unwrap().strip_prefix(' ').unwrap()
    };
    let records = include_str!("golden/leaf-v1-kinds.txt").split("\n\n");
    let parse = |record: &'static str| {
        let mut lines = record.lines();
        Golden {
            kind: member(lines.next(), "kind"),
            header: member(lines.next(), "header"),
            leaf: hex::decode(member(lines.next(), "leaf")).unwrap(),
            hash: member(lines.next(), "hash"),
        }
    };
    records.map(parse).collect()
}

#[test]
fn every_kind_has_its_golden_bytes() {
    let golden = golden();
    let names: Vec<&str> = golden.iter().map(|golden| golden.kind).collect();
    assert_eq!(names, Kind::ALL.map(Kind::name));
    for (
        number,
        Golden {
            kind,
            header,
            leaf,
            hash,
        },
    ) in (1..).zip(golden)
    {
        let decoded = Leaf::decode(&leaf).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!((decoded.kind.name(), decoded.kind.as_u8()), (kind, number));
        assert_eq!(decoded.encode().unwrap(), leaf, "{kind}");
        assert_eq!(to_hex(&leaf_hash(&leaf)), hash, "{kind}");
        assert_eq!(sha256(header.as_bytes()), decoded.header_hash, "{kind}");
        let parsed =
            jcs::parse_canonical(header.as_bytes()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(parsed["kind"], kind);
        assert_eq!(parsed["edge_at_us"].as_i64(), Some(decoded.t_edge_us), "{kind}");
        let id = parsed.get("event_id").and_then(Value::as_str).map(str::to_owned);
        let expected = (!decoded.event_id.is_nil()).then(|| decoded.event_id.to_string());
        assert_eq!(id, expected, "{kind}");
    }
}
