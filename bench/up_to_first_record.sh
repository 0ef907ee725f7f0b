#!/bin/sh
# Milliseconds from `millrace up` to ready, and to the first handled record, of a project that is built:
# bench/up_to_first_record.sh [BIN]. Five rounds; the first of them finds nothing in the caches.
set -eu
cd "$(dirname "$0")/.."
bin=$(cd "${1:-build/release/bin}" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
PATH="$bin:$PATH"
export MILLRACE_SDK="$PWD/handlers/sdk"
now() { date +%s%3N; }
cp -R examples/poison/template.yaml examples/poison/src "$dir"
cd "$dir"
millrace build >/dev/null
for round in 1 2 3 4 5; do
    : >out
    began=$(now)
    rm -rf .millrace/streamd .millrace/millraced .millrace/up.json
    millrace up --no-build --port 0 >out 2>&1 &
    up=$!
    until grep -q '^ready' out; do kill -0 $up; sleep 0.002; done
    ready=$(now)
    millrace put Payments -q '{"id":1}' >/dev/null
    until grep -q ' END ' out; do kill -0 $up; sleep 0.002; done
    handled=$(now)
    echo "round $round: ready after $((ready - began)) ms, first record handled after $((handled - began)) ms"
    kill -INT $up
    wait $up || true
done
