"""Seven verdicts with counts and first findings (docs/evidence-bundle.md section 7)."""

NAMES = ("CONTENT", "IDENTITY", "TIME", "WITNESS", "SCOPE", "ERASURE", "REPORT")
MOST_FINDINGS = 20


class Verdicts:
    """Collects what was checked, refuted and left open."""

    def __init__(self) -> None:
        self.checked = dict.fromkeys(NAMES, 0)
        self.failed = dict.fromkeys(NAMES, 0)
        self.opened = dict.fromkeys(NAMES, 0)
        self.findings: dict[str, list[str]] = {name: [] for name in NAMES}

    def passed(self, verdict: str, count: int = 1) -> None:
        """Counts checks that held."""
        self.checked[verdict] += count

    def refute(self, verdict: str, finding: str) -> None:
        """Counts a check that failed."""
        self.checked[verdict] += 1
        self.failed[verdict] += 1
        self._note(verdict, finding)

    def leave_open(self, verdict: str, finding: str) -> None:
        """Notes a check that could not be made."""
        self.opened[verdict] += 1
        self._note(verdict, finding)

    def expect(self, verdict: str, holds: bool, finding: str) -> bool:
        """Counts one check; answers whether it held."""
        if holds:
            self.passed(verdict)
        else:
            self.refute(verdict, finding)
        return holds

    def outcome(self, verdict: str) -> str:
        """`pass`, `fail` or `unproven`."""
        if self.failed[verdict]:
            return "fail"
        if self.opened[verdict] or not self.checked[verdict]:
            return "unproven"
        return "pass"

    def exit_status(self, required: list[str]) -> int:
        """1 when anything fails, 3 when something required is unproven, else 0."""
        outcomes = {name: self.outcome(name) for name in NAMES}
        if "fail" in outcomes.values():
            return 1
        return 3 if any(outcomes[name] == "unproven" for name in required) else 0

    def as_json(self) -> dict:
        """For `--json`."""
        return {
            name: {"result": self.outcome(name), "checked": self.checked[name], "findings": self.findings[name]}
            for name in NAMES
        }

    def _note(self, verdict: str, finding: str) -> None:
        if len(self.findings[verdict]) < MOST_FINDINGS:
            self.findings[verdict].append(finding)
