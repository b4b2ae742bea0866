#!/usr/bin/env bash
# Builds audit-verify as one static program that needs nothing of the machine it runs on, and prints where it is.
# With the musl target of rustup where that is installed, else statically linked glibc.
set -euo pipefail
cd "$(dirname "$0")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
machine="$(uname -m)"
target="$machine-unknown-linux-musl"
if ! rustup target list --installed 2>/dev/null | grep -qx "$target"; then
  target="$machine-unknown-linux-gnu"
fi
RUSTFLAGS="-C target-feature=+crt-static" \
  cargo build --quiet --locked --release --target "$target" --package audit-verify
program="$CARGO_TARGET_DIR/$target/release/audit-verify"
if ldd "$program" 2>/dev/null | grep -q '=>'; then
  echo "build-verifier: $program needs shared libraries; install the static C library" >&2
  exit 1
fi
echo "$program"
