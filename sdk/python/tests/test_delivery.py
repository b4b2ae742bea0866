"""The way to the edge: batches, answers per item, back-off, limits, spool."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from recording_edge import RecordingEdge

from audit_layer import AuditLayer, ConfigurationError


def fill(audit: AuditLayer, count: int, **more: Any) -> None:
    for number in range(count):
        audit.record(provider="own", request={"body": f"n{number}"}, **more)


def sequences(edge: RecordingEdge) -> list:
    return [event["source"]["sequence"] for event in edge.ordered()]


def test_events_go_in_batches_and_are_numbered_from_0(audit, edge) -> None:
    fill(audit, 50)
    assert audit.flush()
    edge.wait_for(50)
    assert sequences(edge) == list(range(50))
    assert edge.requests < 10
    assert len({(e["source"]["instance"], e["source"]["epoch"]) for e in edge.ordered()}) == 1
    counts = audit.counts()
    assert (counts.recorded, counts.delivered, counts.pending) == (50, 50, 0)


def test_only_what_was_not_taken_is_sent_again(make_audit, edge) -> None:
    edge.mode = "flaky"
    audit = make_audit()
    fill(audit, 8)
    assert audit.flush()
    edge.wait_for(8)
    assert edge.conflicts == []
    assert audit.counts().delivered == 8
    assert audit.counts().retries >= 3


def test_a_lost_answer_does_not_record_twice(make_audit, edge) -> None:
    edge.mode = "hang-up"
    audit = make_audit()
    fill(audit, 3)
    assert audit.flush()
    edge.wait_for(3)
    assert edge.requests == 2
    assert edge.conflicts == []


def test_refused_events_are_counted_and_take_no_other_with_them(audit, edge) -> None:
    fill(audit, 2)
    fill(audit, 1, tags={"edge": "refuse"})
    fill(audit, 2)
    audit.flush()
    edge.wait_for(4)
    counts = audit.counts()
    assert (counts.delivered, counts.refused) == (4, 1)
    assert sequences(edge) == [0, 1, 3, 4]


def test_a_batch_that_is_refused_as_a_whole_is_taken_apart(make_audit, edge) -> None:
    edge.mode = "refuse"
    audit = make_audit()
    fill(audit, 4)
    audit.flush()
    assert audit.counts().refused == 4


def test_a_full_queue_drops_counts_and_leaves_a_gap(make_audit, edge) -> None:
    edge.mode = "busy"
    audit = make_audit(queue_events=5)
    fill(audit, 8)
    assert audit.counts().dropped == 3
    edge.mode = "ok"
    assert audit.flush()
    fill(audit, 1)
    assert audit.flush()
    assert sequences(edge) == [0, 1, 2, 3, 4, 8]


def test_a_queue_full_of_bytes_drops_too(make_audit, edge) -> None:
    edge.mode = "busy"
    audit = make_audit(queue_bytes=20_000)
    audit.record(provider="own", request={"body": "x" * 15_000})
    audit.record(provider="own", request={"body": "y" * 15_000})
    assert audit.counts().dropped == 1


def test_dropped_at_the_end_shows_by_a_closing_event(make_audit, edge) -> None:
    edge.mode = "busy"
    audit = make_audit(queue_events=2)
    fill(audit, 6)
    edge.mode = "ok"
    counts = audit.close()
    closing = edge.wait_for(3)[-1]
    assert closing["source"]["sequence"] == 6
    assert closing["tags"] == {"aal.capture": "closing"}
    assert (counts.recorded, counts.delivered, counts.dropped) == (7, 3, 4)


def test_a_disabled_layer_records_nothing_and_needs_no_settings(monkeypatch) -> None:
    monkeypatch.setenv("AUDIT_LAYER_DISABLED", "1")
    audit = AuditLayer()
    assert audit.record(provider="own", request={"body": "x"}) is None
    assert audit.outcome("0192f0c4-0000-7000-8000-000000000000", "approved") is None
    assert audit.counts().recorded == 0


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "AUDIT_LAYER_URL"),
        ({"url": "edge:1", "api_key": "k", "application": "a"}, "http://"),
        ({"url": "http://e", "api_key": "k\n", "application": "a"}, "api_key"),
        ({"url": "http://e", "api_key": "k", "application": "a", "queue_events": 0}, "queue_events"),
        ({"url": "http://e", "api_key": "k", "application": "a", "policy": "open"}, "fail_closed"),
        ({"url": "http://e", "api_key": "k", "application": "a", "linger": 1}, "linger"),
    ],
)
def test_wrong_settings_are_named(settings, word, monkeypatch) -> None:
    for name in ("AUDIT_LAYER_URL", "AUDIT_LAYER_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=word):
        AuditLayer(**settings)


def test_outcomes_are_delivered_after_their_event(audit, edge) -> None:
    event_id = audit.record(provider="own", request={"body": "x"})
    assert event_id
    outcome_id = audit.outcome(event_id, "approved", reviewer="j.doe", override=True)
    assert audit.flush()
    assert edge.outcomes[outcome_id] == {
        "path": f"/api/v1/audit/logs/{event_id}/outcomes",
        "outcome": "approved",
        "reviewer": "j.doe",
        "override": True,
    }
    assert event_id in edge.events


def test_the_spool_keeps_events_while_the_edge_is_away_and_empties_afterwards(make_audit, edge, tmp_path) -> None:
    edge.mode = "busy"
    audit = make_audit(spool_dir=str(tmp_path), queue_events=10)
    for _ in range(5):
        fill(audit, 10)
        audit.flush(timeout=0.2)
    counts = audit.counts()
    assert (counts.dropped, counts.spooled + counts.pending) == (0, 50)
    edge.mode = "ok"
    assert audit.flush()
    assert sequences(edge) == list(range(50))
    assert audit.counts().delivered == 50
    assert list(tmp_path.glob("*.ndjson")) == []


def test_another_process_delivers_what_was_spooled_and_a_torn_line_costs_only_itself(
    make_audit, edge, tmp_path
) -> None:
    edge.mode = "busy"
    first = make_audit(spool_dir=str(tmp_path))
    fill(first, 3)
    counts = first.close(timeout=2.0)
    assert (counts.spooled, counts.dropped) == (3, 0)
    (segment,) = tmp_path.glob("*.ndjson")
    assert (segment.stat().st_mode & 0o077) == 0
    with segment.open("ab") as file:
        file.write(b'00000000 /api/v1/audit/logs - {"torn')
    edge.mode = "ok"
    second = make_audit(spool_dir=str(tmp_path))
    fill(second, 1)
    second.flush()
    edge.wait_for(4)
    second.flush()
    assert second.counts().recovered == 3
    assert list(tmp_path.glob("*.ndjson")) == []


def test_a_full_spool_drops_and_counts(make_audit, edge, tmp_path) -> None:
    edge.mode = "busy"
    audit = make_audit(spool_dir=str(tmp_path), spool_bytes=2_000)
    fill(audit, 20)
    counts = audit.close(timeout=2.0)
    assert counts.spooled + counts.dropped == counts.recorded - counts.delivered - counts.refused
    assert counts.dropped > 0 and counts.spooled > 0
    assert sum(file.stat().st_size for file in tmp_path.glob("*.ndjson")) <= 2_000


def test_nothing_of_an_event_is_logged(make_audit, edge, caplog) -> None:
    caplog.set_level(logging.DEBUG, logger="audit_layer")
    edge.mode = "refuse"
    audit = make_audit()
    audit.record(provider="own", request={"body": "very-private-words"}, user_id="private-user")
    audit.flush()
    audit.close()
    assert caplog.records
    assert "private" not in caplog.text


def test_a_long_body_is_cut_and_says_so(make_audit, edge) -> None:
    import hashlib

    body = "ä" * 300_000
    audit = make_audit(max_event_bytes=200_000)
    audit.record(provider="own", request={"body": "short"}, response={"status": 200, "body": body})
    (event,) = edge.wait_for(1)
    assert len(json.dumps(event, ensure_ascii=False).encode()) <= 200_000
    assert body.startswith(event["response"]["body"]) and event["request"]["body"] == "short"
    assert event["tags"]["aal.response.bytes"] == "600000"
    assert event["tags"]["aal.response.sha256"] == hashlib.sha256(body.encode()).hexdigest()


def test_what_record_is_given_is_checked_by_name(audit) -> None:
    with pytest.raises(ConfigurationError, match="'colour'"):
        audit.record(provider="own", request={"body": "x"}, colour="red")
    with pytest.raises(ConfigurationError, match="request and response"):
        audit.record(provider="own")
    with pytest.raises(ConfigurationError, match="'headers'"):
        audit.record(provider="own", request={"headers": {}})
    with pytest.raises(ConfigurationError, match="session_id"):
        audit.context(session_id="x" * 600)


def test_what_is_recorded_while_a_flush_ends_waits_for_its_own_batch(make_audit, edge, monkeypatch) -> None:
    audit = make_audit(linger_seconds=30.0)
    attempt = audit._worker._attempt

    def attempt_and_record_more() -> bool:
        progressed = attempt()
        audit.record(provider="own", request={"body": "later"})
        return progressed

    monkeypatch.setattr(audit._worker, "_attempt", attempt_and_record_more)
    audit.record(provider="own", request={"body": "first"})
    audit._worker.wake()
    edge.wait_for(1)
    with audit._queue.settled:
        assert audit._queue.settled.wait_for(lambda: not audit._queue.hurry, timeout=10)
        assert audit._queue.recorded == 2 and len(audit._queue.items) == 1
