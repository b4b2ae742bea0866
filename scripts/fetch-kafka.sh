#!/bin/sh
# Fetches the jars of Apache Kafka from Maven Central into a cache outside the checkout, checks each against its
# pinned digest, and prints their directory. For tests and benchmarks against the real broker. The second run needs
# no network. Needs a JDK (17 or later) and mvn.
set -eu

here=$(cd "$(dirname "$0")" && pwd)/kafka
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
# The list of digests names the version: another list, another directory.
stamp=$(sha256sum "$here/sha256sums" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/kafka
lib=$cache/$stamp/lib

if [ -d "$lib" ]; then
    printf '%s\n' "$lib"
    exit 0
fi
for tool in java mvn; do
    command -v $tool >/dev/null || { echo "$tool is needed to fetch and run Apache Kafka" >&2; exit 1; }
done

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

mvn -q -B -f "$here/pom.xml" "$plugin:copy-dependencies" -DoutputDirectory="$work/lib" -DincludeScope=runtime >&2
if ! (cd "$work/lib" && sha256sum --quiet -c "$here/sha256sums" >&2); then
    echo "a jar has not the digest that scripts/kafka/sha256sums pins" >&2
    exit 1
fi
# Nothing but what is listed may be on the class path.
if [ "$(ls "$work/lib" | wc -l)" -ne "$(wc -l < "$here/sha256sums")" ]; then
    echo "the fetched jars are not those listed in scripts/kafka/sha256sums" >&2
    exit 1
fi
mkdir -p "$cache/$stamp"
# Another run may have been first; its copy is as good.
mv -T "$work/lib" "$lib" 2>/dev/null || [ -d "$lib" ]
printf '%s\n' "$lib"
