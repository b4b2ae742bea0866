"""How the edge is trusted: one TLS context per process, never in the making while the process forks.

OpenSSL takes locks of its own while it makes a context. A child forked at that moment, by whatever thread, would wait
for them for ever at its first delivery.
"""

from __future__ import annotations

import ssl
import threading
from typing import Optional

#: Held while the context is made, and over every fork.
making = threading.Lock()
_context: Optional[ssl.SSLContext] = None


def context() -> ssl.SSLContext:
    """The operating system's trusted roots. Also for plain HTTP, for which httpx would make one that nobody uses."""
    global _context
    with making:
        if _context is None:
            _context = ssl.create_default_context()
        return _context
