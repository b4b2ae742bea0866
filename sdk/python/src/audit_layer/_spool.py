"""Events on disk that cannot be delivered now. They survive the process; a later one of the same host delivers them.

A directory of segment files, each a sequence of lines `CRC32 PATH KEY JSON`. Whoever works on a segment holds its lock
(flock), so an orphan is a segment whose lock is free. A torn last line fails its CRC and is counted, never sent.
Segments are removed once everything in them is settled; a crash before that sends them again, which the event ids make
harmless. The files hold clear text: the directory is made for its owner alone (0700).
"""

from __future__ import annotations

import os
import threading
import time
import zlib
from pathlib import Path
from typing import IO, Optional

from ._errors import ConfigurationError
from ._sender import Line

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

SEGMENT_BYTES = 4 * 1024 * 1024
SUFFIX = ".ndjson"


class Spool:
    """The spool directory as this process sees it. Calls are serialised by a lock."""

    def __init__(self, directory: str, most_bytes: int) -> None:
        if fcntl is None:
            raise ConfigurationError("spool_dir needs file locks (flock), which this system lacks; leave it unset")
        self._dir = Path(directory)
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"spool_dir cannot be made: {error.strerror}; give a writable path") from error
        self._most_bytes = most_bytes
        self.reset()

    def reset(self) -> None:
        """Forgets the open segments, as a forked child must; the parent's locks stay with the parent."""
        self._lock = threading.Lock()
        self._held: dict[Path, IO[bytes]] = {}
        self._writing: Optional[Path] = None
        self._own: set[Path] = set()
        self._made = 0
        self.torn = 0

    def append(self, lines: list[Line]) -> list[Line]:
        """Writes lines durably; returns those for which there is no room."""
        if not lines:
            return []
        with self._lock:
            room = self._most_bytes - self._bytes_on_disk()
            data, left = bytearray(), list(lines)
            while left:
                encoded = _encode(left[0])
                if len(data) + len(encoded) > room:
                    break
                data += encoded
                left.pop(0)
            if data:
                file = self._segment_for(len(data))
                file.seek(0, os.SEEK_END)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return left

    def oldest(self) -> Optional[tuple[Path, list[Line], bool]]:
        """The oldest segment that nobody else works on, its readable lines, and whether this process wrote it."""
        with self._lock:
            for path in sorted(self._dir.glob("*" + SUFFIX)):
                file = self._held.get(path) or self._adopt(path)
                if file is None:
                    continue
                if path == self._writing:
                    self._writing = None
                file.seek(0)
                lines, torn = _decode(file.read())
                self.torn += torn
                return path, lines, path in self._own
            return None

    def replace(self, path: Path, lines: list[Line]) -> None:
        """What is left of a segment after an attempt; nothing removes it."""
        with self._lock:
            file = self._held.get(path)
            if file is None:
                return
            if not lines:
                path.unlink(missing_ok=True)
                self._held.pop(path).close()
                return
            # A crash in between leaves a torn or repeated line: both are harmless.
            data = b"".join(_encode(line) for line in lines)
            file.seek(0)
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def empty(self) -> bool:
        """Whether there is nothing that this process could deliver."""
        with self._lock:
            return not any(self._held.get(path) or self._adopt(path) for path in self._dir.glob("*" + SUFFIX))

    def close(self) -> None:
        """Lets go of every segment, for the next process."""
        with self._lock:
            for file in self._held.values():
                file.close()
            self._held.clear()
            self._writing = None

    def _bytes_on_disk(self) -> int:
        total = 0
        for path in self._dir.glob("*" + SUFFIX):
            try:
                total += path.stat().st_size
            except OSError:
                continue
        return total

    def _segment_for(self, size: int) -> IO[bytes]:
        if self._writing is not None:
            file = self._held[self._writing]
            if file.seek(0, os.SEEK_END) + size <= SEGMENT_BYTES:
                return file
        self._made += 1
        path = self._dir / f"{time.time_ns():020d}-{os.getpid()}-{self._made}{SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        file = os.fdopen(descriptor, "r+b")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._held[path] = file
        self._own.add(path)
        self._writing = path
        return file

    def _adopt(self, path: Path) -> Optional[IO[bytes]]:
        try:
            file = open(path, "r+b")  # noqa: SIM115
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its owner may have removed it between listing and locking.
            if os.fstat(file.fileno()).st_nlink == 0:
                raise OSError
        except OSError:
            file.close()
            return None
        self._held[path] = file
        return file


def _encode(line: Line) -> bytes:
    document = b" ".join((line.path.encode(), (line.key or "-").encode(), line.body))
    return b"%08x %s\n" % (zlib.crc32(document), document)


def _decode(data: bytes) -> tuple[list[Line], int]:
    lines, torn = [], 0
    for raw in data.split(b"\n"):
        if not raw:
            continue
        crc, _, document = raw.partition(b" ")
        parts = document.split(b" ", 2)
        if len(parts) != 3 or crc != b"%08x" % zlib.crc32(document):
            torn += 1
            continue
        path, key, body = parts
        lines.append(Line(body, 0, path.decode(), None if key == b"-" else key.decode()))
    return lines, torn
