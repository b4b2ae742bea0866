"""Command line: `verify BUNDLE --policy FILE [--known-head FILE] [--json]`, and `batch` for tests."""

import argparse
import io
import json
import sys

from . import batch
from .bundle import Unreadable, Verifier
from .codec import Refused
from .policy import decode as decode_policy


def main() -> int:
    """Answers the exit status: 0 proven, 1 refuted, 2 unreadable, 3 unproven."""
    parser = argparse.ArgumentParser(prog="second_verifier")
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify")
    verify.add_argument("bundle")
    verify.add_argument("--policy", required=True)
    verify.add_argument("--known-head")
    verify.add_argument("--json", action="store_true")
    commands.add_parser("batch")
    arguments = parser.parse_args()
    if arguments.command == "batch":
        return batch.serve(sys.stdin.buffer, sys.stdout.buffer)
    try:
        with open(arguments.policy, "rb") as file:
            policy = decode_policy(file.read())
        known = None
        if arguments.known_head:
            with open(arguments.known_head, "rb") as file:
                known = file.read()
        with io.open(arguments.bundle, "rb") as stream:
            report = Verifier(stream, policy, known).run()
    except (Refused, Unreadable, OSError) as error:
        print(f"unreadable: {error}", file=sys.stderr)
        return 2
    print_report(report, arguments.json)
    return report["exit"]


def print_report(report: dict, as_json: bool) -> None:
    """The report for programs or for people."""
    if as_json:
        print(json.dumps(report, indent=2))
        return
    for name, verdict in report["verdicts"].items():
        print(f"{name:9} {verdict['result']:9} {verdict['checked']} checked")
        for finding in verdict["findings"]:
            print(f"          {finding}")
    print(f"complete within range: {report['complete_within_range']}, range covers tip: {report['range_covers_tip']}")


if __name__ == "__main__":
    sys.exit(main())
