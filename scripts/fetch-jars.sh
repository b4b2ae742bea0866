#!/bin/sh
# fetch-jars.sh NAME POM SUMS: fetches the dependencies of POM from Maven Central into a cache outside the checkout,
# checks each against the digests in SUMS, and prints their directory. The second run needs no network. Needs a JDK (17
# or later) and mvn.
set -eu

[ $# -eq 3 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
name=$1 pom=$2 sums=$3
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
# The list of digests names the version: another list, another directory.
stamp=$(sha256sum "$sums" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/$name
lib=$cache/$stamp/lib

if [ -d "$lib" ]; then
    printf '%s\n' "$lib"
    exit 0
fi
for tool in java mvn; do
    command -v $tool >/dev/null || { echo "$tool is needed to fetch the jars of $pom" >&2; exit 1; }
done

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

mvn -q -B -f "$pom" "$plugin:copy-dependencies" -DoutputDirectory="$work/lib" -DincludeScope=runtime >&2
if ! (cd "$work/lib" && sha256sum --quiet -c "$sums" >&2); then
    echo "a jar has not the digest that $sums pins" >&2
    exit 1
fi
# Nothing but what is listed may be on the class path.
if [ "$(ls "$work/lib" | wc -l)" -ne "$(wc -l < "$sums")" ]; then
    echo "the fetched jars are not those listed in $sums" >&2
    exit 1
fi
mkdir -p "$cache/$stamp"
# Another run may have been first; its copy is as good.
mv -T "$work/lib" "$lib" 2>/dev/null || [ -d "$lib" ]
printf '%s\n' "$lib"
