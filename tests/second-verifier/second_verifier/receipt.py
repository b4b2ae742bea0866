"""Receipts of the edge (docs/ledger-format.md section 8)."""

from dataclasses import dataclass

from . import ed25519
from .codec import Refused, base64_strict, hash_hex, hexadecimal, sha256, time, utf8, uuid
from .note import VerifierKey


@dataclass(frozen=True)
class Receipt:
    """One receipt."""

    event_id: bytes
    received_hash: bytes
    edge_time: int
    key_id: bytes
    signature: bytes
    signed: bytes
    hash: bytes


def decode(data: bytes) -> Receipt:
    """Reads the line, without its newline."""
    parts = utf8(data).split(" ")
    if len(parts) != 6 or parts[0] != "aal-receipt/v1":
        raise Refused("not a receipt")
    return Receipt(
        event_id=uuid(parts[1]),
        received_hash=hash_hex(parts[2]),
        edge_time=time(parts[3]),
        key_id=hexadecimal(parts[4], 4),
        signature=base64_strict(parts[5], 64),
        signed=" ".join(parts[:5]).encode("ascii"),
        hash=sha256(data),
    )


def verify(receipt: Receipt, keys: list[VerifierKey]) -> VerifierKey:
    """The pinned key that signed the receipt."""
    for key in keys:
        if key.key_id == receipt.key_id and ed25519.verify(key.public_key, receipt.signature, receipt.signed):
            return key
    raise Refused("no pinned key signed the receipt")
