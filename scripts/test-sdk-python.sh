#!/bin/sh
# Tests the Python SDK with python3 and with one older Python from 3.9 on that is installed (pyenv or PATH), and the
# three SDKs against each other. AAL_BIN_DIR holds aal-fake-provider and examples/conformance; AAL_PYTHONS=all takes
# every installed Python, not only the oldest.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
: "${AAL_BIN_DIR:?is not set; run make test-python}"

first=$("$here/scripts/sdk-python-env.sh" python3)
cd "$here/sdk/python"
"$first" -m pytest -q -p no:cacheprovider
cd "$here/tests/sdk-conformance"
"$first" -m pytest -q -p no:cacheprovider

tested=$("$first" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for other in "$HOME"/.pyenv/versions/3.9*/bin/python "$HOME"/.pyenv/versions/*/bin/python $(command -v python3.9 python3.10 python3.12 python3.13 python3.14 || true); do
    [ -x "$other" ] || continue
    version=$("$other" -c 'import sys; print("%d.%d" % sys.version_info[:2]) if sys.version_info >= (3, 9) else None' 2>/dev/null) || continue
    [ -n "$version" ] || continue
    case " $tested " in *" $version "*) continue ;; esac
    tested="$tested $version"
    interpreter=$("$here/scripts/sdk-python-env.sh" "$other")
    echo "with Python $version:"
    cd "$here/sdk/python"
    "$interpreter" -m pytest -q -p no:cacheprovider
    [ "${AAL_PYTHONS:-}" = all ] || break
done
