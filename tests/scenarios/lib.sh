# Sourced by every scenario: a directory of its own, our programs on PATH, waiting without luck, and
# an end that leaves nothing running.
#
#     . "$(dirname "$0")/lib.sh"
set -eu
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
PATH="$bin:$PATH"
work=$(mktemp -d "${TMPDIR:-/tmp}/millrace-scenario-XXXXXX")
export AWS_ACCESS_KEY_ID=scenario AWS_SECRET_ACCESS_KEY=scenario AWS_DEFAULT_REGION=us-east-1
export AWS_PAGER='' NO_COLOR=1
unset AWS_ENDPOINT_URL AWS_REGION MILLRACE_ENDPOINT MILLRACE_DATA AWS_SESSION_TOKEN 2>/dev/null || true
cd "$work"
started=''

end() {
    code=$?
    for pid in $started; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in $started; do
        wait "$pid" 2>/dev/null || true
    done
    if [ "$code" -ne 0 ] && [ "$code" -ne 77 ]; then
        echo "---- failed with $code; what the programs said:"
        for file in "$work"/*.out "$work"/*.err "$work"/*/*.out "$work"/*/*.err "$work"/*.log "$work"/.millrace/log/*.log "$work"/*/.millrace/log/*.log; do
            [ -s "$file" ] && echo "-- $file" && tail -n 40 "$file"
        done
    fi
    rm -rf "$work"
    exit "$code"
}
trap end EXIT
trap 'exit 143' TERM INT

fail() {
    echo "FAILED: $*"
    exit 1
}

# equal WHAT WANTED GOT
equal() {
    [ "$2" = "$3" ] || fail "$1: wanted \"$2\", got \"$3\""
}

# has WHAT PATTERN FILE
has() {
    grep -qE -- "$2" "$3" || { cat "$3"; fail "$1: no line matches $2"; }
}

# until_true SECONDS COMMAND...: looks again until it succeeds; the bound is for a broken program only.
until_true() {
    bound=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$bound" ] || fail "not within its time: $*"
        sleep 0.05
    done
}

# until_line SECONDS PATTERN FILE
until_line() {
    until_true "$1" grep -qE -- "$2" "$3"
}

# Start a stream server by itself: sets `port` and `streamd`, and points our verbs at it.
start_streamd() {
    rm -f ready.fifo
    mkfifo ready.fifo
    millrace-streamd --data streamd --port "${port:-0}" --durability os --ready-fd 3 "$@" \
        3>ready.fifo 2>>streamd.log &
    streamd=$!
    started="$started $streamd"
    read -r _ port <ready.fifo
    export MILLRACE_ENDPOINT="http://127.0.0.1:$port"
}

# Start `millrace up` on ./template.yaml on a free port and wait until it is ready: sets `up`. What it
# says goes to up.out; a second start appends.
start_up() {
    : >>up.out
    said=$(grep -cE '^ready' up.out || true)
    millrace up --port 0 --backoff-ms 50 "$@" >>up.out 2>>up.err &
    up=$!
    started="$started $up"
    wait_ready "$said"
}
wait_ready() {
    bound=$(($(date +%s) + 60))
    until [ "$(grep -cE '^ready' up.out)" -gt "$1" ]; do
        kill -0 "$up" 2>/dev/null || { cat up.out up.err; fail "millrace up ended before it was ready"; }
        [ "$(date +%s)" -lt "$bound" ] || fail "millrace up was not ready in a minute"
        sleep 0.05
    done
}

# Ctrl-C, and everything ends well: nothing of it is left running.
stop_up() {
    kill -INT "$up"
    code=0
    wait "$up" || code=$?
    equal "the exit code of a clean stop" 0 "$code"
    for name in millrace-streamd millraced; do
        pid=$(daemon_pid $name)
        [ ! -d "/proc/$pid" ] || grep -q '^State:.*Z' "/proc/$pid/status" || fail "$name still runs"
    done
}

# daemon_pid millrace-streamd|millraced: as up.json has it.
daemon_pid() {
    sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" .millrace/up.json
}

# descendant PID COMM: the first process of that name below PID.
descendant() {
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
        if [ "$(cat "/proc/$child/comm" 2>/dev/null)" = "$2" ]; then
            echo "$child"
            return 0
        fi
        descendant "$child" "$2" && return 0
    done
    return 1
}

# Start the collector of tests/scenarios/witness: sets `witness_port`; it writes to handled.txt.
start_collector() {
    rm -f port.txt
    python3 "$here/collector.py" handled.txt port.txt &
    started="$started $!"
    until_true 20 test -s port.txt
    witness_port=$(cat port.txt)
}
