"""The archive of docs/evidence-bundle.md section 1, read in one forward pass."""

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

from .codec import Refused

BLOCK = 512
MIB = 1024 * 1024
MOST_MEMBERS = 33_000
_OCTAL = re.compile(rb"[0-7]{11}\Z")
_LIMITS = (
    (r"scope\.json", 65_536),
    (r"report/report\.json", 64 * MIB),
    (r"report/report\.(pdf|csv)", 256 * MIB),
    (r"log/before\.range", 2_056),
    (r"checkpoints/[0-9]{6}\.(note|cosigned)", MIB),
    (r"checkpoints/[0-9]{6}\.tsr-[0-7]", 65_536),
    (r"log/tip\.proof", 4_096),
    (r"manifests/[0-9]{6}", 8 * MIB),
    (r"heads/(base|last)|frontiers|erasures", 64 * MIB),
    (r"records/[0-9]{6}", 64 * MIB),
    (r"manifest\.json", 8 * MIB),
)
_NAMES = [(re.compile(pattern + r"\Z", re.ASCII), limit) for pattern, limit in _LIMITS]


@dataclass(frozen=True)
class Member:
    """One member that was read."""

    name: str
    data: bytes
    sha256: str


def header(name: str, size: int) -> bytes:
    """The one header of a member."""
    block = bytearray(BLOCK)
    encoded = name.encode("ascii")
    block[0 : len(encoded)] = encoded
    block[100:108] = b"0000644\0"
    block[108:116] = b"0000000\0"
    block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = b"0"
    block[257:265] = b"ustar\x0000"
    block[329:337] = b"0000000\0"
    block[337:345] = b"0000000\0"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def parse_header(block: bytes) -> tuple[str, int]:
    """Name and size of a header that is exactly the one of its name and size."""
    try:
        name = block[:100].rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        raise Refused("a member's name is not ASCII") from None
    limit = next((limit for pattern, limit in _NAMES if pattern.match(name)), None)
    if limit is None:
        raise Refused(f"no member may be named {name[:60]!r}")
    if not _OCTAL.match(block[124:135]):
        raise Refused(f"the size of {name} is not octal")
    size = int(block[124:135], 8)
    if size > limit:
        raise Refused(f"{name} has {size} bytes, more than {limit}")
    if header(name, size) != block:
        raise Refused(f"the header of {name} is not in its one form")
    return name, size


class Archive:
    """Members one after the other; one can be looked at before it is taken."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self._next: tuple[str, int] | None = None
        self._ended = False
        self.taken: list[Member] = []

    def peek(self) -> str | None:
        """The next member's name; None at the end."""
        if self._next is None and not self._ended:
            block = self._exactly(BLOCK, "a header")
            if block == bytes(BLOCK):
                self._end()
            else:
                self._next = parse_header(block)
        return self._next[0] if self._next else None

    def take(self, name: str) -> bytes:
        """The data of the next member, which must have this name."""
        found = self.peek()
        if found != name:
            raise Refused(f"{found or 'the end'} comes where {name} belongs")
        if len(self.taken) >= MOST_MEMBERS:
            raise Refused(f"more than {MOST_MEMBERS} members")
        _, size = self._next
        data = self._exactly(size, name)
        padding = self._exactly(-size % BLOCK, name)
        if any(padding):
            raise Refused(f"the padding of {name} is not zeros")
        self._next = None
        self.taken.append(Member(name, data, hashlib.sha256(data).hexdigest()))
        return data

    def take_if(self, name: str) -> bytes | None:
        """The next member's data when it has this name."""
        return self.take(name) if self.peek() == name else None

    def numbered(self, folder: str, suffix: str = ""):
        """Takes `<folder>/000000<suffix>`, `000001` … as long as they come."""
        number = 0
        while (data := self.take_if(f"{folder}/{number:06}{suffix}")) is not None:
            yield data
            number += 1

    def end(self) -> None:
        """Refuses a further member."""
        found = self.peek()
        if found is not None:
            raise Refused(f"{found} comes where the end belongs")

    def _end(self) -> None:
        if any(self._exactly(BLOCK, "the end")):
            raise Refused("the end is not 1,024 zero bytes")
        if self._stream.read(1):
            raise Refused("bytes follow the end of the archive")
        self._ended = True

    def _exactly(self, length: int, what: str) -> bytes:
        data = self._stream.read(length) if length else b""
        if len(data) != length:
            raise Refused(f"the file ends within {what}")
        return data
