#!/bin/sh
# Builds litewitness of torchwood, a C2SP witness by others, for tests of our log against it; prints its path.
exec "$(dirname "$0")/go-tool.sh" litewitness filippo.io/torchwood/cmd/litewitness v0.9.0
