"""Records every AI model call of an application in the AI Audit Layer.

from audit_layer import AuditLayer

audit = AuditLayer(url="http://127.0.0.1:8081", api_key=..., application="loans")
client = audit.wrap(OpenAI())
with audit.context(user_id="u-1", session_id="case-17", decision_type="credit_limit", subject="customer-9") as ctx:
    client.chat.completions.create(...)
audit.outcome(ctx.last_event_id, "approved", reviewer="j.doe")
"""

from ._config import FAIL_CLOSED, FAIL_OPEN, Settings
from ._default import configure, default
from ._errors import AuditError, AuditUnavailable, ConfigurationError, WrapError
from ._layer import AuditLayer
from ._queue import Counts
from ._transport import AsyncAuditTransport, AuditTransport
from ._version import VERSION as __version__

__all__ = [
    "FAIL_CLOSED",
    "FAIL_OPEN",
    "AsyncAuditTransport",
    "AuditError",
    "AuditLayer",
    "AuditTransport",
    "AuditUnavailable",
    "ConfigurationError",
    "Counts",
    "Settings",
    "WrapError",
    "__version__",
    "configure",
    "default",
]
