#!/bin/sh
# One record that cannot be handled among a hundred: halved until it stands alone, tried as often as the
# mapping says, given up into the dead-letter store; everything else is handled. Then what one does
# about it: look, replay, redrive, seek.
. "$(dirname "$0")/lib.sh"
cp -R "$root"/examples/poison/. .
export MILLRACE_SDK="$root/handlers/sdk"
start_up

for i in $(seq 1 100); do
    if [ "$i" = 37 ]; then echo '{"id":37,"poison":true}'; else echo "{\"id\":$i}"; fi
done | millrace put Payments -k one >put.out
millrace status --wait 60 >status.out
equal "both mappings are at the head" 2 "$(grep -c 'at the head' status.out)"

# FailFn fails the whole batch: the mapping finds the record.
grep 'FailFn/0  DROP' up.out >drop.out || fail "FailFn gave nothing up"
equal "it gave up once" 1 "$(wc -l <drop.out)"
has "one record, after its retries" 'RetryAttemptsExhausted  1 rec' drop.out
has "the batch was halved" 'FailFn/0  FAIL .* bisect 50\+50' up.out
equal "the 99 others were handled" 99 \
    "$(grep 'FailFn/0  END' up.out | sed 's/.* ok *\([0-9]*\) rec.*/\1/' | paste -sd+ | bc)"
# ReportFn names it: what stands before is done, it and what is behind come again, then are given up.
has "ReportFn reports where it failed" 'ReportFn/0  FAIL .* partial  36 of 100 done' up.out

millrace dlq list >dlq.out
has "the letter of FailFn is kept" 'RetryAttemptsExhausted +1 rec +3 tries +local-FailFn' dlq.out
id=$(sed -n 's/^ *\([0-9]*\) .*local-FailFn.*/\1/p' dlq.out)
millrace dlq show "$id" >letter.out
has "the letter says why" 'KinesisBatchInfo' letter.out
has "the letter holds the event" '"Records"' letter.out

batch=$(sed 's/.*DROP *\([^ ]*\) .*/\1/' drop.out)
code=0; millrace replay "$batch" >replay.out 2>&1 || code=$?
equal "the replay fails as the batch did" 1 "$code"
has "with the same error" 'Payment.Poison' replay.out
millrace replay --list --failed >replay.out
has "what failed is listed" "$batch +local-FailFn" replay.out

for tool in gdb bare; do
    [ $tool = bare ] || command -v $tool >/dev/null || continue
    timeout 60 millrace replay "$batch" --$tool >$tool.out 2>&1 </dev/null || true
    has "under $tool it fails in the same way" '^error .*Payment.Poison' $tool.out
done
code=0; millrace replay b99999 --bare >replay.out 2>&1 || code=$?
equal "what was never recorded is not replayed" 1 "$code"

# A new version of the handler takes it: redrive.
code=0; millrace dlq redrive "$id" >redrive.out 2>&1 || code=$?
equal "redriven to the same code it fails again and stays" 1 "$code"
stop_up
sed -i 's/"poison"), MR_STR("true")/"poison"), MR_STR("never")/' src/fail.c
start_up
millrace dlq redrive "$id" >redrive.out
has "redriven to better code it is handled" 'handled; it is gone' redrive.out
millrace dlq list >dlq.out
if grep -q local-FailFn dlq.out; then fail "the letter is still there"; fi

millrace seek FailFn --to oldest >seek.out
millrace status --wait 60 >status.out
has "after a seek all come again, and are handled" '100 polled = 100 done' status.out
millrace logs FailFn | has "its log says so" 'handled 100 payments' /dev/stdin
millrace logs FailFn | has "between Lambda's own lines" '^REPORT RequestId: .*Billed Duration' /dev/stdin

millrace invoke FailFn '{"Records":[]}' >invoke.out 2>invoke.err
has "a function can be called by hand" '"handled":0' invoke.out
stop_up
