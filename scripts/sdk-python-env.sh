#!/bin/sh
# Makes the Python environment of the SDK's tests in a cache outside the checkout, from pinned and hashed packages, and
# prints its interpreter. The second run needs no network.
#
#   scripts/sdk-python-env.sh [PYTHON]     PYTHON is the interpreter to make it with, python3 by default
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
python=${1:-python3}
requirements=$here/sdk/python/requirements-tests.txt
version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
stamp=$(sha256sum "$requirements" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/sdk-python
environment=$cache/$version-$stamp

if [ ! -e "$environment/.complete" ]; then
    mkdir -p "$cache"
    # Not made under another name and moved: an environment's scripts name its own path.
    rm -rf "$environment"
    "$python" -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --no-input --require-hashes -r "$requirements" >&2
    touch "$environment/.complete"
fi
printf '%s\n' "$environment/bin/python"
