"""Primitive values as docs/ledger-format.md section 1 writes them. Each reader accepts one spelling only."""

import base64
import binascii
import hashlib
import re
import struct

ZEROS16 = bytes(16)
ZEROS32 = bytes(32)
U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1
I64_MIN = -(2**63)
I64_MAX = 2**63 - 1

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z", re.ASCII)
_TIME = re.compile(r"(?:0|-?[1-9][0-9]{0,18})\Z", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-f]{2})*\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.ASCII)


class Refused(Exception):
    """The input is not exactly of the stated form, or does not hold; the text says why."""


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts put together."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def decimal(text: str, maximum: int = U64_MAX) -> int:
    """An unsigned decimal without sign, leading zeros or spaces."""
    if not _DECIMAL.match(text):
        raise Refused(f"not a decimal number: {text[:40]!r}")
    value = int(text)
    if value > maximum:
        raise Refused(f"{value} is above {maximum}")
    return value


def time(text: str) -> int:
    """Microseconds since 1970; a negative one carries one minus sign."""
    if not _TIME.match(text):
        raise Refused(f"not a time: {text[:40]!r}")
    value = int(text)
    if not I64_MIN <= value <= I64_MAX:
        raise Refused(f"the time {value} does not fit 64 bits")
    return value


def hexadecimal(text: str, length: int) -> bytes:
    """Lower-case hexadecimal of exactly `length` bytes."""
    if len(text) != 2 * length or not _HEX.match(text):
        raise Refused(f"not {length} bytes in lower-case hexadecimal: {text[:80]!r}")
    return bytes.fromhex(text)


def hash_hex(text: str) -> bytes:
    """32 bytes as 64 lower-case hexadecimal digits."""
    return hexadecimal(text, 32)


def base64_strict(text: str, length: int | None = None) -> bytes:
    """RFC 4648 section 4 with padding and unused bits zero."""
    try:
        value = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError) as error:
        raise Refused(f"not base64: {error}") from None
    if base64.b64encode(value).decode("ascii") != text:
        raise Refused("base64 that is not in its one canonical form")
    if length is not None and len(value) != length:
        raise Refused(f"base64 of {len(value)} bytes where {length} belong")
    return value


def uuid(text: str) -> bytes:
    """The 36 lower-case characters, as 16 bytes."""
    if not _UUID.match(text):
        raise Refused(f"not a UUID in lower case: {text[:40]!r}")
    return bytes.fromhex(text.replace("-", ""))


def uuid_text(value: bytes) -> str:
    """16 bytes as 36 lower-case characters."""
    text = value.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def utf8(data: bytes) -> str:
    """Bytes as UTF-8 text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"not UTF-8: {error.reason} at byte {error.start}") from None


def lines(text: str) -> list[str]:
    """The lines of a text of which each ends in one newline."""
    if text == "":
        return []
    if not text.endswith("\n"):
        raise Refused("the last line does not end in a newline")
    return text[:-1].split("\n")


class Reader:
    """Reads fixed-width big-endian fields from bytes."""

    def __init__(self, data: bytes, name: str):
        self._data = data
        self._name = name
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        part = self._data[self._at : self._at + length]
        if len(part) != length:
            raise Refused(f"{self._name} ends after {len(self._data)} bytes, in the middle of a field")
        self._at += length
        return part

    def unsigned(self, width: int) -> int:
        """An unsigned integer of `width` bytes."""
        return int.from_bytes(self.take(width), "big")

    def i64(self) -> int:
        """A signed integer of 8 bytes."""
        return struct.unpack(">q", self.take(8))[0]

    def remaining(self) -> int:
        """How many bytes were not read yet."""
        return len(self._data) - self._at

    def end(self) -> None:
        """Refuses whatever follows."""
        if self.remaining():
            raise Refused(f"{self.remaining()} bytes follow the end of {self._name}")
