#!/bin/sh
# Proves the project: installs, builds, runs every test, and ends with one line that counts them.
#
#   scripts/test.sh           unit, scenario and interop tests; the unit tests again under
#                             AddressSanitizer; every fuzz target for some seconds
#   scripts/test.sh --long    the same with the long versions: more kills, more seeds, long fuzzing
#
# Exit code 0 only when nothing failed. Logs stay in build/test-logs.
set -u
cd "$(dirname "$0")/.." || exit 1

long=0
case "${1:-}" in
"") ;;
--long) long=1 ;;
*)
    echo "usage: scripts/test.sh [--long]" >&2
    exit 2
    ;;
esac

fuzz_seconds=5
unit_timeout=120
if [ $long = 1 ]; then
    export MILLRACE_TEST_LONG=1
    fuzz_seconds=120
    unit_timeout=3600
fi
export MILLRACE_CASES="${MILLRACE_CASES:-$(cd .. && pwd)/shared/cases}"

logs=build/test-logs
mkdir -p $logs
rm -f $logs/*
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

passed=0
failed=0
skipped=0

# Reads a `ctest -V` log: a Check suite counts its checks, any other test counts as one.
count_ctest() {
    awk '
        /^[0-9]+: .*Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/ {
            id = $1; sub(":", "", id)
            line = $0; sub(/.*Checks: /, "", line); split(line, part, /[^0-9]+/)
            checks[id] += part[1]; bad[id] += part[2] + part[3]
        }
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
            id = $0; sub(/.*Test +#/, "", id); sub(/:.*/, "", id)
            if ($0 ~ /\*\*\*Skipped/) { skip++; next }
            ok = $0 ~ / Passed +/
            if (id in checks && checks[id] > 0) {
                if (!ok && bad[id] == 0) bad[id] = 1
                pass += checks[id] - bad[id]; fail += bad[id]
            } else if (ok) pass++; else fail++
        }
        END { print pass + 0, fail + 0, skip + 0 }' "$1"
}

# run_ctest NAME PRESET JOBS ARGS...
run_ctest() {
    name=$1 preset=$2 jobs=$3
    shift 3
    say "test: $name"
    ctest --preset "$preset" -V -j "$jobs" --timeout "$unit_timeout" "$@" >"$logs/$name.log" 2>&1
    # shellcheck disable=SC2046 # three numbers
    set -- $(count_ctest "$logs/$name.log")
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    say "test: $name: $1 passed, $2 failed, $3 skipped"
    if [ "$2" -gt 0 ]; then
        grep -E '(\*\*\*(Failed|Timeout|Exception|Not Run)|^[0-9]+: .*:[EF]:)' "$logs/$name.log" | head -40
        say "test: the whole story is in $logs/$name.log"
    fi
}

build() {
    scripts/build.sh "$@" && return
    failed=$((failed + 1))
    say "test: preset $1 does not build"
}

./scripts/install.sh || exit 1

say "build: debug"
build debug
run_ctest unit debug 2 -LE 'scenario|interop'

run_ctest scenario debug 1 -L scenario
run_ctest interop debug 1 -L interop

say "build: asan"
build asan
run_ctest asan asan 2 -LE 'scenario|interop|layers'

if command -v clang-14 >/dev/null 2>&1; then
    say "build: fuzz"
    build fuzz fuzz_targets
    say "test: every fuzz target for $fuzz_seconds s, two at a time"
    # shellcheck disable=SC2016 # the inner shell's
    find build/fuzz/fuzz -name 'fuzz_*' -type f -perm -u+x | sort | xargs -P 2 -I '{}' sh -c '
        target=$1 seconds=$2 logs=$3
        name=$(basename "$target")
        corpus=$(mktemp -d)
        seeds="tests/fuzz/corpus/${name#fuzz_}"
        [ -d "$seeds" ] || seeds=""
        if "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
            -artifact_prefix="$logs/$name-" "$corpus" $seeds >"$logs/$name.log" 2>&1; then
            echo passed >"$logs/$name.result"
        else
            echo failed >"$logs/$name.result"
            echo "test: $name failed, see $logs/$name.log"
        fi
        rm -rf "$corpus"' sh '{}' "$fuzz_seconds" "$logs"
    fuzz_passed=$(cat "$logs"/fuzz_*.result 2>/dev/null | grep -c passed)
    fuzz_failed=$(cat "$logs"/fuzz_*.result 2>/dev/null | grep -c failed)
    say "test: fuzz: $fuzz_passed passed, $fuzz_failed failed"
    passed=$((passed + fuzz_passed)) failed=$((failed + fuzz_failed))
fi

line="$passed passed, $failed failed"
[ $skipped -gt 0 ] && line="$line, $skipped skipped"
echo "$line"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
