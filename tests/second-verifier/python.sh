#!/bin/sh
# Prints the path of a Python that has the pinned packages of requirements.txt; makes it in the cache first when it is missing.
# Needs Python 3.11 or later (tomllib).
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer
version=$(sha256sum "$folder/requirements.txt" | cut -c1-16)
venv=$cache/second-verifier-$version

if [ ! -e "$venv/.complete" ]; then
    mkdir -p "$cache"
    # One maker at a time: two tests may ask at once.
    exec 9>"$cache/second-verifier.lock"
    flock 9
    if [ ! -e "$venv/.complete" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv" >&2
        "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            -r "$folder/requirements.txt" >&2
        : > "$venv/.complete"
    fi
fi
echo "$venv/bin/python"
