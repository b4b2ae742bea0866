"""Published vectors that other people made, read where they lie beside the checkout (AAL_VECTORS)."""

import base64
import json
import os
import unittest
from pathlib import Path

from checks.subtree import verify_subtree_consistency, verify_subtree_inclusion
from second_verifier import codec, ed25519, jcs, merkle

BESIDE = Path(__file__).resolve().parents[3].parent / "shared" / "vectors"
VECTORS = Path(os.environ.get("AAL_VECTORS", BESIDE))


def unbase64(value):
    """Vectors write an absent list of bytes as null."""
    return base64.b64decode(value or "")


@unittest.skipUnless(VECTORS.is_dir(), "the vectors are not beside the checkout")
class Vectors(unittest.TestCase):
    """Each class of vectors states how many it holds, so that none is lost silently."""

    def merkle(self, folder, check):
        """Runs one folder of transparency-dev/merkle; answers how many were valid and how many must fail."""
        counts = {False: 0, True: 0}
        for path in sorted((VECTORS / "merkle/testdata" / folder).rglob("*.json")):
            case = json.loads(path.read_text())
            proof = [unbase64(item) for item in case["proof"] or []]
            must_fail = case["wantErr"]
            with self.subTest(path=str(path.relative_to(VECTORS))):
                try:
                    check(case, proof)
                    failed = False
                except codec.Refused:
                    failed = True
                self.assertEqual(failed, must_fail, case["desc"])
                counts[must_fail] += 1
        return counts

    def test_inclusion(self):
        counts = self.merkle(
            "inclusion",
            lambda case, proof: merkle.verify_inclusion(
                unbase64(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, unbase64(case["root"])
            ),
        )
        self.assertEqual(counts, {False: 6, True: 92})

    def test_consistency(self):
        counts = self.merkle(
            "consistency",
            lambda case, proof: merkle.verify_consistency(
                case["size1"], case["size2"], unbase64(case["root1"]), unbase64(case["root2"]), proof
            ),
        )
        self.assertEqual(counts, {False: 6, True: 92})

    def test_subtree_inclusion(self):
        counts = self.merkle(
            "subtreeinclusion",
            lambda case, proof: verify_subtree_inclusion(
                unbase64(case["leafHash"]), case["leafIdx"], case["start"], case["end"], proof, unbase64(case["root"])
            ),
        )
        self.assertEqual(counts, {False: 12, True: 192})

    def test_subtree_consistency(self):
        counts = self.merkle(
            "subtreeconsistency",
            lambda case, proof: verify_subtree_consistency(
                case["start"], case["end"], case["size"], unbase64(case["root1"]), unbase64(case["root2"]), proof
            ),
        )
        self.assertEqual(counts, {False: 12, True: 106})

    def test_ed25519(self):
        counts = {"valid": 0, "invalid": 0}
        groups = json.loads((VECTORS / "wycheproof/ed25519_test.json").read_text())["testGroups"]
        for group in groups:
            key = bytes.fromhex(group["publicKey"]["pk"])
            for case in group["tests"]:
                with self.subTest(case=case["tcId"], comment=case["comment"]):
                    holds = ed25519.verify(key, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
                    self.assertEqual(holds, case["result"] == "valid")
                    counts[case["result"]] += 1
        self.assertEqual(counts, {"valid": 88, "invalid": 63})

    def test_canonical_json(self):
        folder = VECTORS / "jcs"
        inputs = sorted(path for path in folder.rglob("*.json") if path.parent.name == "input")
        self.assertTrue(inputs)
        for path in inputs:
            expected = (path.parents[1] / "output" / path.name).read_bytes()
            with self.subTest(path=path.name):
                value = json.loads(path.read_text("utf-8"), parse_int=float)
                self.assertEqual(jcs.encode(value), expected.strip())
                if path.name != "values.json":
                    jcs.parse_canonical(expected.strip())


if __name__ == "__main__":
    unittest.main()
