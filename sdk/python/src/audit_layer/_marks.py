"""How far an instance had counted when it was killed, so that even its last lost events show as a gap.

Beside the spool lies one small mapped file per running instance: the next sequence number (8 bytes, little-endian) and
who counts. The kernel keeps mapped bytes when the process dies. A later process that finds the file unlocked sends one
*closing event* with that next number: whatever the ledger lacks below it was lost. A clean end removes the file.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Optional

from ._event import source
from ._queue import Numbering

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

FILE_BYTES = 1024
SUFFIX = ".mark"


class Mark:
    """The counter of this process. `note` costs one store into memory."""

    def __init__(self, directory: str, numbering: Numbering) -> None:
        self._path = Path(directory) / f"{numbering.epoch}-{os.getpid()}{SUFFIX}"
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: IO[bytes] = os.fdopen(descriptor, "r+b")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        who = json.dumps({"instance": numbering.instance, "epoch": numbering.epoch}).encode()
        self._file.write(struct.pack("<QH", 0, len(who)) + who)
        self._file.truncate(FILE_BYTES)
        self._file.flush()
        self._map = mmap.mmap(self._file.fileno(), FILE_BYTES)

    def note(self, numbering: Numbering) -> None:
        """The numbering has advanced."""
        struct.pack_into("<Q", self._map, 0, numbering.next)

    def remove(self) -> None:
        """A clean end: nothing to tell."""
        self._path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Lets go without removing, as a forked child must."""
        self._file.close()


def orphans(directory: str) -> Iterator[dict[str, Any]]:
    """The `source` of each killed instance's closing event; its file is removed when the caller comes back for more."""
    for path in sorted(Path(directory).glob("*" + SUFFIX)):
        found = _read_orphan(path)
        if found is not None:
            yield found
            path.unlink(missing_ok=True)


def _read_orphan(path: Path) -> Optional[dict[str, Any]]:
    try:
        with open(path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = file.read()
        following, length = struct.unpack_from("<QH", data)
        who = json.loads(data[10 : 10 + length])
        return source(str(who["instance"]), int(who["epoch"]), int(following))
    except (OSError, ValueError, KeyError, struct.error):
        return None


def closing_event(application: str, event_id: str, numbered: dict[str, Any], reason: str) -> bytes:
    """An event that only says: so many events were numbered before me."""
    event = {
        "event_id": event_id,
        "application": application,
        "provider": "audit-layer",
        "operation": "closing",
        "request": {"body": json.dumps({"reason": reason, "numbered": numbered["sequence"]})},
        "source": numbered,
        "tags": {"aal.capture": "closing"},
    }
    return json.dumps(event, separators=(",", ":")).encode()
