#!/bin/sh
# Debian's AWS CLI against millrace-streamd: the calls of the main job, and what they must answer.
set -eu
bin=$1
[ -x /usr/bin/aws ] || { echo "skipped: no /usr/bin/aws (apt-get install awscli)"; exit 77; }
dir=$(mktemp -d)
mkfifo "$dir/ready"
"$bin/millrace-streamd" --data "$dir/data" --port 0 --ready-fd 3 3>"$dir/ready" 2>"$dir/log" &
server=$!
trap 'kill $server 2>/dev/null || true; rm -rf "$dir"' EXIT
read -r _ port <"$dir/ready"
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=

kinesis() { /usr/bin/aws --endpoint-url "http://127.0.0.1:$port" kinesis "$@"; }
fail() { echo "failed: $1"; echo "  wanted: $2"; echo "  got:    $3"; cat "$dir/log"; exit 1; }
same() { [ "$2" = "$3" ] && echo "ok: $1" || fail "$1" "$2" "$3"; }
refused() { # NAME ERROR ARGS...
    name=$1 error=$2
    shift 2
    got=$(kinesis "$@" 2>&1) && fail "$name" "$error" "$got"
    case $got in *"$error"*) echo "ok: $name" ;; *) fail "$name" "$error" "$got" ;; esac
}

kinesis create-stream --stream-name orders --shard-count 2
same "a stream that was made is there" ACTIVE "$(kinesis describe-stream --stream-name orders \
    --query StreamDescription.StreamStatus --output text)"
same "its name is listed" orders "$(kinesis list-streams --query 'StreamNames[0]' --output text)"
same "it has its shards" "shardId-000000000000 shardId-000000000001" \
    "$(kinesis list-shards --stream-name orders --query 'Shards[].ShardId' --output text | tr '\t' ' ')"
same "a record lands in the shard of its key" shardId-000000000000 "$(kinesis put-record \
    --stream-name orders --partition-key a --data aGVsbG8= --query ShardId --output text)"
same "records are put in one call" 0 "$(kinesis put-records --stream-name orders --records \
    Data=d29ybGQ=,PartitionKey=a Data=IQ==,PartitionKey=b --query FailedRecordCount --output text)"
iterator=$(kinesis get-shard-iterator --stream-name orders --shard-id shardId-000000000000 \
    --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)
same "they are read back in order" "aGVsbG8= d29ybGQ=" "$(kinesis get-records --shard-iterator \
    "$iterator" --query 'Records[].Data' --output text | tr '\t' ' ')"
same "an iterator can be used again" 2 "$(kinesis get-records --shard-iterator "$iterator" \
    --query 'length(Records)' --output text)"
same "an explicit hash key wins" shardId-000000000001 "$(kinesis put-record --stream-name orders \
    --partition-key a --explicit-hash-key 340282366920938463463374607431768211455 --data IQ== \
    --query ShardId --output text)"

refused "a stream that is not there" "ResourceNotFoundException" \
    put-record --stream-name nope --partition-key a --data IQ==
refused "a second stream of the same name" "ResourceInUseException" \
    create-stream --stream-name orders --shard-count 1
refused "a name AWS does not take" "failed to satisfy constraint" \
    create-stream --stream-name 'no blanks' --shard-count 1
refused "an iterator nobody made" "Invalid ShardIterator" get-records --shard-iterator AAAAAAAAAAGy

kinesis create-stream --stream-name shape --shard-count 2
kinesis wait stream-exists --stream-name shape
kinesis split-shard --stream-name shape --shard-to-split shardId-000000000000 --new-starting-hash-key 100
kinesis merge-shards --stream-name shape --shard-to-merge shardId-000000000002 \
    --adjacent-shard-to-merge shardId-000000000003
same "shards are split and merged" "shardId-000000000001 shardId-000000000004" "$(kinesis list-shards \
    --stream-name shape --shard-filter Type=AT_LATEST --query 'Shards[].ShardId' --output text | tr '\t' ' ')"
same "and counted" "2 4" "$(kinesis update-shard-count --stream-name shape --target-shard-count 4 \
    --scaling-type UNIFORM_SCALING --query '[CurrentShardCount,TargetShardCount]' --output text | tr '\t' ' ')"
arn=$(kinesis describe-stream-summary --stream-name shape --query StreamDescriptionSummary.StreamARN --output text)
same "a consumer registers" ACTIVE "$(kinesis register-stream-consumer --stream-arn "$arn" --consumer-name c \
    --query Consumer.ConsumerStatus --output text)"
same "and is listed" c "$(kinesis list-stream-consumers --stream-arn "$arn" --query 'Consumers[].ConsumerName' \
    --output text)"
kinesis add-tags-to-stream --stream-name shape --tags team=blue,stage=test
same "tags are kept" "stage team" "$(kinesis list-tags-for-stream --stream-name shape --query 'Tags[].Key' \
    --output text | tr '\t' ' ')"
kinesis increase-stream-retention-period --stream-name shape --retention-period-hours 72
kinesis start-stream-encryption --stream-name shape --encryption-type KMS --key-id alias/aws/kinesis
same "settings are told" "72 KMS" "$(kinesis describe-stream-summary --stream-name shape --query \
    'StreamDescriptionSummary.[RetentionPeriodHours,EncryptionType]' --output text | tr '\t' ' ')"
kinesis update-stream-mode --stream-arn "$arn" --stream-mode-details StreamMode=ON_DEMAND
same "limits are told" 1 "$(kinesis describe-limits --query OnDemandStreamCount --output text)"
kinesis delete-stream --stream-name shape --enforce-consumer-deletion

kill -9 $server
wait $server 2>/dev/null || true
"$bin/millrace-streamd" --data "$dir/data" --port 0 --ready-fd 3 3>"$dir/ready" 2>>"$dir/log" &
server=$!
read -r _ port <"$dir/ready"
same "an iterator and the records survive kill -9" 2 "$(kinesis get-records --shard-iterator \
    "$iterator" --query 'length(Records)' --output text)"
kinesis delete-stream --stream-name orders
same "a deleted stream is gone" "" "$(kinesis list-streams --query 'StreamNames[0]' --output text \
    | sed s/None//)"
kill -TERM $server
wait $server && echo "ok: SIGTERM is a clean stop"
