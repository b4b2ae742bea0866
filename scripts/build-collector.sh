#!/bin/sh
# Builds an OpenTelemetry Collector with an OTLP receiver and the Kafka exporter, to measure ours beside; prints its path.
# Takes some minutes, once. Pinned; the Go checksum database vouches for the sources.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
version=v0.165.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/go-tools
program=$cache/otelcol-$version/otelcol
if [ -x "$program" ]; then
    printf '%s\n' "$program"
    exit 0
fi
builder=$("$here/go-tool.sh" builder go.opentelemetry.io/collector/cmd/builder $version)
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$work/builder.yaml" <<EOF
dist:
  name: otelcol
  output_path: $work/out
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver $version
exporters:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/kafkaexporter $version
conf_resolver:
  default_uri_scheme: file
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.71.0
EOF
env -u GOFLAGS -u GONOSUMDB -u GONOSUMCHECK -u GOPRIVATE GOSUMDB=sum.golang.org CGO_ENABLED=0 \
    "$builder" --config "$work/builder.yaml" >&2
mkdir -p "$cache/otelcol-$version"
mv "$work/out/otelcol" "$program"
printf '%s\n' "$program"
