#!/bin/sh
# Writes docs/session.md by running it: a newcomer's first minutes, with what the programs really say.
# Needs the release build and a free port 4566.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
PATH="$root/build/release/bin:$PATH"
export NO_COLOR=1 AWS_PAGER=
dir=$(mktemp -d "${TMPDIR:-/tmp}/millrace-session-XXXXXX")
chmod 755 "$dir"
up=
stop() {
    [ -z "$up" ] || kill -INT "$up" 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT
out=$dir/session.md
cd "$dir"

say() { printf '%s\n' "$*" >>"$out"; }
# The text of a command, then what it says, as a block.
run() {
    printf '\n    $ %s\n' "$1" >>"$out"
    sh -c "$1" >"$dir/said" 2>&1 || true
    sed "s|$dir|/home/you|g; s/^/    /; s/ *$//" "$dir/said" >>"$out"
}
until_said() {
    tries=0
    until grep -q "$1" "$dir/up.out"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { cat "$dir/up.out" >&2; exit 1; }
        sleep 0.05
    done
}

say '# A session, recorded'
say ''
say 'Written by `scripts/record-session.sh`, which ran all of it.'
say ''
say '## A project'
run 'millrace init --lang c shop'
cd shop
run 'cat src/order.c'
say ''
say '## Run it'
say ''
say 'In one terminal (what it says stands below):'
say ''
say '    $ millrace up --watch'
millrace up --watch >"$dir/up.out" 2>&1 &
up=$!
until_said '^ready'
say ''
say 'In another:'
run "millrace put Orders --key-field customer '{\"type\":\"order\",\"id\":1,\"customer\":\"ann\"}' '{\"type\":\"ping\",\"customer\":\"ben\"}'"
run "millrace put Orders -k ann '{\"type\":\"order\",\"id\":2,\"poison\":true}' '{\"type\":\"order\",\"id\":3}'"
run 'millrace status --wait 20'
run 'millrace tail Orders'
run 'millrace dlq list'
say ''
say 'Edit the handler; it is built, and the next batch uses it:'
run "sed -i 's/ ok\"/ accepted\"/' src/order.c"
until_said '^update'
run "millrace put Orders '{\"type\":\"order\",\"id\":4}'"
run 'millrace status --wait 20 >status && millrace logs OrderFn | tail -n 4'
say ''
say 'The AWS CLI finds everything at the same place:'
run 'eval "$(millrace env)"; aws --endpoint-url "$AWS_ENDPOINT_URL" lambda list-event-source-mappings --query "EventSourceMappings[].[State,LastProcessingResult,BatchSize]" --output text'
run 'eval "$(millrace env)"; aws --endpoint-url "$AWS_ENDPOINT_URL" kinesis describe-stream-summary --stream-name orders-local --query StreamDescriptionSummary.[StreamStatus,OpenShardCount] --output text'
kill -INT "$up"
wait "$up" || true
up=
say ''
say 'What the first terminal said, from its start to Ctrl-C:'
say ''
sed "s|$dir|/home/you|g; s/^/    /; s/ *$//" "$dir/up.out" >>"$out"
say ''
say '## Test it'
say ''
say 'The same template, handler and sandbox, on a virtual clock:'
run 'millrace test'
cp "$out" "$root/docs/session.md"
echo "recorded in docs/session.md"
