#!/bin/sh
# Builds bench/tessera, which appends to Tessera's POSIX log, into the cache and prints its path. Needs go; the Go
# checksum database and go.sum vouch for the sources.
set -eu
source=$(cd "$(dirname "$0")/../bench/tessera" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/go-tools/tessera-bench
mkdir -p "$cache"
(cd "$source" && env -u GOFLAGS CGO_ENABLED=0 go build -mod=readonly -o "$cache/tessera-bench" . >&2)
printf '%s\n' "$cache/tessera-bench"
