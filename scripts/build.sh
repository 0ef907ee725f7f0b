#!/bin/sh
# Builds one preset: scripts/build.sh [debug|asan|tsan|fuzz|release] [TARGET...]
# Programs land in build/PRESET/bin.
set -eu
cd "$(dirname "$0")/.." || exit 1

preset=${1:-debug}
[ $# -gt 0 ] && shift
case "$preset" in
debug | asan | tsan | fuzz | release) ;;
*)
    echo "usage: scripts/build.sh [debug|asan|tsan|fuzz|release] [TARGET...]" >&2
    exit 2
    ;;
esac

started=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f "build/$preset/build.ninja" ]; then
    cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
if [ $# -gt 0 ]; then
    cmake --build "build/$preset" --target "$@" >"$log" 2>&1 || { tail -n 60 "$log" >&2; exit 1; }
else
    cmake --build "build/$preset" >"$log" 2>&1 || { tail -n 60 "$log" >&2; exit 1; }
fi
echo "build: $preset is ready in build/$preset/bin ($(($(date +%s) - started)) s)"
