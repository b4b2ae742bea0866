"""The proof of one record (docs/ledger-format.md section 10)."""

from dataclasses import dataclass

from . import jcs, leaf as leaves, merkle
from .codec import U64_MAX, Refused, base64_strict, decimal, hash_hex, utf8
from .epoch import chain_line, manifest
from .note import Checkpoint, checkpoint, signers, split
from .policy import Policy

MOST_HASHES = 63
MEMBERS = {
    "": {"format", "leaf", "chain", "head", "manifest"},
    "chain": {"id", "index", "size", "path"},
    "head": {"line", "index", "size", "path"},
}


@dataclass(frozen=True)
class Proof:
    """What the text says; nothing of it is checked yet but its form."""

    index: int
    path: list[bytes]
    note: bytes
    extra: dict


def decode(data: bytes) -> Proof:
    """Reads the text of a proof."""
    whole = utf8(data)
    head, gap, note = whole.partition("\n\n")
    rows = head.split("\n")
    if not gap or len(rows) < 3 or rows[0] != "c2sp.org/tlog-proof@v1":
        raise Refused("not a tlog-proof")
    if not rows[1].startswith("extra ") or not rows[2].startswith("index "):
        raise Refused("the proof needs its extra and index lines")
    if len(rows) - 3 > MOST_HASHES:
        raise Refused(f"the proof has more than {MOST_HASHES} hashes")
    return Proof(
        index=decimal(rows[2][len("index ") :]),
        path=[base64_strict(row, 32) for row in rows[3:]],
        note=note.encode("utf-8"),
        extra=_extra(base64_strict(rows[1][len("extra ") :])),
    )


def _extra(data: bytes) -> dict:
    value = jcs.parse(data, integer=int)
    for part, names in MEMBERS.items():
        inner = value.get(part) if part and isinstance(value, dict) else value
        if not isinstance(inner, dict) or set(inner) != names:
            raise Refused(f"the proof's {part or 'extra'} needs exactly the members {sorted(names)}")
    if value["format"] != "aal-record-path/v1":
        raise Refused("the proof's extra is of another format")
    return value


def verify(proof: Proof, policy: Policy) -> tuple[Checkpoint, leaves.Leaf]:
    """Every step of section 10; answers the checkpoint and the leaf that it proves."""
    text, signatures = split(proof.note)
    point = checkpoint(text)
    policy.accept(point, signers(text, signatures, policy.keys(point.size)))
    extra, chain, head = proof.extra, proof.extra["chain"], proof.extra["head"]
    manifest_bytes = _text(extra["manifest"]).encode("utf-8")
    merkle.verify_inclusion(merkle.leaf_hash(manifest_bytes), proof.index, point.size, proof.path, point.root)
    epoch = manifest(manifest_bytes)
    if epoch.epoch != proof.index:
        raise Refused("the manifest is of another epoch")
    if _count(head["size"]) != epoch.head_count:
        raise Refused("the head's tree has another size than the manifest says")
    line = _text(head["line"])
    line_hash = merkle.leaf_hash(line.encode("utf-8"))
    merkle.verify_inclusion(line_hash, _count(head["index"]), epoch.head_count, _path(head), epoch.heads_root)
    leaf = leaves.decode(base64_strict(_text(extra["leaf"])))
    listed = chain_line(line)
    if not listed.chain_id == _text(chain["id"]) == leaf.chain_id:
        raise Refused("leaf, chain and head are not of one chain")
    if listed.size != _count(chain["size"]) or leaf.index != _count(chain["index"]):
        raise Refused("size or index of the chain do not fit head and leaf")
    merkle.verify_inclusion(leaf.hash, leaf.index, listed.size, _path(chain), listed.root)
    return point, leaf


def _path(part: dict) -> list[bytes]:
    path = part["path"]
    if not isinstance(path, list) or len(path) > MOST_HASHES + 1:
        raise Refused("a path is not a list of hashes")
    return [hash_hex(_text(item)) for item in path]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Refused("a text is missing in the proof")
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= U64_MAX:
        raise Refused("a number in the proof is not a count")
    return value
