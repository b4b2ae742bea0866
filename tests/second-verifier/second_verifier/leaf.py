"""The leaf of docs/ledger-format.md section 3."""

from dataclasses import dataclass

from .codec import I64_MIN, ZEROS16, ZEROS32, Reader, Refused, sha256, uuid_text
from .merkle import leaf_hash

MAGIC = b"aal/leaf/v1\n"
SHORTEST, LONGEST, MOST_SLOTS = 313, 65_535, 530
KINDS = {
    1: "event",
    2: "outcome",
    3: "access",
    4: "duplicate",
    5: "conflict",
    6: "rejected",
    7: "gap",
    8: "withheld",
    9: "admin",
    10: "erasure_request",
    11: "erasure_done",
    12: "legal_hold",
    13: "key_change",
    14: "shard_open",
    15: "shard_close",
    16: "heartbeat",
    17: "reprice",
    18: "incident",
    19: "config_change",
    20: "price_table_change",
    21: "policy_change",
    22: "prune",
    23: "clock",
    24: "intent",
}


@dataclass(frozen=True)
class Slot:
    """One protected text that the leaf commits to (section 3.3)."""

    slot: int
    subject_key_id: bytes
    key_ver: int
    aead: int
    padded_len: int
    ct_hash: bytes
    pt_commit: bytes
    key_commit: bytes


@dataclass(frozen=True)
class Leaf:
    """One decoded leaf."""

    kind: int
    tenant: bytes
    shard: int
    index: int
    prev_leaf_hash: bytes
    event_id: bytes
    source_id: bytes
    source_epoch: int
    source_seq: int
    topic_hash: bytes
    partition: int
    offset: int
    t_source: int
    t_edge: int
    avro_schema_hash: bytes
    pipeline_hash: bytes
    header_hash: bytes
    ingress_receipt_hash: bytes
    slots: tuple[Slot, ...]
    hash: bytes

    @property
    def kind_name(self) -> str:
        """The kind's name in text."""
        return KINDS[self.kind]

    @property
    def chain_id(self) -> str:
        """`<tenant uuid>/<shard decimal>`."""
        return f"{uuid_text(self.tenant)}/{self.shard}"

    @property
    def has_message(self) -> bool:
        """Whether a message of the topic caused it."""
        return self.topic_hash != ZEROS32


def decode(data: bytes) -> Leaf:
    """The leaf of exactly these bytes."""
    if not SHORTEST <= len(data) <= LONGEST:
        raise Refused(f"a leaf of {len(data)} bytes")
    reader = Reader(data, "the leaf")
    if reader.take(len(MAGIC)) != MAGIC:
        raise Refused("the leaf does not begin with its magic")
    leaf = Leaf(
        kind=reader.unsigned(1),
        tenant=reader.take(16),
        shard=reader.unsigned(4),
        index=reader.unsigned(8),
        prev_leaf_hash=reader.take(32),
        event_id=reader.take(16),
        source_id=reader.take(16),
        source_epoch=reader.unsigned(8),
        source_seq=reader.unsigned(8),
        topic_hash=reader.take(32),
        partition=reader.unsigned(4),
        offset=reader.unsigned(8),
        t_source=reader.i64(),
        t_edge=reader.i64(),
        avro_schema_hash=reader.take(32),
        pipeline_hash=reader.take(32),
        header_hash=reader.take(32),
        ingress_receipt_hash=reader.take(32),
        slots=_slots(reader),
        hash=leaf_hash(data),
    )
    if reader.unsigned(2) != 0:
        raise Refused("ext_len is not 0")
    reader.end()
    _check(leaf)
    return leaf


def _slots(reader: Reader) -> tuple[Slot, ...]:
    count = reader.unsigned(2)
    if count > MOST_SLOTS:
        raise Refused(f"{count} slots, more than {MOST_SLOTS}")
    slots: list[Slot] = []
    for _ in range(count):
        slot = Slot(
            slot=reader.unsigned(2),
            subject_key_id=reader.take(16),
            key_ver=reader.unsigned(4),
            aead=reader.unsigned(1),
            padded_len=reader.unsigned(4),
            ct_hash=reader.take(32),
            pt_commit=reader.take(32),
            key_commit=reader.take(32),
        )
        if slots and slot.slot <= slots[-1].slot:
            raise Refused("the slots are not strictly ascending")
        _check_slot(slot)
        slots.append(slot)
    return tuple(slots)


def _check_slot(slot: Slot) -> None:
    has_key = slot.subject_key_id != ZEROS16
    if slot.aead not in (0, 1):
        raise Refused(f"aead {slot.aead} is unknown")
    if (slot.aead == 0) != (slot.padded_len == 0):
        raise Refused("padded_len is 0 exactly when aead is 0")
    if (slot.aead == 0) != (slot.ct_hash == ZEROS32):
        raise Refused("ct_hash is zeros exactly when aead is 0")
    if slot.pt_commit == ZEROS32:
        raise Refused("pt_commit is zeros")
    if has_key == (slot.key_commit == ZEROS32):
        raise Refused("key_commit is zeros exactly when there is no key")
    if not has_key and slot.key_ver != 0:
        raise Refused("a key version without a key")
    if slot.aead == 1 and not has_key:
        raise Refused("aead 1 requires a key")


def _check(leaf: Leaf) -> None:
    if leaf.kind not in KINDS:
        raise Refused(f"kind {leaf.kind} is unknown")
    if leaf.t_edge == I64_MIN:
        raise Refused("t_edge is absent")
    if leaf.source_id == ZEROS16 and (leaf.source_epoch or leaf.source_seq):
        raise Refused("a source position without a source")
    if leaf.topic_hash == ZEROS32 and (leaf.partition or leaf.offset):
        raise Refused("a partition or offset without a topic")


def plaintext_commitment(salt: bytes, plaintext: bytes) -> bytes:
    """`pt_commit` of section 2.2."""
    return sha256(b"aal/pt/v1\n", salt, len(plaintext).to_bytes(8, "big"), plaintext)


def ciphertext_hash(aead: int, ciphertext: bytes) -> bytes:
    """`ct_hash` of section 2.2."""
    return sha256(b"aal/ct/v1\n", bytes([aead]), ciphertext)


def topic_hash(name: str) -> bytes:
    """`topic_hash` of section 2.3."""
    return sha256(b"aal/topic/v1\n", name.encode("utf-8"))


def source_id(application: str, instance: str) -> bytes:
    """`source_id` of section 2.3."""
    first, second = application.encode("utf-8"), instance.encode("utf-8")
    parts = (len(first).to_bytes(4, "big"), first, len(second).to_bytes(4, "big"), second)
    return sha256(b"aal/source/v1\n", *parts)[:16]
