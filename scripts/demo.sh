#!/bin/sh
# Shows the whole way of a record: installs what is missing, builds, runs a template with two C
# functions, puts orders with the AWS CLI, one of them poison, and shows what becomes of each.
# Works in a directory of its own, leaves nothing running, and may be run again.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
scripts/install.sh --run
scripts/build.sh release millrace millraced millrace-streamd millrace-sandboxd millrace-bootstrap
PATH="$root/build/release/bin:$PATH"

# A sandbox of an ordinary user may not look into a home directory: the demo works in /tmp.
dir=$(mktemp -d "${TMPDIR:-/tmp}/millrace-demo-XXXXXX")
chmod 755 "$dir"
up=
stop() {
    code=$?
    if [ -n "$up" ]; then
        kill -INT "$up" 2>/dev/null || true
        wait "$up" 2>/dev/null || true
    fi
    rm -rf "$dir"
    exit "$code"
}
trap stop EXIT
trap 'exit 130' INT TERM
cp -R examples/orders/. "$dir"
cd "$dir"

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n== %s\n' "$*"; }
shown=0
# What `millrace up` has said since we looked last.
show_up() {
    lines=$(wc -l <up.out)
    [ "$lines" -gt "$shown" ] && sed -n "$((shown + 1)),${lines}p" up.out | sed 's/^/  | /'
    shown=$lines
}
# wait_for PATTERN: until `millrace up` says it; half a minute is for a broken machine only.
wait_for() {
    tries=0
    until grep -q "$1" up.out; do
        tries=$((tries + 1))
        if [ "$tries" -gt 600 ] || ! kill -0 "$up" 2>/dev/null; then
            cat up.out up.err
            echo "demo: millrace up never said \"$1\"" >&2
            exit 1
        fi
        sleep 0.05
    done
}

step "millrace up: build two C functions, make a stream of two shards, map them, listen on one port"
millrace up --port 0 >up.out 2>up.err &
up=$!
wait_for '^ready'
show_up

step "point the AWS CLI at it: eval \"\$(millrace env)\""
eval "$(millrace env)"
export AWS_PAGER=
# Data is text, for version 2 of the AWS CLI as it always was for version 1.
printf '[default]\ncli_binary_format = raw-in-base64-out\n' >aws.config
export AWS_CONFIG_FILE="$dir/aws.config"
echo "AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL"
kinesis() { aws --endpoint-url "$AWS_ENDPOINT_URL" kinesis "$@"; }
kinesis list-shards --stream-name orders-local --output text \
    --query 'Shards[].[ShardId,HashKeyRange.StartingHashKey]'

# orders FROM TO: put them in one PutRecords; number 137 is poison.
orders() {
    seq "$1" "$2" | awk 'BEGIN { printf "[" }
        { printf "%s{\"PartitionKey\":\"customer-%d\",\"Data\":\"{\\\"id\\\":%d%s}\"}", (NR > 1 ? "," : ""),
              $1 % 7, $1, ($1 == 137 ? ",\\\"poison\\\":true" : "") }
        END { printf "]" }' >records.json
    kinesis put-records --stream-name orders-local --records file://records.json \
        --query FailedRecordCount --output text
}
step "put 300 orders with the AWS CLI, number 137 is poison (printed: how many failed to be put)"
orders 1 200
orders 201 300

step "wait until everything is handled or given up, and see how: CountFn takes all, OrderFn fails on 137;
   its batch is halved until the order stands alone, tried once more, and given up"
millrace status --wait 30 >status.out
show_up

step "the checkpoints: both shards at the head, the poison order counted as given up"
cat status.out

step "what was given up is not lost: millrace dlq list"
millrace dlq list

step "put one more record and see it handled at once"
millrace put Orders '{"id":301}'
millrace status --wait 30 >status.out
show_up

step "Ctrl-C: finish what is under way, checkpoint, stop"
kill -INT "$up"
wait "$up"
up=
show_up
