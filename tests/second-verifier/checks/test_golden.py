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
                rows = dict(line.split(" ") for line in (GOLDEN / name).read_text().splitlines())
                data = bytes.fromhex(rows["leaf"])
                self.assertEqual(leaf.decode(data).hash.hex(), rows["hash"])
                for cut in range(len(data)):
                    with self.assertRaises(codec.Refused):
                        leaf.decode(data[:cut])
                with self.assertRaises(codec.Refused):
                    leaf.decode(data + b"\0")

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
