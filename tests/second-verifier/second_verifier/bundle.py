"""Verifies one evidence bundle in one forward pass (docs/evidence-bundle.md)."""

from dataclasses import dataclass
from typing import BinaryIO

from . import archive, jcs, merkle, records, report as reports, scope as scopes, timestamp, witness
from .codec import Reader, Refused, ZEROS32, base64_strict, hash_hex, decimal, lines, sha256, utf8, uuid_text
from .epoch import ChainHead, Heads, Manifest, chain_line, heads, manifest
from .leaf import KINDS
from .note import Checkpoint, checkpoint, signers, split
from .policy import Policy
from .proof import decode as decode_proof, verify as verify_proof
from .verdicts import Verdicts

MOST_GROUPS, MOST_PACKS = 1_000, 16_384


class Unreadable(Exception):
    """Exit status 2."""


@dataclass
class Group:
    """One checkpoint and what was said about it by others."""

    note: bytes
    point: Checkpoint | None
    cosigned: bytes | None
    tokens: dict[int, bytes]


@dataclass
class Side:
    """The heads of the base or of the last epoch."""

    chains: dict[str, ChainHead]
    shards: dict


class Verifier:
    """The state of one pass."""

    def __init__(self, stream: BinaryIO, policy: Policy, known_head: bytes | None = None):
        self._archive = archive.Archive(stream)
        self._policy = policy
        self._known = self._read_known_head(known_head) if known_head is not None else None
        self.verdicts = Verdicts()
        self._stage = "CONTENT"
        self._groups: list[Group] = []
        self._has_report = False
        self._complete = False
        self._covers_tip = False

    def run(self) -> dict:
        """Reads everything; answers the report with the exit status."""
        try:
            if self._archive.peek() != "scope.json":
                raise Refused("the file does not begin with scope.json")
        except Refused as error:
            raise Unreadable(str(error)) from None
        try:
            self._read()
        except Refused as error:
            self.verdicts.refute(self._stage, str(error))
            for verdict in ("CONTENT", "IDENTITY", "TIME", "SCOPE"):
                self.verdicts.leave_open(verdict, "reading ended early")
            self._complete = False
        required = ["CONTENT", "IDENTITY", "TIME", "SCOPE"]
        required += ["WITNESS"] if self._policy.witness_policy is not None else []
        required += ["REPORT"] if self._has_report else []
        return {
            "exit": self.verdicts.exit_status(required),
            "verdicts": self.verdicts.as_json(),
            "complete_within_range": self._complete,
            "range_covers_tip": self._covers_tip,
        }

    def _read(self) -> None:
        self._scope = scopes.decode(self._archive.take("scope.json"))
        self.verdicts.passed("CONTENT")
        report = self._archive.take_if("report/report.json")
        self._has_report = report is not None
        self._archive.take_if("report/report.pdf")
        self._archive.take_if("report/report.csv")
        self._log = merkle.CompactRange.decode(self._archive.take("log/before.range"))
        if self._log.size != self._scope.first_epoch:
            raise Refused("log/before.range is of another size than the range says")
        self._stage = "IDENTITY"
        self._read_checkpoints()
        self._read_tip()
        self._read_manifests()
        base, last = self._read_heads()
        frontiers = self._read_frontiers(base, last)
        self._stage = "CONTENT"
        found = self._read_records(base, last, frontiers)
        self._read_erasures(found)
        if report is not None:
            sizes = {name: head.size for name, head in last.chains.items()}
            reports.check(report, self._scope, found, sizes, self.verdicts)
        self._read_books(found, len(last.chains))
        if not found.counts["leaves"]:
            for verdict in ("CONTENT", "SCOPE"):
                self.verdicts.leave_open(verdict, "the bundle has no record")
        self._complete = not self.verdicts.failed["SCOPE"]
        known_is_larger = self._known is not None and self._known.size > self._scope.tip_epoch + 1
        self._covers_tip = self._scope.last_epoch == self._scope.tip_epoch and not known_is_larger

    # Checkpoints

    def _read_checkpoints(self) -> None:
        scope, expect = self._scope, self.verdicts.expect
        expect("IDENTITY", scope.origin == self._policy.origin, "scope.origin is not the policy's")
        number = 0
        while (note := self._archive.take_if(f"checkpoints/{number:06}.note")) is not None:
            if number >= MOST_GROUPS:
                raise Refused("too many checkpoints")
            cosigned = self._archive.take_if(f"checkpoints/{number:06}.cosigned")
            tokens = {}
            for position in range(8):
                token = self._archive.take_if(f"checkpoints/{number:06}.tsr-{position}")
                if token is not None:
                    tokens[position] = token
            self._groups.append(Group(note, self._check_note(note, cosigned), cosigned, tokens))
            number += 1
        if not self._groups:
            raise Refused("there is no checkpoint")
        self._check_sizes()
        timestamp.check([(group.note, group.point, group.tokens) for group in self._groups], self._policy, self.verdicts)

    def _check_note(self, note: bytes, cosigned: bytes | None) -> Checkpoint:
        text, signatures = split(note)
        point = checkpoint(text)
        try:
            self._policy.accept(point, signers(text, signatures, self._policy.keys(point.size)))
            self.verdicts.passed("IDENTITY")
        except Refused as error:
            self.verdicts.refute("IDENTITY", f"checkpoint of size {point.size}: {error}")
        if cosigned is not None:
            cosigned_text, cosigned_signatures = split(cosigned)
            same = self.verdicts.expect("IDENTITY", cosigned_text == text, f"the cosigned note of size {point.size} has another text")
            if same:
                try:
                    signers(cosigned_text, cosigned_signatures, self._policy.keys(point.size))
                except Refused as error:
                    self.verdicts.refute("IDENTITY", f"the cosigned note of size {point.size}: {error}")
        return point

    def _check_sizes(self) -> None:
        scope = self._scope
        sizes = [group.point.size for group in self._groups]
        needed = {scope.last_epoch + 1, scope.tip_epoch + 1}
        needed |= set() if scope.base_epoch is None else {scope.base_epoch + 1}
        if any(first >= second for first, second in zip(sizes, sizes[1:])):
            raise Refused("the checkpoints are not in ascending order of size")
        if not needed <= set(sizes) or sizes[0] < scope.first_epoch + 1 or sizes[-1] != scope.tip_epoch + 1:
            raise Refused("the checkpoints are not those of the range")
        if any(scope.last_epoch + 1 < size < scope.tip_epoch + 1 for size in sizes):
            raise Refused("a checkpoint lies between the last epoch and the tip")

    def _check_witnesses(self) -> None:
        if self._policy.witness_policy is None:
            self.verdicts.leave_open("WITNESS", "the policy has no witness_policy")
            return
        scope, earliest = self._scope, self._last_closed - self._policy.max_witness_delay_s * 1_000_000
        notes = []
        for group in self._groups:
            epoch = group.point.size - 1
            is_recent = epoch in (scope.last_epoch, scope.tip_epoch) or self._closed.get(epoch, earliest - 1) >= earliest
            notes.append((group.cosigned or group.note, is_recent))
        witness.check(notes, self._policy, self.verdicts)

    def _read_known_head(self, note: bytes) -> Checkpoint:
        try:
            text, signatures = split(note)
            point = checkpoint(text)
            self._policy.accept(point, signers(text, signatures, self._policy.keys(point.size)))
            return point
        except Refused as error:
            raise Unreadable(f"the known head: {error}") from None

    # The log

    def _read_tip(self) -> None:
        scope = self._scope
        if scope.tip_epoch == scope.last_epoch:
            return
        path = [base64_strict(line, 32) for line in lines(utf8(self._archive.take("log/tip.proof")))]
        roots = {group.point.size: group.point.root for group in self._groups}
        first, second = scope.last_epoch + 1, scope.tip_epoch + 1
        merkle.verify_consistency(first, second, roots[first], roots[second], path)
        self.verdicts.passed("IDENTITY")

    def _read_manifests(self) -> None:
        scope = self._scope
        roots = {group.point.size: group.point.root for group in self._groups}
        self._manifests: dict[int, Manifest] = {}
        self._closed: dict[int, int] = {}
        before: tuple[Manifest, bytes] | None = None
        for data in self._packs("manifests"):
            reader = Reader(data, "a manifests member")
            if not data:
                raise Refused("a manifests member is empty")
            while reader.remaining():
                one = reader.take(reader.unsigned(2))
                found = manifest(one)
                self._check_manifest(found, before)
                position = self._log.size
                self._log.append(merkle.leaf_hash(one))
                self._compare_root(roots)
                before = found, sha256(one)
                if position + 1 in roots:
                    self._closed[position] = found.closed
                if position in (scope.base_epoch, scope.last_epoch):
                    self._manifests[position] = found
        if before is None or self._log.size != scope.last_epoch + 1:
            raise Refused("the manifests do not reach the last epoch")
        self._last_closed = before[0].closed
        self._check_witnesses()
        if self._known is not None and self._known.size == scope.tip_epoch + 1:
            self.verdicts.expect("IDENTITY", roots[self._known.size] == self._known.root, "the known head has another root")
        elif self._known is not None and not scope.first_epoch < self._known.size <= scope.last_epoch + 1:
            self.verdicts.leave_open("IDENTITY", "the known head is of a size that cannot be compared")

    def _check_manifest(self, found: Manifest, before: tuple[Manifest, bytes] | None) -> None:
        expect, number = self.verdicts.expect, self._log.size
        expect("IDENTITY", found.epoch == number, f"the manifest of epoch {found.epoch} stands where {number} belongs")
        if before is None:
            if number == 0:
                expect("IDENTITY", found.previous == ZEROS32, "the manifest of epoch 0 names one before")
            return
        previous, digest = before
        expect("IDENTITY", found.previous == digest, f"manifest {number} does not name the one before")
        expect("TIME", found.opened == previous.closed, f"manifest {number} does not open when the one before closed")
        expect("IDENTITY", found.leaves >= previous.leaves, f"manifest {number} has fewer leaves than the one before")

    def _compare_root(self, roots: dict[int, bytes]) -> None:
        size = self._log.size
        if size in roots:
            self.verdicts.expect("IDENTITY", self._log.root() == roots[size], f"the manifests do not lead to the checkpoint of size {size}")
        if self._known is not None and self._known.size == size:
            self.verdicts.expect("IDENTITY", self._log.root() == self._known.root, "the known head has another root")

    # Heads

    def _read_heads(self) -> tuple[Side, Side]:
        scope, expect = self._scope, self.verdicts.expect
        base = Side({}, {})
        if scope.base_epoch is not None:
            base = self._side(self._archive.take("heads/base"), self._manifests[scope.base_epoch])
        last = self._side(self._archive.take("heads/last"), self._manifests[scope.last_epoch])
        for name, head in base.chains.items():
            later = last.chains.get(name)
            expect("IDENTITY", later is not None and later.size >= head.size, f"chain {name} shrank or vanished")
        for number, shard in base.shards.items():
            later = last.shards.get(number)
            grows = later is not None and later.next_block >= shard.next_block and later.next_offset >= shard.next_offset
            expect("IDENTITY", grows, f"shard {number} shrank or vanished")
        return base, last

    def _side(self, data: bytes, of: Manifest) -> Side:
        if self._scope.tenant is not None:
            return Side(self._tenant_lines(data, of), {})
        found: Heads = heads(data)
        for holds, finding in (
            (found.count == of.head_count, "the number of heads is not the manifest's"),
            (found.root == of.heads_root, "the root of the heads is not the manifest's"),
            (found.leaves == of.leaves, "the sizes of the heads are not the manifest's leaves"),
        ):
            self.verdicts.expect("IDENTITY", holds, f"epoch {of.epoch}: {finding}")
        return Side(found.chains, found.shards)

    def _tenant_lines(self, data: bytes, of: Manifest) -> dict[str, ChainHead]:
        chains: dict[str, ChainHead] = {}
        expected = None
        for row in lines(utf8(data)):
            parts = row.split(" ", 2)
            if len(parts) != 3:
                raise Refused("a line of the heads needs an index, a path and the line")
            index = decimal(parts[0])
            path = [] if parts[1] == "-" else [hash_hex(item) for item in parts[1].split(",")]
            if expected is not None and index != expected:
                raise Refused("the indexes of the heads are not consecutive")
            expected = index + 1
            head = chain_line(parts[2])
            if not head.chain_id.startswith(uuid_text(self._scope.tenant) + "/") or head.chain_id in chains:
                raise Refused(f"{head.chain_id} does not belong here")
            merkle.verify_inclusion(merkle.leaf_hash(parts[2].encode("utf-8")), index, of.head_count, path, of.heads_root)
            self.verdicts.passed("IDENTITY")
            chains[head.chain_id] = head
        return chains

    def _read_frontiers(self, base: Side, last: Side) -> dict[str, merkle.CompactRange]:
        rows = lines(utf8(self._archive.take("frontiers")))
        wanted = [name for name, head in last.chains.items() if name in base.chains and head.size > base.chains[name].size]
        if len(rows) != len(wanted):
            raise Refused("the number of frontiers is not that of the chains that grew")
        found = {}
        for name, row in zip(wanted, rows):
            if not row.startswith(name + " "):
                raise Refused(f"the frontier of {name} is missing")
            frontier = merkle.CompactRange.decode(base64_strict(row[len(name) + 1 :]))
            head = base.chains[name]
            holds = frontier.size == head.size and frontier.root() == head.root
            self.verdicts.expect("IDENTITY", holds, f"the frontier of {name} is not that of its head")
            found[name] = frontier
        return found

    # Records and what follows

    def _read_records(self, base: Side, last: Side, frontiers: dict[str, merkle.CompactRange]) -> records.Found:
        scope, verdicts, found = self._scope, self.verdicts, records.Found()
        chains = records.Chains(base.chains, last.chains, frontiers, verdicts)
        latest = self._last_closed + self._policy.clock_tolerance_s * 1_000_000
        earliest = None
        if self._policy.max_seal_delay_s is not None and scope.base_epoch is not None:
            earliest = self._manifests[scope.base_epoch].closed - self._policy.max_seal_delay_s * 1_000_000
        for data in self._packs("records"):
            for entry in records.entries(data):
                leaf = records.check(entry, scope, verdicts, found)
                chains.follow(leaf)
                where = f"{leaf.chain_id} index {leaf.index}"
                verdicts.expect("TIME", leaf.t_edge <= latest, f"{where} is later than the last epoch")
                if earliest is not None and leaf.t_edge < earliest:
                    verdicts.leave_open("TIME", f"{where} came late or was dated back")
        chains.finish()
        if scope.tenant is None:
            records.check_offsets(found, base.shards, last.shards, verdicts)
        else:
            verdicts.leave_open("SCOPE", "that the tenant has no further chain cannot be seen")
        return found

    def _read_erasures(self, found: records.Found) -> None:
        data = self._archive.take_if("erasures")
        if data is not None:
            if not data:
                raise Refused("erasures is empty")
            reader = Reader(data, "erasures")
            while reader.remaining():
                header, proof = reader.take(reader.unsigned(4)), reader.take(reader.unsigned(4))
                try:
                    self._check_erasure(header, proof, found)
                except Refused as error:
                    self.verdicts.refute("ERASURE", f"a proof of an erasure: {error}")
        records.check_prunes(found, self.verdicts)
        for (tenant, key), times in found.absent.items():
            if (tenant, key) in found.erased:
                self.verdicts.passed("ERASURE", times)
            else:
                self.verdicts.refute("ERASURE", f"slots of key {uuid_text(key)} are absent and no erasure is recorded")

    def _check_erasure(self, header: bytes, proof: bytes, found: records.Found) -> None:
        decoded = decode_proof(proof)
        if decoded.note != self._groups[-1].note:
            raise Refused("its checkpoint is not that of the tip")
        _, leaf = verify_proof(decoded, self._policy)
        value = jcs.parse_canonical(header)
        if sha256(header) != leaf.header_hash or KINDS[leaf.kind] not in ("erasure_done", "prune") or not isinstance(value, dict):
            raise Refused("the header is not that of an erasure_done or prune leaf")
        if leaf.kind_name == "erasure_done":
            found.erased.update((leaf.tenant, key) for key in records.erased_keys(value))
        records.note_prune(leaf, value, found)
        self.verdicts.passed("ERASURE")

    def _read_books(self, found: records.Found, chains: int) -> None:
        before = [(member.name, member.sha256, len(member.data)) for member in self._archive.taken]
        names = {"counts", "format", "members"}
        value = scopes.exactly(jcs.parse_canonical(self._archive.take("manifest.json")), names, "manifest.json")
        if value["format"] != "aal-bundle-manifest/v1" or not isinstance(value["members"], list):
            raise Refused("manifest.json is of another format")
        named = []
        for member in value["members"]:
            scopes.exactly(member, {"name", "sha256", "size"}, "a member of manifest.json")
            named.append((member["name"], member["sha256"], scopes.count(member["size"])))
        counted = {**found.counts, "chains": chains, "manifests": self._log.size - self._scope.first_epoch}
        counts = scopes.exactly(value["counts"], set(counted), "counts")
        self.verdicts.expect("CONTENT", named == before, "manifest.json names other members than were read")
        same = {name: scopes.count(number) for name, number in counts.items()} == counted
        self.verdicts.expect("CONTENT", same, "manifest.json has other counts than were counted")
        self._archive.end()

    def _packs(self, folder: str):
        for number, data in enumerate(self._archive.numbered(folder)):
            if number >= MOST_PACKS:
                raise Refused(f"too many members in {folder}")
            yield data
