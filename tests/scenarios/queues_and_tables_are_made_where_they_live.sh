#!/bin/sh
# A template with a queue, a table and a dead-letter queue: with the endpoints of SQS and DynamoDB set
# (moto's here), up makes them there, maps them, and sends what is given up to the queue. Without, one
# line says which variable to set, and the rest runs.
. "$(dirname "$0")/lib.sh"
command -v moto_server >/dev/null || exit 77
cat >template.yaml <<'TEMPLATE'
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: { Runtime: python3.11, CodeUri: code/, Timeout: 10 }
Resources:
  Jobs: { Type: AWS::SQS::Queue, Properties: { VisibilityTimeout: 30 } }
  Failed: { Type: AWS::SQS::Queue }
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  Orders: { Type: "AWS::Kinesis::Stream", Properties: { ShardCount: 1 } }
  JobFn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: job.handler
      Events:
        FromJobs: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn } }
  ThingFn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: job.handler
      Events:
        FromThings: { Type: DynamoDB, Properties: { Stream: !GetAtt Things.StreamArn, StartingPosition: TRIM_HORIZON } }
  OrderFn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: job.handler
      Events:
        FromOrders:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Orders.Arn
            StartingPosition: TRIM_HORIZON
            MaximumRetryAttempts: 0
            DestinationConfig: { OnFailure: { Type: SQS, Destination: !GetAtt Failed.Arn } }
TEMPLATE
mkdir code
cat >code/job.py <<'HANDLER'
def handler(event, context):
    source = event["Records"][0]["eventSource"]
    print("got", len(event["Records"]), "of", source)
    if source == "aws:kinesis":
        raise ValueError("no orders today")
HANDLER

start_up
has "a queue without its endpoint is told" '^skip .*JobFnFromJobs.* set AWS_ENDPOINT_URL_SQS' up.out
has "a table without its endpoint is told" '^skip .*ThingFnFromThings.* set AWS_ENDPOINT_URL_DYNAMODB' up.out
has "the rest runs" '^map +mapping +OrderFnFromOrders' up.out
stop_up

moto_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
moto_server -H 127.0.0.1 -p "$moto_port" >moto.log 2>&1 &
started="$started $!"
moto="http://127.0.0.1:$moto_port"
until_true 60 curl -sf "$moto/moto-api/"
export AWS_ENDPOINT_URL_SQS="$moto" AWS_ENDPOINT_URL_DYNAMODB="$moto"
start_up
has "the table is made" '^create +table +local-Things-?[A-Za-z0-9]* +at http' up.out
has "the queue is made" '^use +queue +local-Jobs-?[A-Za-z0-9]* +at http' up.out
has "and mapped" '^map +mapping +JobFnFromJobs' up.out
has "as the table is" '^map +mapping +ThingFnFromThings' up.out

sqs() { aws --endpoint-url "$moto" sqs "$@" --output text; }
sqs send-message --queue-url "$(sqs get-queue-url --queue-name local-Jobs)" --message-body hello >/dev/null
until_line 30 'got 1 of aws:sqs' up.out
aws --endpoint-url "$moto" dynamodb put-item --table-name local-Things --item '{"id":{"S":"a"}}'
until_line 30 'got 1 of aws:dynamodb' up.out
millrace put Orders x -q
until_line 30 'DROP .* RetryAttemptsExhausted  1 rec → sqs ' up.out
failed() {
    sqs receive-message --queue-url "$(sqs get-queue-url --queue-name local-Failed)" | grep -q KinesisBatchInfo
}
until_true 30 failed
equal "nothing is kept here that was delivered there" "nothing was given up" "$(millrace dlq list)"
stop_up
