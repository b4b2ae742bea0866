"""Witness cosignatures and quorums (C2SP tlog-policy and tlog-cosignature)."""

from dataclasses import dataclass

from . import ed25519
from .codec import Refused, base64_strict, hexadecimal, sha256
from .note import Signature, split
from .policy import Policy
from .verdicts import Verdicts

COSIGNATURE_V1 = 0x04


@dataclass(frozen=True)
class Witness:
    """One witness of the policy."""

    name: str
    key_name: str
    key_id: bytes
    public_key: bytes


@dataclass
class Quorum:
    """The policy's witnesses, groups and the name that must hold."""

    witnesses: dict[str, Witness]
    groups: dict[str, tuple[int, list[str]]]
    needed: str

    def holds(self, signed: set[str], name: str | None = None) -> bool:
        """Whether the signed witnesses satisfy the name."""
        wanted = self.needed if name is None else name
        if wanted == "none":
            return True
        if wanted in self.witnesses:
            return wanted in signed
        threshold, members = self.groups[wanted]
        return sum(self.holds(signed, member) for member in members) >= threshold


def decode(text: str) -> Quorum:
    """Reads a policy; groups may only name what stands before them."""
    witnesses: dict[str, Witness] = {}
    groups: dict[str, tuple[int, list[str]]] = {}
    needed = None
    for row in text.split("\n"):
        parts = row.split()
        if not parts or parts[0].startswith("#"):
            continue
        if parts[0] == "log" and len(parts) in (2, 3):
            continue
        if parts[0] == "witness" and len(parts) in (3, 4):
            _unused(parts[1], witnesses, groups)
            witnesses[parts[1]] = _witness(parts[1], parts[2])
        elif parts[0] == "group" and len(parts) >= 4:
            _unused(parts[1], witnesses, groups)
            members = parts[3:]
            if any(member not in witnesses and member not in groups for member in members):
                raise Refused(f"group {parts[1]} names something unknown")
            threshold = {"any": 1, "all": len(members)}.get(parts[2]) or int(parts[2])
            if not 1 <= threshold <= len(members):
                raise Refused(f"group {parts[1]} needs an impossible number")
            groups[parts[1]] = (threshold, members)
        elif parts[0] == "quorum" and len(parts) == 2 and needed is None:
            needed = parts[1]
        else:
            raise Refused(f"not a line of a witness policy: {row[:80]!r}")
    if needed is None or (needed != "none" and needed not in witnesses and needed not in groups):
        raise Refused("the witness policy has no quorum")
    return Quorum(witnesses, groups, needed)


def check(notes: list[tuple[bytes, bool]], policy: Policy, verdicts: Verdicts) -> None:
    """WITNESS: the quorum must hold on one of the recent notes; a wrong signature of a known witness refutes."""
    quorum = decode(policy.witness_policy or "")
    held = False
    for note, is_recent in notes:
        text, signatures = split(note)
        signed: set[str] = set()
        for signature in signatures:
            witness = _of(quorum, signature)
            if witness is None:
                continue
            if verdicts.expect("WITNESS", _verify(witness, signature, text), f"the cosignature of {witness.name} does not hold"):
                signed.add(witness.name)
        held = held or (is_recent and quorum.holds(signed))
    if not held:
        verdicts.leave_open("WITNESS", "the quorum does not hold")


def _of(quorum: Quorum, signature: Signature) -> Witness | None:
    for witness in quorum.witnesses.values():
        if (witness.key_name, witness.key_id) == (signature.name, signature.key_id):
            return witness
    return None


def _verify(witness: Witness, signature: Signature, text: bytes) -> bool:
    if len(signature.body) != 72:
        return False
    time = int.from_bytes(signature.body[:8], "big")
    message = b"cosignature/v1\ntime %d\n" % time + text
    return ed25519.verify(witness.public_key, signature.body[8:], message)


def _witness(name: str, vkey: str) -> Witness:
    parts = vkey.split("+", 2)
    if len(parts) != 3:
        raise Refused(f"the key of witness {name} is no verifier key")
    body = base64_strict(parts[2], 33)
    key_id = hexadecimal(parts[1], 4)
    if body[0] != COSIGNATURE_V1 or sha256(parts[0].encode("utf-8"), b"\n", body)[:4] != key_id:
        raise Refused(f"the key of witness {name} is not of type cosignature/v1 or its id does not fit")
    return Witness(name, parts[0], key_id, body[1:])


def _unused(name: str, witnesses: dict, groups: dict) -> None:
    if name in witnesses or name in groups or name == "none":
        raise Refused(f"the name {name} is taken")
