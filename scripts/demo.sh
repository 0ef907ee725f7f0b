#!/bin/sh
# Shows what works on real records: installs, builds, starts the stream server, puts records with the
# AWS CLI, kills the server in the middle, and reads every record back. Leaves nothing running.
set -eu
cd "$(dirname "$0")/.."
scripts/install.sh
scripts/build.sh release
bin=$PWD/build/release/bin

dir=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT
step() { printf '\n== %s\n' "$*"; }

export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=
kinesis() { /usr/bin/aws --endpoint-url "http://127.0.0.1:$port" kinesis "$@"; }
mkfifo "$dir/ready"
start() {
    "$bin/millrace-streamd" --data "$dir/data" --port 0 --ready-fd 3 3>"$dir/ready" &
    server=$!
    read -r _ port <"$dir/ready"
}

step "start the stream server (durable: what it acknowledges is on the disk)"
start

step "make a stream of two shards with the AWS CLI"
kinesis create-stream --stream-name orders --shard-count 2
kinesis list-shards --stream-name orders --query 'Shards[].[ShardId,HashKeyRange.StartingHashKey]' --output text

# put FROM TO: orders FROM..TO in one PutRecords.
put() {
    seq "$1" "$2" | awk 'BEGIN { printf "[" }
        { printf "%s{\"PartitionKey\":\"customer-%d\",\"Data\":\"{\\\"order\\\":%d}\"}", (NR > 1 ? "," : ""), $1 % 7, $1 }
        END { printf "]" }' >"$dir/records.json"
    kinesis put-records --cli-binary-format raw-in-base64-out --stream-name orders \
        --records "file://$dir/records.json" --query FailedRecordCount --output text
}
step "put 200 orders (the number is how many failed)"
put 1 200

step "kill the server with SIGKILL and start it again on the same data"
kill -9 "$server"
wait "$server" 2>/dev/null || true
start

step "put 100 more"
put 201 300

step "read both shards from the beginning"
total=0
for shard in 0 1; do
    iterator=$(kinesis get-shard-iterator --stream-name orders --shard-id $shard \
        --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)
    kinesis get-records --shard-iterator "$iterator" --query 'Records[].SequenceNumber' --output text |
        tr '\t' '\n' >"$dir/numbers"
    count=$(wc -l <"$dir/numbers")
    sort -n -c "$dir/numbers" && echo "shard $shard: $count records, in order"
    total=$((total + count))
done
echo "$total of 300 orders are there"
[ "$total" -eq 300 ]

step "stop the server cleanly"
kill -TERM "$server"
wait "$server"
server=
