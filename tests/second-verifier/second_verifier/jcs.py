"""RFC 8785 canonical JSON, read strictly (docs/ledger-format.md section 2.1)."""

import json
import math

from .codec import Refused, utf8

LARGEST_NUMBER = 2**53
DEEPEST = 127


def parse_canonical(data: bytes) -> object:
    """The value of bytes that are in canonical form; anything else is refused."""
    value = parse(data)
    if encode(value) != data:
        raise Refused("the JSON is not in canonical form")
    return value


def parse(data: bytes, integer=None) -> object:
    """The value of JSON bytes; duplicate names and deep nesting are refused.

    Numbers become floats, but those without fraction and exponent are given to `integer` when there is one.
    """
    text = utf8(data)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=integer or _number,
            parse_float=_number,
            parse_constant=_constant,
        )
    except RecursionError:
        raise Refused(f"JSON nested deeper than {DEEPEST}") from None
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from None
    _check_depth(value)
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("the JSON holds a lone surrogate") from None
    return value


def encode(value: object) -> bytes:
    """The one canonical form of a value."""
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("the JSON holds a lone surrogate") from None


def _encode(value: object) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_encode(name)}:{_encode(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_encode(item) for item in value) + "]"
    if isinstance(value, float):
        return number_text(value)
    return json.dumps(value, ensure_ascii=False)


def number_text(value: float) -> str:
    """A number as ECMAScript writes it."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = point - 1
    tail = "." + digits[1:] if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power >= 0 else '-'}{abs(power)}"


def _object(pairs: list[tuple[str, object]]) -> dict:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Refused("a member name stands twice in an object")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        raise Refused(f"the number {text[:40]} is beyond 2^53")
    return value


def _constant(text: str) -> object:
    raise Refused(f"{text} is no JSON")


def _check_depth(value: object) -> None:
    level, containers = 0, [value] if isinstance(value, (dict, list)) else []
    while containers:
        level += 1
        if level > DEEPEST:
            raise Refused(f"JSON nested deeper than {DEEPEST}")
        inner: list[object] = []
        for container in containers:
            inner.extend(container.values() if isinstance(container, dict) else container)
        containers = [item for item in inner if isinstance(item, (dict, list))]
