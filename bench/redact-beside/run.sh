#!/usr/bin/env bash
# Presidio's pattern recognizers and this detector on one corpus, one after the other on one core.
#
# usage: bench/redact-beside/run.sh CORPUS.jsonl     (lines with id and text)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
corpus=${1:?usage: bench/redact-beside/run.sh CORPUS.jsonl}
python=$("$root/scripts/python-venv.sh" presidio presidio-analyzer==2.2.360)
"$python" "$root/bench/redact-beside/presidio_lines.py" <"$corpus" >/dev/null
cd "$root"
cargo run --quiet --release -p aal-redact --example throughput -- "$corpus" | grep -E "^\| (text|---|$(basename "$corpus"))" | head -3
