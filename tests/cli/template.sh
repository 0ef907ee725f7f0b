#!/bin/sh
# millrace template, as a user types it: what it prints, the exit codes, JSON also about failures.
set -u
millrace=$1/millrace
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory" || exit 1
failed=0

# wants CODE WORDS COMMAND...: what it prints holds the words, and its exit code
wants() {
    code=$1 words=$2
    shift 2
    got=$("$@" 2>&1)
    status=$?
    case "$got" in
    *"$words"*) found=1 ;;
    *) found=0 ;;
    esac
    if [ "$status" -ne "$code" ] || [ "$found" -eq 0 ]; then
        echo "$*: exit $status, \"$got\"; wanted $code and \"$words\"" >&2
        failed=1
    fi
}

cat >my_app.yaml <<'YAML'
Transform: AWS::Serverless-2016-10-31
Parameters: {Stage: {Type: String}}
Resources:
  Orders: {Type: AWS::Kinesis::Stream, Properties: {Name: !Sub 'orders-${Stage}', ShardCount: 1}}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      Events:
        In: {Type: Kinesis, Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST, BatchSize: 0}}
YAML
printf 'Resources: {Fn: {Type: AWS::Serverless::Function, Properties: {Runtime: r}}}\n' >bad.yaml

wants 0 'mapping   FnIn                     Kinesis Orders' "$millrace" template my_app.yaml
wants 0 '"FunctionName":"my-app-Fn"' "$millrace" template --json my_app.yaml
wants 0 'stream/orders-dummy-Stage"' "$millrace" template --json --level l2 my_app.yaml
wants 0 '{"Fn::GetAtt":["Orders","Arn"]}' "$millrace" template --json --level l1 my_app.yaml
wants 0 'stream/orders-test"' "$millrace" template --json my_app.yaml --parameter-overrides Stage=test
wants 0 '"FunctionName":"s-Fn"' "$millrace" template --json my_app.yaml --stack-name s
wants 0 'my_app.yaml:11:107: warning: BatchSize: 0 is not in 1..10000 (event In of Fn)' "$millrace" template my_app.yaml
wants 3 'a parameter without a value: Stage' "$millrace" template --strict my_app.yaml
wants 3 'BatchSize: 0 is not in 1..10000' "$millrace" template --strict my_app.yaml --parameter-overrides Stage=a
wants 3 '{"error":"bad.yaml:1:13: a function needs a Handler' "$millrace" template --json bad.yaml
wants 3 '{"error":"template nothing.yaml: No such file' "$millrace" template --json nothing.yaml
wants 2 'l1 or l2' "$millrace" template --level l3 my_app.yaml
exit $failed
