"""REPORT: the figures of report/report.json, computed again from the records (docs/evidence-bundle.md section 7)."""

import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

from .codec import Refused, utf8
from .records import Found
from .scope import Scope, is_integer, pii_count
from .verdicts import Verdicts

SCHEMA = "ai-audit-layer/report/1"
NO_FILTERS = {"type", "from", "to", "tenant", "format"}
TOTALS = ("calls", "errors", "streamed", "interrupted", "phi", "input_tokens", "output_tokens", "redactions",
          "events_with_redactions", "priced", "free", "unpriced", "nothing_to_price")
MONEY = ("input_cost", "output_cost", "cost")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Open(Exception):
    """The figures cannot be compared."""


def check(data: bytes, scope: Scope, found: Found, last: dict[str, int], verdicts: Verdicts) -> None:
    """Compares every figure that the specification names."""
    try:
        compare(read(data, scope), scope, found, last, verdicts)
    except Open as reason:
        verdicts.leave_open("REPORT", str(reason))
    except (Refused, KeyError, TypeError, ValueError, AttributeError, InvalidOperation, RecursionError) as error:
        verdicts.refute("REPORT", f"report.json is not of schema {SCHEMA}: {error!r}")


def read(data: bytes, scope: Scope) -> dict:
    """The body of a report that this scope lets us compare."""
    value = json.loads(utf8(data), parse_float=Decimal)
    if value["schema"] != SCHEMA:
        raise Open("the report is of another schema")
    if set(value["body"]) == {"decision"}:
        raise Open("figures of a report of one decision are not recomputed")
    period = value["head"].get("period")
    if period is None or (micros(period["from"]), micros(period["to"])) != (scope.from_us, scope.to_us):
        raise Open("the report's period is not the bundle's")
    given = {item["name"]: item["value"] for item in value["head"]["parameters"] if item["name"] not in NO_FILTERS}
    if given != scope.filter:
        raise Open("the report's filter is not the bundle's")
    if scope.attribute_filters():
        raise Open("a filter on user_id or session_id cannot be followed for every record")
    return value["body"]["range"]


def micros(text: str) -> int:
    """An RFC 3339 time as microseconds."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def compare(body: dict, scope: Scope, found: Found, last: dict[str, int], verdicts: Verdicts) -> None:
    """Refutes each figure that differs."""
    sizes = {f"{chain['tenant']}/{chain['shard']}": chain["size"] for chain in body["chains"]}
    for name, size in sizes.items():
        if last.get(name, 0) < size:
            raise Open(f"the range does not cover chain {name} up to {size}")
    rows = [
        (matched, header, leaf)
        for matched, header, leaf in found.rows
        if scope.in_period(header, leaf) and leaf.index < sizes.get(leaf.chain_id, 0)
    ]
    kinds = Counter(leaf.kind_name for _, _, leaf in rows)
    events = [header for matched, header, leaf in rows if matched and leaf.kind_name == "event"]
    population, totals, figures = body["population"], body["totals"], totals_of(events)
    stated = {item["kind"]: item["count"] for item in population["kinds"] if item["count"]}
    wanted = {
        "kinds": (stated, dict(kinds)),
        "records_in_period": (population["records_in_period"], len(rows)),
        "events_in_period": (population["events_in_period"], kinds["event"]),
        "events_filtered_out": (population["events_filtered_out"], kinds["event"] - len(events)),
        "events_reported": (population["events_reported"], len(events)),
        "usage": ({name: number for name, number in totals["usage"].items() if number}, usage_of(events)),
    }
    wanted |= {name: (totals[name], figures[name]) for name in TOTALS}
    wanted |= {name: (amounts(totals[name]), money_of(events, name)) for name in MONEY}
    wanted["by_model"] = groups(body["by_model"], events, ("provider", "model"))
    wanted["by_application"] = groups(body["by_application"], events, ("application",))
    for name, (said, counted) in wanted.items():
        verdicts.expect("REPORT", said == counted, f"{name}: the report says {said}, the records {counted}")


def totals_of(events: list[dict]) -> Counter:
    """The plain counts."""
    sums: Counter = Counter()
    for header in events:
        redactions = pii_count(header)
        sums["calls"] += 1
        sums["errors"] += header.get("is_error") is True
        for flag in ("streamed", "interrupted", "phi"):
            sums[flag] += header.get(flag) is True
        for name in ("input_tokens", "output_tokens"):
            sums[name] += count(header, name)
        sums["redactions"] += redactions
        sums["events_with_redactions"] += redactions > 0
        if "cost" in header:
            sums["priced"] += 1
            sums["free"] += Decimal(header["cost"]) == 0
        else:
            sums["unpriced" if header.get("unpriced_reason") else "nothing_to_price"] += 1
    return sums


def usage_of(events: list[dict]) -> dict[str, int]:
    """Usage by bucket."""
    sums: Counter = Counter()
    for header in events:
        for bucket in header.get("usage") or {}:
            sums[bucket] += count(header["usage"], bucket)
    return {name: number for name, number in sums.items() if number}


def money_of(events: list[dict], name: str) -> dict[str, Decimal]:
    """Exact sums by currency."""
    sums: dict[str, Decimal] = {}
    for header in events:
        if name in header:
            currency = header.get("currency", "")
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(header[name])
    return sums


def amounts(stated: dict[str, str]) -> dict[str, Decimal]:
    """Stated amounts by currency."""
    return {currency: Decimal(amount) for currency, amount in stated.items()}


def groups(stated: list[dict], events: list[dict], names: tuple[str, ...]) -> tuple[list, list]:
    """What is said of each group, and what the records say."""
    said = [
        (tuple(one["name"]), one["calls"], one["errors"], one["input_tokens"], one["output_tokens"], amounts(one["cost"]))
        for one in stated
    ]
    by_name: dict[tuple, list[dict]] = {}
    for header in events:
        by_name.setdefault(tuple(header.get(name, "") for name in names), []).append(header)
    counted = []
    for name, members in by_name.items():
        sums = totals_of(members)
        numbers = (sums["calls"], sums["errors"], sums["input_tokens"], sums["output_tokens"])
        counted.append((name, *numbers, money_of(members, "cost")))
    return sorted(said, key=lambda one: one[0]), sorted(counted, key=lambda one: one[0])


def count(values: dict, name: str) -> int:
    """A count that may be absent."""
    number = values.get(name)
    return int(number) if is_integer(number) and number >= 0 else 0
