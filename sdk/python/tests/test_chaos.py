"""What may happen to a process and to the edge: the application notices nothing, and losses show as gaps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import openai
from conftest import PROVIDER_KEY
from recording_edge import RecordingEdge

SOURCE = Path(__file__).resolve().parents[1] / "src"
MESSAGES: Any = [{"role": "user", "content": "hello"}]

CHILD = """
import faulthandler, os, sys
from audit_layer import AuditLayer
audit = AuditLayer(url=os.environ["EDGE"], api_key="k", application="tests", spool_dir=os.environ.get("SPOOL"),
                   linger_seconds=float(os.environ.get("LINGER", "30")), exit_seconds=3.0,
                   first_pause_seconds=0.01, longest_pause_seconds=0.05)
def record(count):
    for number in range(count):
        audit.record(provider="own", request={"body": "x"})
"""


def child(script: str, edge: str, wait: bool = True, **environment: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD + script],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "EDGE": edge, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait:
        try:
            out, err = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode == 0, err
        process.out, process.err = out, err  # type: ignore[attr-defined]
    return process


def sequences(edge: RecordingEdge) -> list:
    return [event["source"]["sequence"] for event in edge.ordered()]


def results(client: openai.OpenAI) -> list:
    return [
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES).model_dump(),
        [
            chunk.model_dump()
            for chunk in client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        ],
    ]


def test_an_edge_that_is_away_busy_or_stalled_changes_no_result(make_audit, edge, provider) -> None:
    plain = results(openai.OpenAI(api_key=PROVIDER_KEY, base_url=f"{provider}/v1"))
    for mode in ("stall", "busy", "refuse", "hang-up"):
        edge.mode = mode
        audit = make_audit(linger_seconds=0.0)
        assert results(audit.wrap(openai.OpenAI(api_key=PROVIDER_KEY, base_url=f"{provider}/v1"))) == plain
    audit = make_audit(url="http://127.0.0.1:9")
    assert results(audit.wrap(openai.OpenAI(api_key=PROVIDER_KEY, base_url=f"{provider}/v1"))) == plain
    counts = audit.close(timeout=2.0)
    assert (counts.recorded, counts.dropped) == (2, 2)


def test_calls_do_not_wait_for_an_edge_that_stalls(make_audit, edge) -> None:
    edge.mode = "stall"
    audit = make_audit(linger_seconds=0.0, queue_events=100)
    audit.record(provider="own", request={"body": "x"})
    edge.wait_for_requests(1)
    for _ in range(500):
        audit.record(provider="own", request={"body": "x"})
    counts = audit.counts()
    assert (counts.recorded, counts.dropped, counts.pending) == (501, 401, 100)


def test_the_interpreters_exit_delivers(edge) -> None:
    child("record(5)", edge.address)
    edge.wait_for(5)
    assert sequences(edge) == [0, 1, 2, 3, 4]


def test_an_exit_with_an_exception_delivers(edge) -> None:
    process = child("record(2)\nraise SystemExit(7)", edge.address, wait=False)
    process.communicate(timeout=30)
    assert process.returncode == 7
    edge.wait_for(2)


def test_an_exit_without_an_edge_ends_soon_and_says_how_many_were_lost() -> None:
    process = child("record(3)", "http://127.0.0.1:9")
    assert "3 events were dropped" in process.err  # type: ignore[attr-defined]


def test_a_killed_process_with_a_spool_shows_its_loss_as_a_gap(edge, tmp_path) -> None:
    process = child(
        "record(3); audit.flush(); record(4); print('ready', flush=True); import time; time.sleep(60)",
        edge.address,
        wait=False,
        SPOOL=str(tmp_path),
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert sequences(edge) == [0, 1, 2]
    child("record(1)", edge.address, SPOOL=str(tmp_path))
    events = edge.wait_for(5)
    killed = [event for event in events if event["source"]["instance"] == events[0]["source"]["instance"]]
    # 3, 4, 5 and 6 are missing below the closing event's number.
    assert [event["source"]["sequence"] for event in killed] == [0, 1, 2, 7]
    assert killed[-1]["tags"] == {"aal.capture": "closing"}
    assert list(tmp_path.glob("*.mark")) == []


def test_a_process_killed_while_the_edge_was_away_loses_nothing_that_was_spooled(edge, tmp_path) -> None:
    edge.mode = "busy"
    process = child(
        "record(20); audit.flush(1.0)\nwhile audit.counts().spooled < 20: audit.flush(0.1)\n"
        "print('ready', flush=True); import time; time.sleep(60)",
        edge.address,
        wait=False,
        SPOOL=str(tmp_path),
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    process.kill()
    process.wait(10)
    edge.mode = "ok"
    child("record(1)", edge.address, SPOOL=str(tmp_path))
    events = edge.wait_for(22)
    assert [e["source"]["sequence"] for e in events if e["source"]["epoch"] == events[0]["source"]["epoch"]] == list(
        range(21)
    )


def test_a_forked_child_counts_for_itself_and_repeats_nothing(edge) -> None:
    child(
        "record(3)\npid = os.fork()\nif pid == 0:\n    record(2); sys.exit(0)\nrecord(1); os.waitpid(pid, 0)\n",
        edge.address,
    )
    events = edge.wait_for(6)
    by_instance: dict = {}
    for event in events:
        by_instance.setdefault(event["source"]["instance"], []).append(event["source"]["sequence"])
    assert sorted(map(sorted, by_instance.values())) == [[0, 1], [0, 1, 2, 3]]
    assert edge.conflicts == []


def test_multiprocessing_children_deliver_before_they_leave(edge, tmp_path) -> None:
    child(
        "import multiprocessing\n"
        "context = multiprocessing.get_context('fork')\n"
        "record(1)\n"
        "children = [context.Process(target=record, args=(2,)) for _ in range(3)]\n"
        "[one.start() for one in children]; [one.join() for one in children]\n",
        edge.address,
        SPOOL=str(tmp_path),
    )
    assert len(edge.wait_for(7)) == 7
    assert list(tmp_path.iterdir()) == []


def test_forking_while_other_threads_record_does_not_hang(edge) -> None:
    child(
        "import threading\n"
        "stop = threading.Event()\n"
        "def busy():\n"
        "    while not stop.wait(0.0005): record(1)\n"
        "threads = [threading.Thread(target=busy) for _ in range(3)]\n"
        "[one.start() for one in threads]\n"
        "for _ in range(10):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        faulthandler.dump_traceback_later(15, exit=True)\n"
        "        record(1); os._exit(0 if audit.close(15.0).delivered == 1 else 1)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
        "stop.set(); [one.join() for one in threads]\n",
        edge.address,
        LINGER="0.05",
    )
    instances = {event["source"]["instance"] for event in edge.ordered()}
    assert len(instances) == 11


def test_no_fork_happens_while_openssl_makes_the_context(edge) -> None:
    child(
        "import ssl, threading\n"
        "from audit_layer import _tls\n"
        "entered, go, make = threading.Event(), threading.Event(), ssl.create_default_context\n"
        "def slowly():\n"
        "    entered.set(); go.wait(); return make()\n"
        "ssl.create_default_context = slowly\n"
        "record(1); entered.wait()\n"
        "threading.Timer(0.2, go.set).start()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os._exit(0 if _tls._context is not None else 1)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n",
        edge.address,
        LINGER="0.05",
    )


def test_threads_and_tasks_keep_their_own_context(audit, edge) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        with audit.context(user_id=f"u-{number}"):
            barrier.wait(10)
            audit.record(provider="own", request={"body": str(number)})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for event in edge.wait_for(8):
        assert event["user_id"] == f"u-{event['request']['body']}"


def test_a_context_can_be_carried_into_a_pool(audit, edge) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def work() -> None:
        audit.record(provider="own", request={"body": "x"})

    with ThreadPoolExecutor(1) as pool, audit.context(user_id="u-1", tags={"a": "1"}), audit.context(tags={"b": "2"}):
        pool.submit(audit.carry(work)).result()
        pool.submit(work).result()
    carried, bare = edge.wait_for(2)
    assert carried["user_id"] == "u-1" and carried["tags"] == {"a": "1", "b": "2"}
    assert "user_id" not in bare


def test_recording_from_many_threads_numbers_without_gaps_or_repeats(audit, edge) -> None:
    def work() -> None:
        for _ in range(200):
            audit.record(provider="own", request={"body": "x"})

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.flush(30)
    assert sequences(edge) == list(range(1000))


def test_close_keeps_its_deadline_when_the_edge_stalls(make_audit, edge) -> None:
    edge.mode = "stall"
    audit = make_audit(linger_seconds=0.0)
    audit.record(provider="own", request={"body": "x"})
    edge.wait_for_requests(1)
    before = time.monotonic()
    counts = audit.close(timeout=0.2)
    # The request itself would hold it for ten seconds.
    assert time.monotonic() - before < 8
    assert counts.dropped >= 1 and counts.delivered == 0


def test_delivering_imports_nothing() -> None:
    """A child forked while the delivering thread held an import lock could never import that module."""
    with RecordingEdge() as edge:
        process = child(
            "import json\nbefore = set(sys.modules)\nrecord(1); audit.flush()\n"
            "print(json.dumps(sorted(set(sys.modules) - before)))",
            edge.address.replace("127.0.0.1", "localhost"),
        )
    assert process.out == "[]\n"  # type: ignore[attr-defined]
