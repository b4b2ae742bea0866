"""WITNESS: cosignatures of checkpoints."""

from .note import Signature, split
from .policy import Policy
from .quorum import Quorum, Witness
from .verdicts import Verdicts


def check(notes: list[tuple[bytes, bool]], policy: Policy, verdicts: Verdicts) -> None:
    """WITNESS: the quorum must hold on one of the recent notes; a wrong signature of a known witness refutes."""
    quorum = policy.witness_policy
    held = False
    for note, is_recent in notes:
        text, signatures = split(note)
        signed: set[str] = set()
        for signature in signatures:
            witness = _of(quorum, signature)
            if witness is None:
                continue
            if verdicts.expect("WITNESS", witness.key.verifies(text, signature.body), f"the cosignature of {witness.name} does not hold"):
                signed.add(witness.name)
        held = held or (is_recent and quorum.holds(signed))
    if not held:
        verdicts.leave_open("WITNESS", "the quorum does not hold")


def _of(quorum: Quorum, signature: Signature) -> Witness | None:
    for witness in quorum.witnesses.values():
        if (witness.key.name, witness.key.key_id) == (signature.name, signature.key_id):
            return witness
    return None
