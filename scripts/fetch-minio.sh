#!/bin/sh
# Builds MinIO, an S3 server with object lock, for tests of the object store; prints its path. Takes some minutes, once.
exec "$(dirname "$0")/go-tool.sh" minio github.com/minio/minio v0.0.0-20260212201848-7aac2a2c5b7c
