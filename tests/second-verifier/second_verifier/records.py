"""The records of a bundle, one after the other (docs/evidence-bundle.md section 4)."""

from dataclasses import dataclass, field

from . import jcs, leaf as leaves, merkle
from .codec import Reader, Refused, ZEROS16, ZEROS32, uuid, uuid_text
from .epoch import ChainHead
from .scope import ATTRIBUTES_SLOT, Scope, integer, is_integer
from .verdicts import Verdicts

LARGEST_ENTRY = 64 * 1024 * 1024
LARGEST_PACK = 8 * 1024 * 1024
MOST_ABSENT_KEYS = 100_000
PRUNABLE = {"event", "outcome", "intent", "duplicate", "conflict", "rejected", "withheld", "reprice"}
MIN_RETENTION_US = 183 * 86_400_000_000
MOST_PRUNED_RANGES = 1_000


@dataclass
class Entry:
    """One record as it is packed."""

    matched: bool
    leaf_bytes: bytes
    header_bytes: bytes
    openings: list[tuple[int, bytes, bytes]]
    ciphertexts: list[tuple[int, bytes]]


@dataclass
class Found:
    """What later checks need of all records."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("leaves", "matched", "openings", "ciphertexts"), 0))
    absent: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    erased: set[tuple[bytes, bytes]] = field(default_factory=set)
    pruned: list[tuple[bytes, int, int, int]] = field(default_factory=list)
    prunes: dict[tuple[bytes, int], list[tuple[int, int, int]]] = field(default_factory=dict)
    offsets: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    rows: list[tuple[bool, dict, leaves.Leaf]] = field(default_factory=list)


def entries(data: bytes):
    """The entries of one `records/<n>`."""
    reader = Reader(data, "a records member")
    count = 0
    while reader.remaining():
        length = reader.unsigned(4)
        if length + 4 > LARGEST_ENTRY:
            raise Refused(f"an entry of {length} bytes")
        yield _entry(reader.take(length))
        count += 1
    if count == 0:
        raise Refused("a records member is empty")
    if len(data) > LARGEST_PACK and count > 1:
        raise Refused("a records member of several entries is too large")


def _entry(data: bytes) -> Entry:
    reader = Reader(data, "an entry")
    flags = reader.unsigned(1)
    if flags > 1:
        raise Refused(f"flags {flags}")
    entry = Entry(flags == 1, reader.take(reader.unsigned(2)), reader.take(reader.unsigned(4)), [], [])
    for _ in range(reader.unsigned(2)):
        entry.openings.append((reader.unsigned(2), reader.take(32), reader.take(reader.unsigned(4))))
    for _ in range(reader.unsigned(2)):
        entry.ciphertexts.append((reader.unsigned(2), reader.take(reader.unsigned(4))))
    reader.end()
    for slots in ([item[0] for item in entry.openings], [item[0] for item in entry.ciphertexts]):
        if any(first >= second for first, second in zip(slots, slots[1:])):
            raise Refused("slots are not in strictly ascending order")
    return entry


class Chains:
    """Follows order, links and roots of the chains (SCOPE)."""

    def __init__(self, base: dict[str, ChainHead], last: dict[str, ChainHead], frontiers: dict[str, merkle.CompactRange], verdicts: Verdicts):
        self._base, self._last, self._frontiers, self._verdicts = base, last, frontiers, verdicts
        self._waiting = list(last)
        self._begin(None)

    def follow(self, leaf: leaves.Leaf) -> None:
        """Takes the next leaf."""
        name = leaf.chain_id
        if name != self._current:
            if name not in self._waiting:
                self._verdicts.refute("SCOPE", f"a leaf of {name} stands where its chain does not belong")
                return
            while self._current != name:
                self._next()
        where = f"{name} index {leaf.index}"
        expected = self._range.size
        if expected.bit_count() != len(self._range.hashes):
            self._verdicts.refute("SCOPE", f"{where}: the chain has no leaf in the range")
            return
        self._verdicts.expect("SCOPE", leaf.index == expected, f"{where}: index {expected} belongs here")
        self._verdicts.expect("SCOPE", leaf.prev_leaf_hash == self._previous, f"{where} does not link to the leaf before")
        self._range.append(leaf.hash)
        self._previous = leaf.hash

    def finish(self) -> None:
        """Closes all chains that are left."""
        while self._current is not None or self._waiting:
            self._next()

    def _next(self) -> None:
        if self._current is not None:
            head = self._last[self._current]
            self._verdicts.expect("SCOPE", self._range.size == head.size, f"{head.chain_id}: {self._range.size} leaves, the head says {head.size}")
            self._verdicts.expect("SCOPE", self._root() == head.root, f"{head.chain_id}: the root is not the head's")
            self._verdicts.expect("SCOPE", self._previous == head.last, f"{head.chain_id}: the last leaf is not the head's")
        self._begin(self._waiting.pop(0) if self._waiting else None)

    def _root(self) -> bytes:
        base = self._base.get(self._current)
        return base.root if base and base.size == self._range.size else self._range.root()

    def _begin(self, name: str | None) -> None:
        self._current = name
        self._range = merkle.CompactRange()
        self._previous = ZEROS32
        base = self._base.get(name) if name else None
        if base:
            start = self._frontiers.get(name)
            self._range.size = base.size
            self._range.hashes = list(start.hashes) if start else []
            self._previous = base.last


def check(entry: Entry, scope: Scope, verdicts: Verdicts, found: Found) -> leaves.Leaf:
    """Everything of one record but its place in the chain."""
    leaf = leaves.decode(entry.leaf_bytes)
    if not entry.header_bytes:
        return _check_pruned(entry, leaf, verdicts, found)
    header = jcs.parse_canonical(entry.header_bytes)
    if not isinstance(header, dict):
        raise Refused("a header is not an object")
    where = f"{leaf.chain_id} index {leaf.index}"
    _check_header(entry, header, leaf, where, verdicts)
    _check_slots(entry, leaf, where, verdicts)
    _check_absences(entry, header, leaf, where, scope, verdicts, found)
    _check_flag(entry, header, leaf, where, scope, verdicts)
    if leaf.kind_name == "erasure_done":
        found.erased.update((leaf.tenant, key) for key in erased_keys(header))
    note_prune(leaf, header, found)
    if leaf.has_message:
        first = integer(header.get("first_offset")) if leaf.kind_name == "gap" else leaf.offset
        verdicts.expect("SCOPE", 0 <= first <= leaf.offset, f"{where}: first_offset is not below the offset")
        found.offsets.setdefault(leaf.shard, []).append((first, leaf.offset))
    found.counts["leaves"] += 1
    found.counts["matched"] += entry.matched
    found.counts["openings"] += len(entry.openings)
    found.counts["ciphertexts"] += len(entry.ciphertexts)
    found.rows.append((entry.matched, header, leaf))
    return leaf


def _check_pruned(entry: Entry, leaf: leaves.Leaf, verdicts: Verdicts, found: Found) -> leaves.Leaf:
    """A record of which only the leaf is left (docs/ledger-format.md section 3.6)."""
    where = f"{leaf.chain_id} index {leaf.index}"
    bare = leaf.kind_name in PRUNABLE and not (entry.matched or entry.openings or entry.ciphertexts)
    verdicts.expect("CONTENT", bare, f"{where} has no header and cannot have been pruned")
    found.pruned.append((leaf.tenant, leaf.shard, leaf.index, leaf.t_edge))
    if leaf.has_message:
        found.offsets.setdefault(leaf.shard, []).append((leaf.offset, leaf.offset))
    found.counts["leaves"] += 1
    found.counts["matched"] += entry.matched
    found.counts["openings"] += len(entry.openings)
    found.counts["ciphertexts"] += len(entry.ciphertexts)
    return leaf


def note_prune(leaf: leaves.Leaf, header: dict, found: Found) -> None:
    """Keeps what a `prune` leaf names; one that is not of the form names nothing."""
    if leaf.kind_name != "prune":
        return
    shard, ranges = header.get("pruned_shard"), header.get("pruned_ranges")
    if not is_integer(shard) or not 0 <= shard < 1 << 32 or not isinstance(ranges, list):
        return
    named, behind = [], 0
    for pair in ranges:
        if not isinstance(pair, list) or len(pair) != 2 or not all(is_integer(index) for index in pair):
            return
        first, last = (int(index) for index in pair)
        if not behind <= first <= last:
            return
        named.append((first, last, leaf.t_edge))
        behind = last + 2
    if 1 <= len(named) <= MOST_PRUNED_RANGES:
        found.prunes.setdefault((leaf.tenant, int(shard)), []).extend(named)


def check_prunes(found: Found, verdicts: Verdicts) -> None:
    """Every pruned record is named by a leaf that was told when it was old enough."""
    for tenant, shard, index, edge in found.pruned:
        named = found.prunes.get((tenant, shard), [])
        holds = any(first <= index <= last and edge + MIN_RETENTION_US <= told for first, last, told in named)
        verdicts.expect("ERASURE", holds, f"{uuid_text(tenant)}/{shard} index {index} is pruned and no leaf allows it")


def erased_keys(header: dict) -> list[bytes]:
    """`subject_key_ids` of an `erasure_done` header."""
    keys = header.get("subject_key_ids", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Refused("subject_key_ids is not a list of texts")
    if any(first >= second for first, second in zip(keys, keys[1:])):
        raise Refused("subject_key_ids is not ascending")
    return [uuid(key) for key in keys]


def _check_header(entry: Entry, header: dict, leaf: leaves.Leaf, where: str, verdicts: Verdicts) -> None:
    event_id = header.get("event_id", uuid_text(ZEROS16))
    verdicts.expect("CONTENT", merkle.sha256(entry.header_bytes) == leaf.header_hash, f"{where}: the header is another one")
    verdicts.expect("CONTENT", header.get("kind") == leaf.kind_name, f"{where}: kind differs")
    verdicts.expect("CONTENT", event_id == uuid_text(leaf.event_id), f"{where}: event_id differs")
    if "edge_at_us" in header:
        at = header["edge_at_us"]
        verdicts.expect("CONTENT", is_integer(at) and int(at) == leaf.t_edge, f"{where}: edge_at_us differs")


def _check_slots(entry: Entry, leaf: leaves.Leaf, where: str, verdicts: Verdicts) -> None:
    slots = {slot.slot: slot for slot in leaf.slots}
    for number, salt, plaintext in entry.openings:
        slot = slots.get(number)
        holds = slot is not None and slot.aead == 0 and slot.pt_commit == leaves.plaintext_commitment(salt, plaintext)
        verdicts.expect("CONTENT", holds, f"{where}: the opening of slot {number} does not hold")
    for number, ciphertext in entry.ciphertexts:
        slot = slots.get(number)
        holds = (
            slot is not None
            and slot.aead == 1
            and len(ciphertext) == slot.padded_len + 16
            and slot.ct_hash == leaves.ciphertext_hash(1, ciphertext)
        )
        verdicts.expect("CONTENT", holds, f"{where}: the ciphertext of slot {number} does not hold")


def _is_committed_only(header: dict, slot: int) -> bool:
    committed = header.get("committed_slots")
    if isinstance(committed, list):
        return slot in committed
    return header.get("content") == "digest"


def _check_absences(entry: Entry, header: dict, leaf: leaves.Leaf, where: str, scope: Scope, verdicts: Verdicts, found: Found) -> None:
    allowed = entry.matched
    verdicts.expect("CONTENT", not entry.openings or (allowed and scope.templates), f"{where}: openings that may not be here")
    verdicts.expect("CONTENT", not entry.ciphertexts or (allowed and scope.ciphertexts), f"{where}: ciphertexts that may not be here")
    if not entry.matched:
        return
    present = {item[0] for item in entry.openings} | {item[0] for item in entry.ciphertexts}
    for slot in leaf.slots:
        handed_over = scope.templates if slot.aead == 0 else scope.ciphertexts
        by_policy = slot.aead == 0 and _is_committed_only(header, slot.slot)
        if slot.slot in present or not handed_over or by_policy:
            continue
        if slot.subject_key_id == ZEROS16:
            verdicts.refute("CONTENT", f"{where}: slot {slot.slot} is absent and has no key that could have been erased")
            continue
        key = (leaf.tenant, slot.subject_key_id)
        found.absent[key] = found.absent.get(key, 0) + 1
        if len(found.absent) > MOST_ABSENT_KEYS:
            raise Refused("too many keys have absent slots")


def _check_flag(entry: Entry, header: dict, leaf: leaves.Leaf, where: str, scope: Scope, verdicts: Verdicts) -> None:
    may_match = scope.in_period(header, leaf) and scope.holds(header, leaf)
    attributes = scope.attribute_filters()
    if not attributes:
        verdicts.expect("SCOPE", entry.matched == may_match, f"{where}: the flag is not what the filter says")
        return
    if not entry.matched:
        return
    verdicts.expect("SCOPE", may_match, f"{where} does not match the filter")
    for number, _, plaintext in entry.openings:
        if number == ATTRIBUTES_SLOT:
            found = jcs.parse(plaintext)
            holds = isinstance(found, dict) and all(found.get(name) == value for name, value in attributes.items())
            verdicts.expect("SCOPE", holds, f"{where}: the attributes do not match the filter")


def check_offsets(found: Found, base: dict, last: dict, verdicts: Verdicts) -> None:
    """Every offset of each shard is accounted for exactly once."""
    for shard in sorted(set(last) | set(found.offsets)):
        if not verdicts.expect("SCOPE", shard in last, f"shard {shard} is not in the heads"):
            continue
        spans = sorted(found.offsets.get(shard, []))
        start = base[shard].next_offset if shard in base else 0
        expected = start or (spans[0][0] if spans else 0)
        for first, final in spans:
            verdicts.expect("SCOPE", first == expected, f"shard {shard}: offset {first} comes where {expected} belongs")
            expected = final + 1
        end = last[shard].next_offset
        verdicts.expect("SCOPE", expected == end, f"shard {shard}: offsets end at {expected}, the head says {end}")
