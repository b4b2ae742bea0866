"""Verifier keys, signed notes and checkpoints (docs/ledger-format.md section 7, C2SP signed-note)."""

import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from . import ed25519
from .codec import I64_MAX, Refused, base64_strict, decimal, hexadecimal, sha256, utf8

LONGEST_NOTE = 1024 * 1024
MOST_SIGNATURES = 100
ED25519, COSIGNATURE, ML_DSA_44 = 0x01, 0x04, 0x06
KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1_312}
_NAME = re.compile(r"[^\s+]+\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class VerifierKey:
    """One public key that may sign notes."""

    name: str
    key_id: bytes
    algorithm: int
    public_key: bytes
    text: str

    def verifies(self, text: bytes, body: bytes) -> bool:
        """Whether `body`, what follows the key id in a signature line, is this key's signature of the note's text."""
        if self.algorithm == ED25519:
            return ed25519.verify(self.public_key, body, text)
        time, signature = int.from_bytes(body[:8], "big"), body[8:]
        if len(body) < 8 or time > I64_MAX:
            return False
        if self.algorithm == COSIGNATURE:
            message = b"cosignature/v1\ntime %d\n" % time + text
            return time != 0 and ed25519.verify(self.public_key, signature, message)
        return _verify_ml_dsa(self, time, signature, text)


@dataclass(frozen=True)
class Signature:
    """One signature line, undecided."""

    name: str
    key_id: bytes
    body: bytes


@dataclass(frozen=True)
class Checkpoint:
    """The three lines of a checkpoint."""

    origin: str
    size: int
    root: bytes
    text: bytes


def _verify_ml_dsa(key: VerifierKey, time: int, signature: bytes, text: bytes) -> bool:
    try:
        point = checkpoint(text)
        name, origin = key.name.encode("utf-8"), point.origin.encode("utf-8")
        if max(len(name), len(origin)) > 255:
            return False
        parts = (b"subtree/v1\n\0", bytes([len(name)]), name, time.to_bytes(8, "big"), bytes([len(origin)]), origin,
                 bytes(8), point.size.to_bytes(8, "big"), point.root)
        MLDSA44PublicKey.from_public_bytes(key.public_key).verify(signature, b"".join(parts))
    except (Refused, InvalidSignature, ValueError):
        return False
    return True


def verifier_key(text: str, allowed: tuple[int, ...] = (ED25519,)) -> VerifierKey:
    """Reads `<name>+<key id>+<base64(type || public key)>` of one of the allowed types."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not _NAME.match(parts[0]):
        raise Refused(f"not a verifier key: {text[:80]!r}")
    name, key_id = parts[0], hexadecimal(parts[1], 4)
    body = base64_strict(parts[2])
    if not body or body[0] not in allowed or len(body) != KEY_BYTES[body[0]] + 1:
        raise Refused(f"the key {name} is of another type than belongs here")
    if key_id != sha256(name.encode("utf-8"), b"\n", body)[:4]:
        raise Refused(f"the key id of {name} does not fit its key")
    if body[0] != ML_DSA_44 and ed25519.small_order(body[1:]):
        raise Refused(f"the key {name} is of small order")
    return VerifierKey(name, key_id, body[0], body[1:], text)


def split(data: bytes) -> tuple[bytes, list[Signature]]:
    """The signed text (with its last newline) and the signature lines of a note."""
    if len(data) > LONGEST_NOTE:
        raise Refused("the note is longer than 1 MiB")
    whole = utf8(data)
    if _CONTROL.search(whole):
        raise Refused("the note holds a control character")
    at = whole.rfind("\n\n")
    if at < 0:
        raise Refused("the note has no signatures")
    text, block = whole[: at + 1], whole[at + 2 :]
    if not block.endswith("\n"):
        raise Refused("the note's last line does not end in a newline")
    rows = block[:-1].split("\n")
    if len(rows) > MOST_SIGNATURES:
        raise Refused(f"the note has more than {MOST_SIGNATURES} signatures")
    return text.encode("utf-8"), [_signature(row) for row in rows]


def _signature(row: str) -> Signature:
    parts = row.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not _NAME.match(parts[1]):
        raise Refused(f"not a signature line: {row[:80]!r}")
    body = base64_strict(parts[2])
    if len(body) < 5:
        raise Refused("a signature line is too short")
    return Signature(parts[1], body[:4], body[4:])


def signers(text: bytes, signatures: list[Signature], keys: list[VerifierKey]) -> list[VerifierKey]:
    """The known keys that signed; a bad signature of a known key is refused, and so is none at all."""
    known = {(key.name, key.key_id): key for key in keys}
    found: list[VerifierKey] = []
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verifies(text, signature.body):
            raise Refused(f"the signature of {key.name} does not hold")
        if key not in found:
            found.append(key)
    if not found:
        raise Refused("no known key signed the note")
    return found


def checkpoint(text: bytes) -> Checkpoint:
    """Reads the three lines of a checkpoint."""
    rows = utf8(text).split("\n")
    if len(rows) != 4 or rows[3] != "":
        raise Refused("a checkpoint has exactly three lines")
    origin, size, root = rows[:3]
    if not origin:
        raise Refused("the checkpoint has no origin")
    return Checkpoint(origin, decimal(size), base64_strict(root, 32), text)
