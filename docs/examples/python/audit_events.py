"""Sends one audit event straight to Kafka, in Avro's single-object encoding or in Confluent's framing.

    audit_events.py --brokers localhost:9092 --tenant UUID --schema audit_event.v1.avsc [--registry http://...]

Needs `confluent-kafka` and `fastavro`; with `--registry` also what `confluent-kafka[schemaregistry]` brings.
"""

import argparse
import io
import json
import time
import uuid

import fastavro
from confluent_kafka import KafkaException, Producer

TOPIC = "audit.events"


def an_event(tenant: str) -> dict:
    """What the application asked its model and what it was answered. Fields left out take the schema's defaults."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Is a limit of 5000 right?"}]}
    answered = {
        "model": "gpt-4o",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
        "usage": {"prompt_tokens": 14, "completion_tokens": 2, "total_tokens": 16},
    }
    return {
        # The idempotency key: make it once, keep it for every attempt to send.
        "event_id": str(uuid.uuid4()),
        "tenant": tenant,
        "application": "loans",
        # Microseconds since the Unix epoch.
        "occurred_at": time.time_ns() // 1000,
        "session_id": "session-1",
        "decision_type": "credit",
        "subject": {"id": "customer-9"},
        "provider": "openai",
        "operation": "chat",
        "request": {
            "method": "POST",
            "url": "https://api.openai.com/v1/chat/completions",
            # As sent, without credentials.
            "body": json.dumps(asked).encode(),
        },
        "response": {"status": 200, "content_type": "application/json", "body": json.dumps(answered).encode()},
    }


def single_object(schema: dict, event: dict) -> bytes:
    """C3 01, the schema's fingerprint, the datum."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    fingerprint = fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")
    out = io.BytesIO()
    out.write(b"\xc3\x01" + bytes.fromhex(fingerprint))
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), event)
    return out.getvalue()


def with_registry(schema: dict, event: dict, address: str) -> bytes:
    """00, the schema's id in the registry, the datum. Registers the schema when it is not yet there."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    serializer = AvroSerializer(SchemaRegistryClient({"url": address}), json.dumps(schema))
    return serializer(event, SerializationContext(TOPIC, MessageField.VALUE))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--schema", required=True, help="schemas/audit_event.v1.avsc")
    parser.add_argument("--registry", help="address of a schema registry")
    arguments = parser.parse_args()
    with open(arguments.schema, encoding="utf-8") as file:
        schema = json.load(file)
    event = an_event(arguments.tenant)
    if arguments.registry:
        value = with_registry(schema, event, arguments.registry)
    else:
        value = single_object(schema, event)

    failures = []

    def delivered(error, message) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer({"bootstrap.servers": arguments.brokers, "enable.idempotence": True})
    # The key keeps a session in order: tenant and session, without a session the event's id.
    key = f"{event['tenant']}:{event.get('session_id') or event['event_id']}"
    producer.produce(TOPIC, value=value, key=key, on_delivery=delivered)
    if producer.flush(30) or failures:
        raise KafkaException(*failures)
    print(event["event_id"])


if __name__ == "__main__":
    main()
