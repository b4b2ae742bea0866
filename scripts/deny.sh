#!/usr/bin/env bash
# Licences, bans and sources by cargo-deny, and lock files that are up to date; advisories too where the advisory database can be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer"
version=0.20.2
tool="$cache/tools/cargo-deny-$version/bin/cargo-deny"
if [ ! -x "$tool" ]; then
  CARGO_TARGET_DIR="$cache/tools/build" cargo install --quiet --locked --root "$cache/tools/cargo-deny-$version" "cargo-deny@$version"
  rm -rf "$cache/tools/build"
fi
"$tool" --log-level error check licenses bans sources
# A workspace of its own, which no build of this one keeps up to date.
cargo metadata --locked --format-version 1 --manifest-path fuzz/libfuzzer/Cargo.toml >/dev/null
# The database is a git repository outside the package registries: where it cannot be reached, that is said, not hidden.
if timeout 60 "$tool" --log-level error check advisories >"$cache/advisories.log" 2>&1; then
  echo "advisories ok"
elif grep -qiE 'fetch|resolve|connect|network|timed out|git' "$cache/advisories.log"; then
  echo "advisories NOT checked: the advisory database could not be fetched"
else
  cat "$cache/advisories.log"
  exit 1
fi
