#!/usr/bin/env bash
# Makes a Python environment in a cache outside the checkout, from pinned and hashed packages, and prints its
# interpreter. The second run needs no network.
#
#   scripts/sdk-python-env.sh [PYTHON [REQUIREMENTS]]
#
# PYTHON is the interpreter to make it with, python3 by default; REQUIREMENTS the packages, by default those of the
# Python SDK's tests.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
python=${1:-python3}
requirements=${2:-$here/sdk/python/requirements-tests.txt}
version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
stamp=$(sha256sum "$requirements" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/sdk-python
environment=$cache/$version-$stamp
mkdir -p "$cache"

# Two may ask at once.
exec 9>"$environment.lock"
flock 9
if [ ! -e "$environment/.complete" ]; then
    # Not made under another name and moved: an environment's scripts name its own path.
    rm -rf "$environment"
    "$python" -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --no-input --require-hashes -r "$requirements" >&2
    touch "$environment/.complete"
fi
printf '%s\n' "$environment/bin/python"
