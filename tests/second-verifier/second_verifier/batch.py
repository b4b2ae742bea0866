"""Answers many questions of a test in one process.

A question is one line of JSON, `{"op": …, "size": n, …}`, followed by n bytes; the answer is one line of JSON.
"""

import io
import json
from typing import BinaryIO

from . import archive, epoch, jcs, leaf, merkle, note, policy, proof, receipt
from .bundle import Unreadable, Verifier
from .codec import Refused, utf8

POLICIES: dict[str, policy.Policy] = {}


def serve(questions: BinaryIO, answers: BinaryIO) -> int:
    """Until the questions end."""
    while line := questions.readline():
        question = json.loads(line)
        data = questions.read(question["size"])
        answers.write(json.dumps(answer(question, data)).encode("ascii") + b"\n")
        answers.flush()
    return 0


def answer(question: dict, data: bytes) -> dict:
    """Answers one question."""
    op = question["op"]
    try:
        if op == "policy-for":
            POLICIES[question["name"]] = policy.decode(data)
            return {"ok": True}
        if op == "bundle":
            known = question.get("known")
            known_head = known.encode("utf-8") if known else None
            return Verifier(io.BytesIO(data), POLICIES[question["policy"]], known_head).run()
        if op == "checkpoint":
            text, signatures = note.split(data)
            point = note.checkpoint(text)
            pinned = POLICIES[question["policy"]]
            pinned.accept(point, note.signers(text, signatures, pinned.keys(point.size)))
            return {"ok": True}
        if op == "proof":
            proof.verify(proof.decode(data), POLICIES[question["policy"]])
            return {"ok": True}
        PARSERS[op](data)
        return {"ok": True}
    except Unreadable as error:
        return {"exit": 2, "why": str(error)}
    except Refused as error:
        return {"ok": False, "why": str(error)}


PARSERS = {
    "leaf": leaf.decode,
    "manifest": epoch.manifest,
    "heads": epoch.heads,
    "header": jcs.parse_canonical,
    "receipt": receipt.decode,
    "range": merkle.CompactRange.decode,
    "policy": policy.decode,
    "vkey": lambda data: note.verifier_key(utf8(data)),
    "note": note.split,
    "tar-header": archive.parse_header,
}
