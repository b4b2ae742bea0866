"""Fixtures: a recording edge and the fake provider (built by `make test-python`), one of each a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "sdk-conformance"))

from recording_edge import RecordingEdge  # noqa: E402

from audit_layer import AuditLayer  # noqa: E402

#: Shaped like nothing: the tests look for it in events.
PROVIDER_KEY = "provider-" + "secret-" + "0123456789"


@pytest.fixture
def edge() -> Iterator[RecordingEdge]:
    with RecordingEdge() as running:
        yield running


@pytest.fixture
def make_audit(edge: RecordingEdge) -> Iterator[Callable[..., AuditLayer]]:
    """Makes layers that talk to the edge; closes them afterwards."""
    made: list[AuditLayer] = []

    def make(**settings: Any) -> AuditLayer:
        given: dict[str, Any] = {
            "url": edge.address,
            "api_key": "aal_test",
            "application": "tests",
            "linger_seconds": 0.05,
            "first_pause_seconds": 0.01,
            "longest_pause_seconds": 0.05,
        }
        layer = AuditLayer(**{**given, **settings})
        made.append(layer)
        return layer

    yield make
    for layer in made:
        layer.close(timeout=1.0)


@pytest.fixture
def audit(make_audit: Callable[..., AuditLayer]) -> AuditLayer:
    return make_audit()


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """The fake provider's address."""
    binary = Path(os.environ["AAL_BIN_DIR"]) / "aal-fake-provider"
    process = subprocess.Popen([str(binary), "--listen", "127.0.0.1:0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    yield json.loads(process.stdout.readline())["address"]
    process.stdin.close()
    process.wait(10)
