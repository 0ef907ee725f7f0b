#!/bin/sh
# Bad flags, templates, ports, builds: one line that says what to do, an exit code, nothing left.
. "$(dirname "$0")/lib.sh"

# refused CODE PATTERN COMMAND...
refused() {
    wanted=$1 pattern=$2
    shift 2
    code=0
    "$@" >refused.out 2>refused.err || code=$?
    equal "the exit code of: $*" "$wanted" "$code"
    has "the reason of: $*" "$pattern" refused.err
}
refused 2 'is not a verb; did you mean "up"' millrace upp
refused 2 'port takes a number from 0 to 65535' millrace up --port 70000
refused 2 'sandbox is auto, off, or require:L1' millrace up --sandbox none
refused 3 'there is no template.yaml here.*millrace init' millrace up
refused 3 'template nothere.yaml: No such file' millrace up -t nothere.yaml

cat >template.yaml <<'TEMPLATE'
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Runtime: provided.al2023
      Handler: bootstrap
      Events:
        E:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:123456789012:stream/s
            StartingPosition: TRIM_HORIZON
            MaximumRecordAgeInSeconds: 30
TEMPLATE
refused 3 'template.yaml:15:[0-9]+: .*MaximumRecordAgeInSeconds' millrace up
echo '{"Resources": [' >bad.json
refused 3 'bad.json' millrace up -t bad.json

mkdir code
cat >build.yaml <<'TEMPLATE'
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: makefile }
    Properties: { CodeUri: code/, Runtime: provided.al2023, Handler: bootstrap }
TEMPLATE
refused 4 'make build-Fn. in .*code.* failed with exit code 2' millrace up -t build.yaml --port 0
printf 'build-Fn:\n\ttrue\n' >code/Makefile
refused 4 'left no executable "bootstrap"' millrace up -t build.yaml --port 0
sed 's/Metadata: .*//' build.yaml >asis.yaml
refused 4 'there is no executable "bootstrap" in' millrace up -t asis.yaml --port 0

cat >streams.yaml <<'TEMPLATE'
Resources:
  S: { Type: "AWS::Kinesis::Stream", Properties: { Name: s, ShardCount: 1 } }
TEMPLATE
start_streamd
refused 78 "port $port is in use; .*--port 0" millrace up -t streams.yaml --port "$port"
unset MILLRACE_ENDPOINT

cp streams.yaml template.yaml
start_up
refused 78 'another .millrace up. runs on' millrace up --port 0
refused 1 'there is no stream nothere' millrace put nothere x
stop_up
refused 1 'nothing listens at .*millrace up' millrace put S x
