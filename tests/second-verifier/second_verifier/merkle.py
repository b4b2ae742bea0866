"""The tree of RFC 9162 section 2.1 with SHA-256, and its proofs."""

from .codec import Reader, Refused, U64_MAX, sha256

HASH_BYTES = 32


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(b"\x00", data)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01", left, right)


class CompactRange:
    """The roots of the perfect subtrees into which the leaves so far split, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.hashes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Adds the hash of the next leaf."""
        node = leaf
        carry = self.size
        while carry & 1:
            node = node_hash(self.hashes.pop(), node)
            carry >>= 1
        self.hashes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.hashes:
            return sha256(b"")
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node

    @staticmethod
    def decode(data: bytes) -> "CompactRange":
        """Reads the stored form: u64 n, then one hash for each one bit of n."""
        reader = Reader(data, "the compact range")
        found = CompactRange()
        found.size = reader.unsigned(8)
        found.hashes = [reader.take(32) for _ in range(found.size.bit_count())]
        reader.end()
        return found

    def encode(self) -> bytes:
        """The stored form."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)


def root(hashes: list[bytes]) -> bytes:
    """The root over leaf hashes."""
    tree = CompactRange()
    for one in hashes:
        tree.append(one)
    return tree.root()


def verify_inclusion(leaf: bytes, index: int, size: int, path: list[bytes], expected: bytes) -> None:
    """RFC 9162 section 2.1.3.2; `leaf` is the leaf's hash."""
    _check_lengths(leaf, expected, *path)
    if not 0 <= index < size <= U64_MAX:
        raise Refused(f"index {index} is not below the size {size}")
    position, last, node = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise Refused("the inclusion proof has a hash too many")
        if position & 1 or position == last:
            node = node_hash(step, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, step)
        position >>= 1
        last >>= 1
    if last != 0:
        raise Refused("the inclusion proof has a hash too few")
    if node != expected:
        raise Refused("the inclusion proof leads to another root")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, path: list[bytes]) -> None:
    """RFC 9162 section 2.1.4.2; a proof from size 0 is refused."""
    if not 0 < size1 <= size2 <= U64_MAX:
        raise Refused(f"no consistency proof can lead from size {size1} to {size2}")
    if size1 == size2:
        if path:
            raise Refused("equal sizes need an empty proof")
        if root1 != root2:
            raise Refused("equal sizes have different roots")
        return
    hashes = [root1, *path] if size1 & (size1 - 1) == 0 else list(path)
    if not hashes:
        raise Refused("the consistency proof is empty")
    first, second = size1 - 1, size2 - 1
    while first & 1:
        first >>= 1
        second >>= 1
    old = new = hashes[0]
    for step in hashes[1:]:
        if second == 0:
            raise Refused("the consistency proof has a hash too many")
        if first & 1 or first == second:
            old = node_hash(step, old)
            new = node_hash(step, new)
            while not first & 1 and first:
                first >>= 1
                second >>= 1
        else:
            new = node_hash(new, step)
        first >>= 1
        second >>= 1
    if second != 0:
        raise Refused("the consistency proof has a hash too few")
    if old != root1 or new != root2:
        raise Refused("the consistency proof leads to other roots")


def _check_lengths(*hashes: bytes) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise Refused("a hash is not of 32 bytes")


def inclusion_path(hashes: list[bytes], index: int) -> list[bytes]:
    """RFC 9162 section 2.1.3.1; for tests."""
    if len(hashes) <= 1:
        return []
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    if index < split:
        return inclusion_path(hashes[:split], index) + [root(hashes[split:])]
    return inclusion_path(hashes[split:], index - split) + [root(hashes[:split])]


def consistency_path(hashes: list[bytes], size1: int) -> list[bytes]:
    """RFC 9162 section 2.1.4.1; for tests."""
    return _subproof(size1, hashes, True)


def _subproof(size: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    if size == len(hashes):
        return [] if whole else [root(hashes)]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    if size <= split:
        return _subproof(size, hashes[:split], whole) + [root(hashes[split:])]
    return _subproof(size - split, hashes[split:], False) + [root(hashes[:split])]
