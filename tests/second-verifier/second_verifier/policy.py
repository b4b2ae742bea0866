"""The pinned trust policy (docs/ledger-format.md section 9)."""

import tomllib
from dataclasses import dataclass

from .codec import U32_MAX, U64_MAX, Refused, sha256, utf8
from .note import ED25519, ML_DSA_44, Checkpoint, VerifierKey, verifier_key
from .quorum import Quorum, decode as decode_quorum


@dataclass(frozen=True)
class LogKey:
    """A key that may sign checkpoints of the sizes in its window."""

    key: VerifierKey
    from_size: int
    to_size: int


@dataclass(frozen=True)
class Policy:
    """Whom to trust for what."""

    origin: str
    max_seal_delay_s: int | None
    clock_tolerance_s: int
    require_every_algorithm: bool
    log_keys: list[LogKey]
    receipt_keys: list[VerifierKey]
    witness_policy: Quorum | None
    max_witness_delay_s: int
    authorities: list[dict]
    hash: bytes

    def keys(self, size: int) -> list[VerifierKey]:
        """The keys that may sign checkpoints of that size."""
        return [entry.key for entry in self.log_keys if entry.from_size <= size <= entry.to_size]

    def accept(self, point: Checkpoint, signed_by: list[VerifierKey]) -> None:
        """Refuses a checkpoint of another origin, or that not every required algorithm signed."""
        if point.origin != self.origin:
            raise Refused(f"the checkpoint's origin is {point.origin!r}, pinned is {self.origin!r}")
        missing = {key.algorithm for key in self.keys(point.size)} - {key.algorithm for key in signed_by}
        if self.require_every_algorithm and missing:
            raise Refused("not every algorithm signed the checkpoint")


def decode(data: bytes) -> Policy:
    """Reads the policy's TOML; unknown keys are refused."""
    try:
        table = tomllib.loads(utf8(data))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"the policy is not TOML: {error}") from None
    _known(table, {"version", "origin", "max_seal_delay_s", "clock_tolerance_s", "log_key", "receipt_key",
                   "witness_policy", "timestamp_authority", "require_every_algorithm", "max_witness_delay_s",
                   "max_timestamp_delay_s"})
    if _count(table, "version") != 1:
        raise Refused("the policy's version is not 1")
    log_keys = [_log_key(entry) for entry in _tables(table, "log_key")]
    receipt_keys = [_receipt_key(entry) for entry in _tables(table, "receipt_key")]
    if not log_keys:
        raise Refused("the policy has no log_key")
    quorum = decode_quorum(_text(table, "witness_policy")) if "witness_policy" in table else None
    witnesses = [witness.key for witness in quorum.witnesses.values()] if quorum else []
    if "max_witness_delay_s" in table and quorum is None:
        raise Refused("max_witness_delay_s needs a witness_policy")
    if "max_timestamp_delay_s" in table and "timestamp_authority" not in table:
        raise Refused("max_timestamp_delay_s needs a timestamp_authority")
    public = [key.public_key for key in [*(entry.key for entry in log_keys), *receipt_keys, *witnesses]]
    if len(set(public)) != len(public):
        raise Refused("a key stands twice in the policy")
    return Policy(
        origin=_text(table, "origin"),
        max_seal_delay_s=_count(table, "max_seal_delay_s", U32_MAX) if "max_seal_delay_s" in table else None,
        clock_tolerance_s=_count(table, "clock_tolerance_s", U32_MAX) if "clock_tolerance_s" in table else 5,
        require_every_algorithm=_flag(table, "require_every_algorithm"),
        log_keys=log_keys,
        receipt_keys=receipt_keys,
        witness_policy=quorum,
        max_witness_delay_s=_count(table, "max_witness_delay_s", U32_MAX) if "max_witness_delay_s" in table else 0,
        authorities=_tables(table, "timestamp_authority"),
        hash=sha256(data),
    )


def _log_key(entry: dict) -> LogKey:
    _known(entry, {"vkey", "from_size", "to_size"})
    from_size = _count(entry, "from_size") if "from_size" in entry else 0
    to_size = _count(entry, "to_size") if "to_size" in entry else U64_MAX
    return LogKey(verifier_key(_text(entry, "vkey"), (ED25519, ML_DSA_44)), from_size, to_size)


def _receipt_key(entry: dict) -> VerifierKey:
    _known(entry, {"vkey"})
    return verifier_key(_text(entry, "vkey"))


def _known(table: dict, names: set[str]) -> None:
    unknown = set(table) - names
    if unknown:
        raise Refused(f"the policy has unknown keys: {sorted(unknown)}")


def _tables(table: dict, name: str) -> list[dict]:
    entries = table.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused(f"{name} is not a list of tables")
    return entries


def _text(table: dict, name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str):
        raise Refused(f"{name} is missing or not a text")
    return value


def _count(table: dict, name: str, maximum: int = U64_MAX) -> int:
    value = table.get(name)
    if type(value) is not int or not 0 <= value <= maximum:
        raise Refused(f"{name} is missing or not a count")
    return value


def _flag(table: dict, name: str) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise Refused(f"{name} is neither true nor false")
    return value
