#!/usr/bin/env bash
# Presidio's pattern recognizers, redact-core and this detector on one corpus, one after the other on one core.
#
# usage: bench/redact-beside/run.sh CORPUS.jsonl [SCORE.py]     (lines with id and text; the score wants spans, too)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
corpus=$(realpath "${1:?usage: bench/redact-beside/run.sh CORPUS.jsonl [SCORE.py]}")
score=${2:-}
cache="${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

judge() { # predictions options...
  [ -z "$score" ] || python3 "$score" "$corpus" "$@" | tail -3
}

python=$(scripts/python-venv.sh presidio presidio-analyzer==2.2.360)
"$python" bench/redact-beside/presidio_lines.py <"$corpus" >"$work/presidio.jsonl"
judge "$work/presidio.jsonl"

export CARGO_TARGET_DIR="$cache/redact-beside"
cargo run --quiet --locked --release --manifest-path bench/redact-beside/redact-core/Cargo.toml <"$corpus" >"$work/redact-core.jsonl"
judge "$work/redact-core.jsonl" --bytes
unset CARGO_TARGET_DIR

cargo run --quiet --locked --release -p aal-redact --example throughput -- "$corpus" \
  | grep -E "^\| (text|---|$(basename "$corpus"))" | head -3
if [ -n "$score" ]; then
  cargo run --quiet --locked --release -p audit -- redact <"$corpus" >"$work/ours.jsonl"
  judge "$work/ours.jsonl" --bytes
fi
