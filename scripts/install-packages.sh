#!/bin/sh
# Installs the Debian packages that are missing. Non-interactive; does nothing when nothing is missing.
#
#   scripts/install-packages.sh run     what building and running needs
#   scripts/install-packages.sh test    that, and what the tests need
#
# Without root and without passwordless sudo it prints what is missing and exits with status 1.
set -eu

# No faster linker is among them: rustc links with its own LLD on x86_64 since 1.90.
run='build-essential cmake curl fonts-dejavu-core fonts-liberation libssl-dev pkg-config wkhtmltopdf zlib1g-dev'
test="$run chromium docker-compose maven openjdk-17-jdk-headless openssh-client openssl poppler-utils postgresql python3-venv"

case "${1:-}" in
    run) wanted=$run ;;
    test) wanted=$test ;;
    *) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "this is no Debian system; it needs what these packages hold: $wanted" >&2
    exit 1
fi

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $wanted; do
    case $package in
        # Any JDK of version 17 or later serves.
        openjdk-17-jdk-headless) ! command -v javac >/dev/null || continue ;;
    esac
    installed "$package" || missing="$missing $package"
done
# npm comes with nodejs from other sources than Debian, too; what counts is the command.
command -v npm >/dev/null || missing="$missing nodejs npm"

[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    echo "missing Debian packages:$missing" >&2
    echo "install them with: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "installing:$missing" >&2
# Word splitting is what separates the packages (and drops an empty $as_root).
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >&2
