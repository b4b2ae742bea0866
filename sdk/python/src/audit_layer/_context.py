"""Who a call is made for: kept in a context variable, so that it follows tasks and never leaks between requests."""

from __future__ import annotations

import contextvars
import functools
from collections import deque
from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar, Union

from ._errors import ConfigurationError

Subject = Union[str, Mapping[str, str]]
Result = TypeVar("Result")

# Event ids that one context remembers; older ones are forgotten.
REMEMBERED_IDS = 1_000

_TEXT_LIMITS = {
    "environment": 128,
    "decision_type": 128,
    "operation": 128,
    "session_id": 512,
    "user_id": 512,
    "user_email": 512,
    "ip_address": 512,
}
MAX_TAGS, MAX_TAG_CHARS = 64, 1024


class Attribution:
    """One level of `audit.context(...)`: its fields laid over those around it, and the ids of the events below it."""

    __slots__ = ("event_ids", "fields", "parent")

    def __init__(self, fields: dict[str, Any], parent: Optional[Attribution]) -> None:
        self.parent = parent
        self.fields: dict[str, Any] = merged(parent.fields, fields) if parent else fields
        self.event_ids: deque[str] = deque(maxlen=REMEMBERED_IDS)

    @property
    def last_event_id(self) -> Optional[str]:
        """The id of the latest call made inside this context, for `audit.outcome(...)`."""
        return self.event_ids[-1] if self.event_ids else None

    def remember(self, event_id: str) -> None:
        """Notes an event here and in every context around it."""
        level: Optional[Attribution] = self
        while level is not None:
            level.event_ids.append(event_id)
            level = level.parent


_current: contextvars.ContextVar[Optional[Attribution]] = contextvars.ContextVar("audit_layer", default=None)


def current() -> Optional[Attribution]:
    """The innermost context of the running thread or task."""
    return _current.get()


class ContextManager:
    """What `audit.context(...)` returns; works with `with` and `async with`."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._tokens: list[contextvars.Token[Optional[Attribution]]] = []

    def __enter__(self) -> Attribution:
        attribution = Attribution(self._fields, current())
        self._tokens.append(_current.set(attribution))
        return attribution

    def __exit__(self, *exc_info: object) -> None:
        token = self._tokens.pop()
        try:
            _current.reset(token)
        except ValueError:
            # Left in another task than it was entered in (a generator finished elsewhere): nothing to restore there.
            pass

    async def __aenter__(self) -> Attribution:
        return self.__enter__()

    async def __aexit__(self, *exc_info: object) -> None:
        self.__exit__()


def carry(function: Callable[..., Result]) -> Callable[..., Result]:
    """Wraps a callable so that it runs with this moment's context in whatever thread calls it."""
    snapshot = contextvars.copy_context()

    @functools.wraps(function)
    def carried(*args: Any, **kwargs: Any) -> Result:
        # A context cannot be entered twice at once, hence the copy.
        return snapshot.copy().run(function, *args, **kwargs)

    return carried


def merged(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """The inner fields over the outer ones; tags and metadata are merged key by key."""
    result = dict(outer)
    for name, value in inner.items():
        if name in ("tags", "metadata") and name in result:
            result[name] = {**result[name], **value}
        else:
            result[name] = value
    return result


def checked_fields(**given: Any) -> dict[str, Any]:
    """The fields that are not `None`, in the event's form. A `ConfigurationError` names the one that is wrong."""
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name == "subject":
            fields[name] = _subject(value)
        elif name == "tags":
            fields[name] = _tags(value)
        elif name == "metadata":
            if not isinstance(value, Mapping):
                raise ConfigurationError("metadata is not a mapping; give a dict of JSON values")
            fields[name] = dict(value)
        elif name == "phi":
            fields[name] = bool(value)
        elif name == "trace":
            fields[name] = dict(value)
        else:
            fields[name] = _text(name, value)
    return fields


def _text(name: str, value: Any) -> str:
    text = str(value)
    limit = _TEXT_LIMITS[name]
    if len(text.encode("utf-8", "replace")) > limit:
        raise ConfigurationError(f"{name} is longer than {limit} bytes; shorten it")
    return text


def _subject(value: Subject) -> dict[str, str]:
    if isinstance(value, Mapping):
        unknown = set(value) - {"id", "email"}
        if unknown or "id" not in value:
            raise ConfigurationError("subject is a string or a dict with `id` and optionally `email`")
        return {key: str(item) for key, item in value.items() if item is not None}
    return {"id": str(value)}


def _tags(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MAX_TAGS:
        raise ConfigurationError(f"tags is not a mapping of at most {MAX_TAGS} entries")
    tags = {str(key): str(item) for key, item in value.items()}
    long = [key for key, item in tags.items() if len(item) > MAX_TAG_CHARS]
    if long:
        raise ConfigurationError(f"tags: the value of {long[0]!r} is longer than {MAX_TAG_CHARS} characters")
    return tags
