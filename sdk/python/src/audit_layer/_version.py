"""The SDK's own name and version, as they stand in an event's `source`."""

NAME = "audit-layer-python"
VERSION = "0.1.0"
