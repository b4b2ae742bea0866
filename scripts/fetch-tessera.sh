#!/bin/sh
# Builds fsck of Tessera, which checks a log kept as C2SP tlog-tiles, for tests of our logs; prints its path.
exec "$(dirname "$0")/go-tool.sh" fsck github.com/transparency-dev/tessera/cmd/fsck v1.0.4
