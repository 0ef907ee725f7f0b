#!/bin/sh
# The examples pass `millrace check` and their own tests; reports are what their readers want; a test
# that should fail fails, with the exit code that says why.
. "$(dirname "$0")/lib.sh"

# A copy of an example that builds with the SDK of this tree.
export MILLRACE_SDK="$root/handlers/sdk"
for example in orders poison; do
    mkdir "$example"
    cp -r "$root/examples/$example/template.yaml" "$root/examples/$example/src" \
        "$root/examples/$example/tests" "$example"
done

cd orders
millrace check >check.out
has "check counts what it read" '2 functions, 2 mappings, 3 test cases: 0 errors' check.out
millrace test >test.out
has "every case passes" '^3 passed, 0 failed$' test.out

cd ../poison
millrace test --junit junit.xml --tap >tap.out 2>build.err
equal "TAP begins with its version" 'TAP version 14' "$(head -n 1 tap.out)"
has "TAP has a plan" '^1\.\.3$' tap.out
has "and a point a case" '^ok 1 - tests/payments\.test\.yaml: ' tap.out
has "JUnit counts" '<testsuites tests="3" failures="0">' junit.xml
millrace test --no-build --explore 10 >explore.out
has "ten seeds pass" '^3 passed, 0 failed$' explore.out

# The same seed, the same transcript.
cp tests/golden/poison.jsonl first.jsonl
millrace test --no-build --update >/dev/null
cmp first.jsonl tests/golden/poison.jsonl || fail "the transcript is another one"

# What a change breaks is found.
sed -i 's/"split":2/"split":3/' tests/golden/poison.jsonl
code=0
millrace test --no-build >golden.out || code=$?
equal "a changed transcript fails the test" 1 "$code"
has "and the line is shown" 'differs from its golden file at line 1' golden.out
cp first.jsonl tests/golden/poison.jsonl

sed -i 's/handled: 3, dropped: 1/handled: 4/' tests/payments.test.yaml
code=0
millrace test --no-build --github -k bisect >wrong.out || code=$?
equal "an expectation that does not hold fails the test" 1 "$code"
has "it says what was found" 'FailFn: handled: expected 4, found 3' wrong.out
has "GitHub gets an annotation" '^::error file=tests/payments\.test\.yaml,line=' wrong.out

printf 'cases: [ { name: x, put: { Nowhere: [ a ] } } ]\n' >tests/payments.test.yaml
code=0
millrace test --no-build >stream.out || code=$?
equal "a stream that is not there fails the test" 1 "$code"
has "and those that are are named" 'no stream of the template; there is Payments' stream.out

printf 'cases: [ { name: x, puts: {} } ]\n' >tests/payments.test.yaml
code=0
millrace test --no-build >shape.out || code=$?
equal "a file that is none is code 3" 3 "$code"
has "with its place" 'payments\.test\.yaml:1:21: "puts" is no key of a case' shape.out

sed -i 's/MaximumRetryAttempts: 2/MaximumRetryAttemps: 2/' template.yaml
code=0
millrace check >check.out 2>check.err || code=$?
equal "a mistake in the template is code 3" 3 "$code"
has "the right name is suggested" 'MaximumRetryAttempts' check.err

millrace generate-event -t ../orders/template.yaml CountFn.FromOrders --records 3 >event.json
equal "an event has its records" 3 "$(grep -o '"eventName":"aws:kinesis:record"' event.json | wc -l)"
