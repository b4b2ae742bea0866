#!/bin/sh
# Builds scripts/torchwood-check, a checker of cosigned checkpoints by another implementation, into a cache outside the
# checkout and prints its path. Its go.sum pins every source. The second run needs no network. Needs go.
set -eu

here=$(cd "$(dirname "$0")" && pwd)/torchwood-check
stamp=$(cat "$here"/go.sum "$here"/go.mod "$here"/main.go | sha256sum | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/go-tools
program=$cache/torchwood-check-$stamp/torchwood-check

if [ -x "$program" ]; then
    printf '%s\n' "$program"
    exit 0
fi
command -v go >/dev/null || { echo "go is needed to build torchwood-check" >&2; exit 1; }

mkdir -p "$(dirname "$program")"
cd "$here"
env -u GOFLAGS CGO_ENABLED=0 go build -mod=readonly -trimpath -o "$program.new.$$" . >&2
mv "$program.new.$$" "$program"
printf '%s\n' "$program"
