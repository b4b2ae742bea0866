"""scope.json and the matching of records (docs/evidence-bundle.md section 2)."""

from dataclasses import dataclass

from . import jcs
from .codec import Refused, decimal, uuid, uuid_text
from .leaf import Leaf

MEMBERS = {"coverage", "disclosure", "filter", "filter_text", "format", "from_us", "origin", "range", "software",
           "tenant", "to_us"}
HEADER_FILTERS = {"application", "environment", "decision_type", "provider", "operation", "model", "subject_key"}
ATTRIBUTE_FILTERS = {"user_id", "session_id"}
FILTERS = HEADER_FILTERS | ATTRIBUTE_FILTERS | {"status", "has_pii", "event_id"}
ATTRIBUTES_SLOT = 3


@dataclass(frozen=True)
class Scope:
    """What the bundle is about."""

    templates: bool
    ciphertexts: bool
    filter: dict[str, str]
    from_us: int
    to_us: int
    origin: str
    tenant: bytes | None
    base_epoch: int | None
    last_epoch: int
    tip_epoch: int

    @property
    def first_epoch(self) -> int:
        """The epoch of the first manifest."""
        return self.base_epoch or 0

    def in_period(self, header: dict, leaf: Leaf) -> bool:
        """Whether the record's time is in the period."""
        return self.from_us <= record_time(header, leaf) < self.to_us

    def holds(self, header: dict, leaf: Leaf) -> bool:
        """Whether every filter that header and leaf decide holds."""
        return all(_holds(name, value, header, leaf) for name, value in self.filter.items())

    def attribute_filters(self) -> dict[str, str]:
        """The filters that only slot 3 decides."""
        return {name: value for name, value in self.filter.items() if name in ATTRIBUTE_FILTERS}


def decode(data: bytes) -> Scope:
    """Reads scope.json."""
    value = exactly(jcs.parse_canonical(data), MEMBERS, "scope.json")
    if value["format"] != "aal-bundle/v1":
        raise Refused("scope.json is of another format")
    _text(value, "coverage", 8_192, shortest=1)
    _text(value, "filter_text", 4_096)
    _text(value, "software", 200)
    disclosure = exactly(value["disclosure"], {"ciphertexts", "templates"}, "disclosure")
    if not all(isinstance(item, bool) for item in disclosure.values()):
        raise Refused("disclosure holds something else than booleans")
    span = exactly(value["range"], {"base_epoch", "last_epoch", "tip_epoch"}, "range")
    base = None if span["base_epoch"] is None else count(span["base_epoch"])
    last, tip = count(span["last_epoch"]), count(span["tip_epoch"])
    if (base is not None and base >= last) or last > tip:
        raise Refused("the epochs of the range are not in order")
    from_us, to_us = integer(value["from_us"]), integer(value["to_us"])
    if from_us >= to_us:
        raise Refused("from_us is not before to_us")
    return Scope(
        templates=disclosure["templates"],
        ciphertexts=disclosure["ciphertexts"],
        filter=_filter(value["filter"]),
        from_us=from_us,
        to_us=to_us,
        origin=_text(value, "origin", 2**16),
        tenant=None if value["tenant"] is None else uuid(_text(value, "tenant", 36)),
        base_epoch=base,
        last_epoch=last,
        tip_epoch=tip,
    )


def record_time(header: dict, leaf: Leaf) -> int:
    """The header's `occurred_at_us`, or the leaf's `t_edge`."""
    occurred = header.get("occurred_at_us")
    return int(occurred) if is_integer(occurred) else leaf.t_edge


def pii_count(header: dict) -> int:
    """The sum of the counts in `pii`."""
    counts = header.get("pii")
    return sum(int(item) for item in counts.values() if is_integer(item)) if isinstance(counts, dict) else 0


def _holds(name: str, value: str, header: dict, leaf: Leaf) -> bool:
    if name in HEADER_FILTERS:
        return header.get(name) == value
    if name == "status":
        found = header.get("status")
        return is_integer(found) and str(int(found)) == value
    if name == "has_pii":
        return (pii_count(header) > 0) == (value == "true")
    if name == "event_id":
        return uuid_text(leaf.event_id) == value
    return True


def _filter(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or set(value) - FILTERS:
        raise Refused("the filter has unknown members")
    if not all(isinstance(item, str) for item in value.values()):
        raise Refused("the filter holds something else than strings")
    if "status" in value:
        decimal(value["status"])
    if "event_id" in value:
        uuid(value["event_id"])
    if value.get("has_pii", "true") not in ("true", "false"):
        raise Refused("has_pii is neither true nor false")
    return value


def exactly(value: object, names: set[str], what: str) -> dict:
    """An object with exactly these members."""
    if not isinstance(value, dict) or set(value) != names:
        raise Refused(f"{what} needs exactly the members {sorted(names)}")
    return value


def is_integer(value: object) -> bool:
    """Whether a JSON value is a whole number."""
    return isinstance(value, float) and value == int(value)


def integer(value: object) -> int:
    """A whole number."""
    if not is_integer(value):
        raise Refused("something else stands where an integer belongs")
    return int(value)


def count(value: object) -> int:
    """A whole number that is not negative."""
    number = integer(value)
    if number < 0:
        raise Refused("a number is negative")
    return number


def _text(value: dict, name: str, longest: int, shortest: int = 0) -> str:
    text = value[name]
    if not isinstance(text, str) or not shortest <= len(text.encode("utf-8")) <= longest:
        raise Refused(f"{name} is not a string of {shortest} to {longest} bytes")
    return text
