#!/bin/sh
# go-tool.sh NAME PACKAGE VERSION: builds a Go program of a pinned version into a cache outside the checkout and prints
# its path. The Go checksum database vouches for the sources. The second run needs no network. Needs go.
set -eu

name=$1 package=$2 version=$3
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/go-tools
program=$cache/$name-$version/$name

if [ -x "$program" ]; then
    printf '%s\n' "$program"
    exit 0
fi
command -v go >/dev/null || { echo "go is needed to build $name" >&2; exit 1; }

mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Sources that the checksum database does not vouch for are not built, whatever this machine's settings are.
env -u GOFLAGS -u GONOSUMDB -u GONOSUMCHECK -u GOPRIVATE GOSUMDB=sum.golang.org GOBIN="$work" CGO_ENABLED=0 \
    go install "$package@$version" >&2
mkdir -p "$cache/$name-$version"
# Another run may have been first; its copy is as good.
mv "$work/$name" "$program.new.$$" && mv "$program.new.$$" "$program"
printf '%s\n' "$program"
