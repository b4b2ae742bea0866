#!/usr/bin/env bash
# Prints the Python interpreter of a virtual environment in the cache that holds exactly the packages given, making
# it when it is not there. Packages are pinned: NAME==VERSION.
#
# usage: scripts/python-venv.sh NAME PACKAGE==VERSION [PACKAGE==VERSION ...]
set -euo pipefail

if [ $# -lt 2 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
name=$1
shift
for package in "$@"; do
    case $package in
    *==*) ;;
    *) echo "python-venv.sh: pin the version of $package, as in $package==1.0" >&2 && exit 2 ;;
    esac
done

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer
digest=$(printf '%s\n' "$(python3 --version)" "$@" | sha256sum | cut -c1-16)
venv=$cache/python-$name-$digest
mkdir -p "$cache"

# Two tests may ask at once.
exec 9>"$cache/python-$name.lock"
flock 9
if [ ! -e "$venv/.complete" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" >&2
    : >"$venv/.complete"
fi
echo "$venv/bin/python"
