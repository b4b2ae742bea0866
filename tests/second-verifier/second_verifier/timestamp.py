"""RFC 3161 timestamps of checkpoints."""

from .note import Checkpoint
from .policy import Policy
from .verdicts import Verdicts


def check(groups: list[tuple[bytes, Checkpoint, dict[int, bytes]]], policy: Policy, verdicts: Verdicts) -> None:
    """TIME: tokens of authorities that the policy names."""
    if not policy.authorities:
        return
    for _, point, tokens in groups:
        for position in tokens:
            verdicts.leave_open("TIME", f"token {position} of size {point.size} was not looked at")
