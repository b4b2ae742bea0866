"""The golden files of the formats, read by this verifier."""

import unittest
from pathlib import Path

from second_verifier import codec, epoch, leaf, merkle, receipt

GOLDEN = Path(__file__).resolve().parents[3] / "crates/ledger/tests/golden"


class Golden(unittest.TestCase):
    """What the product once wrote must stay readable."""

    def test_leaves(self):
        names = sorted(path.name for path in GOLDEN.glob("leaf-v1-*.txt"))
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            with self.subTest(name=name):
                lines = [line.split(" ") for line in (GOLDEN / name).read_text().splitlines() if " " in line]
                leaves = [bytes.fromhex(line[1]) for line in lines if line[0] == "leaf"]
                hashes = [line[1] for line in lines if line[0] == "hash"]
                self.assertEqual([leaf.decode(data).hash.hex() for data in leaves], hashes)
                self.assertTrue(leaves)
                for cut in range(len(leaves[0])):
                    with self.assertRaises(codec.Refused):
                        leaf.decode(leaves[0][:cut])
                with self.assertRaises(codec.Refused):
                    leaf.decode(leaves[0] + b"\0")

    def test_heads_and_manifest(self):
        heads = epoch.heads((GOLDEN / "heads-v1.txt").read_bytes())
        data = (GOLDEN / "manifest-v1.txt").read_bytes()
        manifest = epoch.manifest(data)
        self.assertEqual(manifest.heads_root, heads.root)
        self.assertEqual(manifest.head_count, heads.count)
        self.assertEqual(manifest.leaves, heads.leaves)
        hashes = (GOLDEN / "manifest-v1-hashes.txt").read_text().split()
        self.assertEqual(codec.sha256(data).hex(), hashes[0])
        self.assertEqual(merkle.leaf_hash(data).hex(), hashes[1])

    def test_receipt(self):
        data = (GOLDEN / "receipt-v1.txt").read_bytes().rstrip(b"\n")
        found = receipt.decode(data)
        self.assertEqual(codec.uuid_text(found.event_id), "0192f0c1-7a11-7000-8000-000000000001")


if __name__ == "__main__":
    unittest.main()
