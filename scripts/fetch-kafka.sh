#!/bin/sh
# Fetches the jars of Apache Kafka from Maven Central into a cache outside the checkout, checks each against its
# pinned digest, and prints their directory. For tests and benchmarks against the real broker. The second run needs
# no network. Needs a JDK (17 or later) and mvn.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
exec "$here/fetch-jars.sh" kafka "$here/kafka/pom.xml" "$here/kafka/sha256sums"
