#!/bin/sh
# The verbs that no other play drives: env, config, check, generate-event, invoke, faults, completion,
# template, explain, build; and every verb has a --help that fits a screen's width.
. "$(dirname "$0")/lib.sh"
for verb in $(millrace completion --list ''); do
    millrace "$verb" --help >help.out || fail "millrace $verb --help"
    [ "$(awk 'length > 100' help.out | wc -l)" = 0 ] || fail "millrace $verb --help has long lines"
    has "the help of $verb begins with its usage" "^Usage: millrace $verb" help.out
    millrace completion --list "$verb" | has "$verb completes its options" '^--help$' /dev/stdin
done
millrace --version | has "a version" '^millrace [0-9]+\.[0-9]+' /dev/stdin
millrace completion bash | bash -n || fail "the completion script is no bash"

millrace init shop >/dev/null
cd shop
millrace build >build.out
has "build builds" '^build +OrderFn +make build-OrderFn' build.out
[ -x .millrace/build/OrderFn/bootstrap ] || fail "build left no bootstrap"
millrace check >check.out
has "check finds nothing wrong" "no error|0 error|ok" check.out
millrace template template.yaml --json >template.json
has "template says what it means" '"OrderFnFromOrders"' template.json

start_up --no-build
eval "$(millrace env)"
echo "$AWS_ENDPOINT_URL" | has "env points at it" '^http://127.0.0.1:' /dev/stdin
eval "$(millrace env --unset)"
AWS_ACCESS_KEY_ID=scenario AWS_SECRET_ACCESS_KEY=scenario
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
millrace config >config.out
has "config knows where the endpoint comes from" 'endpoint +http://127.0.0.1:[0-9]+ +.*/up.json' config.out

millrace generate-event OrderFn.FromOrders --records 3 --data @events/order.json >event.json
millrace invoke OrderFn --event event.json >answer.out 2>log.out
has "the generated event is handled" 'batchItemFailures' answer.out
has "its log is shown" 'order 1 ok' log.out

millrace faults 'GetRecords:throttle:count=2' 'PutRecords:partial=50:count=2' >faults.out
seq 1 40 | sed 's/.*/{"type":"order","id":&}/' | millrace put Orders >put.out
has "put puts again what was refused" '^put 40 records' put.out
millrace status --wait 30 >status.out
has "and all of it is handled" '40 polled = 40 done' status.out
millrace faults >faults.out
has "the faults have struck" 'PutRecords:partial.* struck 2' faults.out
millrace faults --clear | has "and can be taken away" 'no faults' /dev/stdin
endpoint=$(grep -oE 'http://127.0.0.1:[0-9]+' up.out | head -n 1)
curl -sS -X PUT "$endpoint/_millrace/functions/local-OrderFn/settings" -d '{"maxConcurrency":3}' >/dev/null
millrace faults 'OrderFn:crash#1' | has "a function's faults are shown" 'local-OrderFn: handler:crash#1' /dev/stdin
millrace put Orders -q '{"type":"order","id":41}'
until_line 30 'OrderFn/[0-9]+ +FAIL .*signal: killed' up.out
millrace status --wait 30 >status.out
has "the batch comes again" '41 polled = 41 done' status.out
millrace faults --clear >faults.out
curl -sS "$endpoint/_millrace/status" | has "the function's other settings stay" '"settings": ?\{[^}]*"maxConcurrency": ?3' /dev/stdin

code=0; millrace explain --pattern '{"data":{"type":["order"]}}' --event '{"data":{"type":"ping"}}' \
    >explain.out || code=$?
equal "explain: no match is exit code 1" 1 "$code"
has "explain says so" 'no-match' explain.out
stop_up
