#!/bin/sh
# bench_stream_load against npm's kinesis-local in the same run: bench/stream_against.sh [SECONDS]
# Builds the release preset and installs the package below build/; its server is stopped at the end.
set -eu
cd "$(dirname "$0")/.."
scripts/build.sh release bench_stream_load millrace-streamd
other=build/npm-bench
mkdir -p $other
[ -d $other/node_modules/kinesis-local ] ||
    (cd $other && npm init -y >/dev/null && npm install --no-audit --no-fund kinesis-local@0.6.2 >/dev/null)
KINESIS_MOCK_TLS_PORT=14567 KINESIS_MOCK_PLAIN_PORT=14568 LOG_LEVEL=ERROR SHARD_LIMIT=100 \
    CREATE_STREAM_DURATION=0ms KINESIS_MOCK_CERT_PATH=$other/node_modules/kinesis-local/server.json \
    node $other/node_modules/kinesis-local/main.js >/dev/null 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
sleep 5 # it says nothing when it listens
build/release/bin/bench_stream_load "${1:-5}" 14568 2>/dev/null
