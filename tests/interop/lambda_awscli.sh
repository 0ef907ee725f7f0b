#!/bin/sh
# Debian's AWS CLI against streamd and millraced as one endpoint: from a zip to a handled record.
set -eu
bin=$1
[ -x /usr/bin/aws ] || { echo "skipped: no /usr/bin/aws (apt-get install awscli)"; exit 77; }
dir=$(mktemp -d)
mkfifo "$dir/ready" "$dir/ready2"
"$bin/millrace-streamd" --data "$dir/streamd" --port 0 --socket "$dir/s.sock" --forward "$dir/m.sock" \
    --durability os --ready-fd 3 3>"$dir/ready" 2>"$dir/log" &
streamd=$!
trap 'kill $streamd $millraced 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
millraced=
read -r _ port <"$dir/ready"
"$bin/millraced" --data "$dir/millraced" --socket "$dir/m.sock" --kinesis "unix:$dir/s.sock" --sandbox off \
    --ready-fd 3 3>"$dir/ready2" 2>>"$dir/log" &
millraced=$!
read -r _ _ <"$dir/ready2"
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=

call() { /usr/bin/aws --endpoint-url "http://127.0.0.1:$port" "$@"; }
lambda() { call lambda "$@"; }
fail() { echo "failed: $1"; echo "  wanted: $2"; echo "  got:    $3"; cat "$dir/log"; exit 1; }
same() { [ "$2" = "$3" ] && echo "ok: $1" || fail "$1" "$2" "$3"; }
refused() { # NAME ERROR ARGS...
    name=$1 error=$2
    shift 2
    got=$(lambda "$@" 2>&1) && fail "$name" "$error" "$got"
    case $got in *"$error"*) echo "ok: $name" ;; *) fail "$name" "$error" "$got" ;; esac
}
soon() { # NAME WANTED COMMAND...
    name=$1 wanted=$2 tries=0
    shift 2
    until got=$("$@" 2>"$dir/err") && [ "$got" = "$wanted" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "$name" "$wanted" "$got"
        sleep 0.1
    done
    echo "ok: $name"
}

role=arn:aws:iam::123456789012:role/r
cat >"$dir/index.py" <<'EOF'
import os
def handler(event, context):
    with open(os.environ["SEEN"], "a") as seen:
        for record in event.get("Records", []):
            seen.write(record["kinesis"]["partitionKey"] + "\n")
    return {"records": len(event.get("Records", []))}
EOF
(cd "$dir" && python3 -c 'import zipfile; zipfile.ZipFile("f.zip", "w").write("index.py")')
same "a function is made of a zip" Pending "$(lambda create-function --function-name f --runtime python3.11 \
    --role $role --handler index.handler --zip-file "fileb://$dir/f.zip" \
    --environment "Variables={SEEN=$dir/seen}" --query State --output text)"
lambda wait function-active-v2 --function-name f 2>/dev/null || lambda wait function-active --function-name f
same "it answers" 200 "$(lambda invoke --function-name f --cli-binary-format raw-in-base64-out --payload '{}' \
    "$dir/out" --query StatusCode --output text)"
same "what its handler said" '{"records": 0}' "$(cat "$dir/out")"
same "an ARN names it" 200 "$(lambda invoke --function-name arn:aws:lambda:us-east-1:123456789012:function:f \
    "$dir/out" --query StatusCode --output text)"
refused "a function that is not there" "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nope" \
    get-function --function-name nope
same "a version is published" 1 "$(lambda publish-version --function-name f --query Version --output text)"
same "and named" arn:aws:lambda:us-east-1:123456789012:function:f:live "$(lambda create-alias --function-name f \
    --name live --function-version 1 --query AliasArn --output text)"

call kinesis create-stream --stream-name s --shard-count 1
stream=arn:aws:kinesis:us-east-1:123456789012:stream/s
uuid=$(lambda create-event-source-mapping --function-name f:live --event-source-arn $stream \
    --starting-position TRIM_HORIZON --batch-size 10 --query UUID --output text)
soon "a mapping becomes Enabled" Enabled lambda get-event-source-mapping --uuid "$uuid" --query State --output text
call kinesis put-record --stream-name s --partition-key a --data aGVsbG8= >/dev/null
soon "a record put with the CLI is handled" a cat "$dir/seen"
soon "and the mapping says so" OK lambda get-event-source-mapping --uuid "$uuid" \
    --query LastProcessingResult --output text
same "it is listed" "$uuid" "$(lambda list-event-source-mappings --function-name f:live \
    --query 'EventSourceMappings[].UUID' --output text)"
refused "a stream that is not there" "Stream not found: ${stream}x" create-event-source-mapping \
    --function-name f --event-source-arn ${stream}x --starting-position LATEST
same "an update is told" Updating "$(lambda update-event-source-mapping --uuid "$uuid" --batch-size 5 \
    --query State --output text)"
same "so is the end" Deleting "$(lambda delete-event-source-mapping --uuid "$uuid" --query State --output text)"
refused "a deleted mapping" "The resource you requested does not exist." get-event-source-mapping --uuid "$uuid"
lambda delete-function --function-name f
same "a deleted function is gone" "" "$(lambda list-functions --query 'Functions[].FunctionName' --output text)"
kill $millraced
wait $millraced && echo "ok: SIGTERM is a clean stop"
