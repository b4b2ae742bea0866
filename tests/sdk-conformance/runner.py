"""Runner of the Python SDK: makes the calls of a script and prints what the application saw.

`runner.py CALLS.json PROVIDER EDGE [--plain]`
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import httpx

from audit_layer import AuditLayer


def made(audit: AuditLayer, call: dict[str, Any], provider: str) -> dict[str, Any]:
    headers = {"content-type": "application/json", "accept-encoding": "identity", **call.get("headers", {})}
    url = call["url"].replace("{provider}", provider)
    client = audit.wrap(httpx.Client(timeout=30, trust_env=False), provider=call.get("provider"))
    digest, size, error = hashlib.sha256(), 0, None
    try:
        with client, client.stream("POST", url, content=call["body"].encode(), headers=headers) as response:
            status, content_type = response.status_code, response.headers.get("content-type")
            try:
                for chunk in response.iter_raw():
                    if call.get("leave_early"):
                        return {"status": status, "left": True}
                    size += len(chunk)
                    digest.update(chunk)
            except httpx.HTTPError:
                error = "connection"
    except httpx.HTTPError:
        return {"error": "connection"}
    return {
        "status": status,
        "content_type": content_type,
        "bytes": size,
        "sha256": digest.hexdigest(),
        "error": error,
    }


def main() -> None:
    script, provider, edge = sys.argv[1:4]
    with open(script, encoding="utf-8") as file:
        calls = json.load(file)
    audit = AuditLayer(
        url=edge,
        api_key="aal_test",
        application="conformance",
        environment="test",
        enabled="--plain" not in sys.argv,
        linger_seconds=0.02,
    )
    results = []
    for call in calls:
        with audit.context(**call.get("context", {})):
            if "record" in call:
                audit.record(**call["record"])
                result: dict[str, Any] = {"recorded": True}
            else:
                result = made(audit, call, provider)
        results.append({"name": call["name"], "result": result})
    counts = audit.close(timeout=20)
    print(json.dumps({"results": results, "counts": str(counts)}))


if __name__ == "__main__":
    main()
