#!/bin/sh
# Fetches the embedded OLAP engine (libchdb.so, the ClickHouse engine as a library) from its npm package into a
# cache outside the checkout and prints the path of the library. The second run needs no network.
#
#   scripts/fetch-engine.sh [TARBALL]     TARBALL: a copy of the package that is already on this machine
#
# Environment: AAL_CHDB_LIB=PATH uses that library and fetches nothing; XDG_CACHE_HOME moves the cache.
set -eu

version=26.7.3-stable.1

if [ -n "${AAL_CHDB_LIB:-}" ]; then
    [ -f "$AAL_CHDB_LIB" ] || { echo "AAL_CHDB_LIB names $AAL_CHDB_LIB, which is not a file" >&2; exit 1; }
    printf '%s\n' "$AAL_CHDB_LIB"
    exit 0
fi

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64)
        package=@chdb/lib-linux-x64-gnu
        sha256=c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad
        ;;
    *)
        # The package for arm64 has another name and no digest has been recorded for it: an unpinned native
        # library is not loaded on anybody's behalf.
        echo "no pinned engine package for $(uname -s) $(uname -m);" \
            "fetch a libchdb of version $version yourself and set AAL_CHDB_LIB to its path" >&2
        exit 1
        ;;
esac

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/engine/$version
library=$cache/libchdb.so
if [ -f "$library" ]; then
    printf '%s\n' "$library"
    exit 0
fi

# Everything happens in a private directory beside the target and ends with a rename, so that an interrupted or
# a second run at the same time never leaves half a library under the final name.
mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ $# -ge 1 ]; then
    cp "$1" "$work/package.tgz"
else
    command -v npm >/dev/null || { echo "npm is needed to fetch $package@$version" >&2; exit 1; }
    (cd "$work" && npm pack --silent "$package@$version" >/dev/null)
    mv "$work"/*.tgz "$work/package.tgz"
fi
if ! echo "$sha256  $work/package.tgz" | sha256sum -c - >/dev/null 2>&1; then
    echo "the tarball of $package@$version has not the pinned digest $sha256" >&2
    exit 1
fi
tar -xzf "$work/package.tgz" -C "$work" package/libchdb.so
mv "$work/package/libchdb.so" "$library"
printf '%s\n' "$library"
