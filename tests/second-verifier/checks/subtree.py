"""Subtree proofs of draft-ietf-plants-merkle-tree-certs section 4. Our format does not use them; the published vectors hold them."""

from second_verifier.codec import Refused, sha256
from second_verifier.merkle import node_hash, verify_inclusion


def verify_subtree_inclusion(leaf, index, start, end, path, expected):
    """The leaf at `index` of the log is in the subtree of leaves [start, end)."""
    check_subtree(start, end)
    verify_inclusion(leaf, index - start, end - start, path, expected)


def verify_subtree_consistency(start, end, size, subtree_root, root, path):
    """The subtree of leaves [start, end) is part of the tree of `size` leaves."""
    if start == end <= size:
        # The draft: an empty subtree is part of every tree; its proof is empty.
        if path or subtree_root != sha256(b""):
            raise Refused("an empty subtree needs the empty root and an empty proof")
        return
    check_subtree(start, end)
    if end > size:
        raise Refused("not a subtree of that tree")
    first, last, tip = start, end - 1, size - 1
    if last == tip:
        while first != last:
            first, last, tip = first >> 1, last >> 1, tip >> 1
    else:
        while first != last and last & 1:
            first, last, tip = first >> 1, last >> 1, tip >> 1
    steps = list(path)
    if first == last:
        old = new = subtree_root
    elif steps:
        old = new = steps.pop(0)
    else:
        raise Refused("the proof is empty")
    for step in steps:
        if tip == 0:
            raise Refused("a hash too many")
        if last & 1 or last == tip:
            if first < last:
                old = node_hash(step, old)
            new = node_hash(step, new)
            while not last & 1 and last:
                first, last, tip = first >> 1, last >> 1, tip >> 1
        else:
            new = node_hash(new, step)
        first, last, tip = first >> 1, last >> 1, tip >> 1
    if tip != 0 or old != subtree_root or new != root:
        raise Refused("the proof does not lead to both roots")


def check_subtree(start, end):
    """Only aligned ranges are subtrees."""
    if not 0 <= start < end or start % (1 << (end - start - 1).bit_length()):
        raise Refused("no subtree")
