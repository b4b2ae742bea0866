"""What set-up can raise, and the one thing that a call can raise: a refusal under `fail_closed`."""

from __future__ import annotations


class AuditError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(AuditError):
    """A setting is missing or wrong; the message names it and the fix. Raised at set-up only."""


class WrapError(AuditError):
    """`wrap` was given something whose HTTP transport it cannot find. Raised at set-up only."""


class AuditUnavailable(AuditError):
    """`fail_closed`: the intent was not acknowledged, so the provider was not called."""
