"""Heads and manifests (docs/ledger-format.md sections 5 and 6)."""

from dataclasses import dataclass

from . import merkle
from .codec import U32_MAX, U64_MAX, Refused, decimal, hash_hex, lines, time, utf8, uuid


@dataclass(frozen=True)
class ChainHead:
    """One chain's line."""

    chain_id: str
    size: int
    root: bytes
    last: bytes
    line: str


@dataclass(frozen=True)
class ShardHead:
    """One shard's line."""

    shard: int
    next_block: int
    next_offset: int


@dataclass(frozen=True)
class Heads:
    """All lines of one epoch."""

    chains: dict[str, ChainHead]
    shards: dict[int, ShardHead]
    count: int
    root: bytes

    @property
    def leaves(self) -> int:
        """The sum of all chain sizes."""
        return sum(head.size for head in self.chains.values())


@dataclass(frozen=True)
class Manifest:
    """One epoch."""

    epoch: int
    previous: bytes
    opened: int
    closed: int
    incarnation: bytes
    policy: bytes
    timestamp: bytes
    witness: bytes
    head_count: int
    heads_root: bytes
    leaves: int


def chain_id(text: str) -> tuple[bytes, int]:
    """Tenant and shard of `<tenant uuid>/<shard decimal>`."""
    tenant, slash, shard = text.partition("/")
    if not slash:
        raise Refused(f"not a chain id: {text[:80]!r}")
    return uuid(tenant), decimal(shard, U32_MAX)


def chain_line(line: str) -> ChainHead:
    """Reads one chain's line, without its newline."""
    parts = line.split(" ")
    if len(parts) != 5 or parts[0] != "chain":
        raise Refused(f"not a chain's line: {line[:80]!r}")
    chain_id(parts[1])
    size = decimal(parts[2])
    if size < 1:
        raise Refused(f"chain {parts[1]} has size 0")
    return ChainHead(parts[1], size, hash_hex(parts[3]), hash_hex(parts[4]), line)


def shard_line(line: str) -> ShardHead:
    """Reads one shard's line, without its newline."""
    parts = line.split(" ")
    if len(parts) != 4 or parts[0] != "shard":
        raise Refused(f"not a shard's line: {line[:80]!r}")
    return ShardHead(decimal(parts[1], U32_MAX), decimal(parts[2]), decimal(parts[3]))


def heads(data: bytes) -> Heads:
    """Reads the heads of one epoch."""
    rows = lines(utf8(data))
    keys = [row.encode("utf-8") for row in rows]
    if any(first >= second for first, second in zip(keys, keys[1:])):
        raise Refused("the heads are not in strictly ascending order")
    chains: dict[str, ChainHead] = {}
    shards: dict[int, ShardHead] = {}
    for row in rows:
        if row.startswith("chain "):
            chain = chain_line(row)
            if chain.chain_id in chains:
                raise Refused(f"chain {chain.chain_id} stands twice in the heads")
            chains[chain.chain_id] = chain
        else:
            shard = shard_line(row)
            if shard.shard in shards:
                raise Refused(f"shard {shard.shard} stands twice in the heads")
            shards[shard.shard] = shard
    for name in chains:
        if chain_id(name)[1] not in shards:
            raise Refused(f"the shard of chain {name} is not listed")
    found = Heads(chains, shards, len(rows), merkle.root([merkle.leaf_hash(key) for key in keys]))
    if found.leaves > U64_MAX:
        raise Refused("the sizes of the heads do not fit 64 bits")
    return found


def manifest(data: bytes) -> Manifest:
    """Reads one manifest."""
    rows = lines(utf8(data))
    names = "epoch previous opened closed incarnation policy timestamp witness heads leaves".split()
    if len(rows) != len(names) + 1 or rows[0] != "aal/epoch/v1":
        raise Refused("not a manifest")
    values: dict[str, str] = {}
    for name, row in zip(names, rows[1:]):
        if not row.startswith(name + " "):
            raise Refused(f"the manifest has {row[:40]!r} where {name} belongs")
        values[name] = row[len(name) + 1 :]
    count, space, heads_root = values["heads"].partition(" ")
    if not space:
        raise Refused("the manifest's heads need a number and a root")
    found = Manifest(
        epoch=decimal(values["epoch"]),
        previous=hash_hex(values["previous"]),
        opened=time(values["opened"]),
        closed=time(values["closed"]),
        incarnation=uuid(values["incarnation"]),
        policy=hash_hex(values["policy"]),
        timestamp=hash_hex(values["timestamp"]),
        witness=hash_hex(values["witness"]),
        head_count=decimal(count),
        heads_root=hash_hex(heads_root),
        leaves=decimal(values["leaves"]),
    )
    if found.opened > found.closed:
        raise Refused("the manifest was opened after it was closed")
    return found
