"""Which witnesses make a quorum (docs/ledger-format.md section 9.1, C2SP tlog-policy)."""

import re
from dataclasses import dataclass

from .codec import Refused, decimal
from .note import COSIGNATURE, ML_DSA_44, VerifierKey, verifier_key

LONGEST, MOST_LINES = 256 * 1024, 64
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Witness:
    """One witness of the policy."""

    name: str
    key: VerifierKey


@dataclass
class Quorum:
    """The policy's witnesses, groups and the name that must hold."""

    witnesses: dict[str, Witness]
    groups: dict[str, tuple[int, list[str]]]
    needed: str

    def holds(self, signed: set[str], name: str | None = None) -> bool:
        """Whether the signed witnesses satisfy the name."""
        wanted = self.needed if name is None else name
        if wanted in self.witnesses:
            return wanted in signed
        threshold, members = self.groups[wanted]
        return sum(self.holds(signed, member) for member in members) >= threshold


def decode(text: str) -> Quorum:
    """Reads a policy; groups may only name what stands before them."""
    witnesses: dict[str, Witness] = {}
    groups: dict[str, tuple[int, list[str]]] = {}
    needed = None
    grouped: set[str] = set()
    if len(text.encode("utf-8")) > LONGEST or _CONTROL.search(text) or (text and not text.endswith("\n")):
        raise Refused("the witness policy is too long, holds a control character or does not end in a newline")
    for row in text.split("\n"):
        parts = [part for part in re.split(r"[ \t]+", row) if part]
        if not parts or row.startswith("#"):
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
            if len(set(members)) != len(members) or grouped & set(members):
                raise Refused(f"group {parts[1]} names a member of another group, or one twice")
            grouped.update(members)
            threshold = {"any": 1, "all": len(members)}.get(parts[2]) or decimal(parts[2])
            if not 1 <= threshold <= len(members):
                raise Refused(f"group {parts[1]} needs an impossible number")
            groups[parts[1]] = (threshold, members)
        elif parts[0] == "quorum" and len(parts) == 2 and needed is None:
            needed = parts[1]
        else:
            raise Refused(f"not a line of a witness policy: {row[:80]!r}")
    if needed is None or (needed not in witnesses and needed not in groups):
        raise Refused("the witness policy has no quorum")
    if max(len(witnesses), len(groups)) > MOST_LINES:
        raise Refused("the witness policy has too many lines")
    return Quorum(witnesses, groups, needed)


def _witness(name: str, vkey: str) -> Witness:
    return Witness(name, verifier_key(vkey, (COSIGNATURE, ML_DSA_44)))


def _unused(name: str, witnesses: dict, groups: dict) -> None:
    if name in witnesses or name in groups or name == "none":
        raise Refused(f"the name {name} is taken")
