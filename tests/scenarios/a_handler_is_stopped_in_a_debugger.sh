#!/bin/sh
# `millrace up --debug FUNCTION`: the handler waits under gdbserver in its sandbox, a breakpoint stops
# it for longer than its timeout, and its batch is handled all the same.
. "$(dirname "$0")/lib.sh"
command -v gdb >/dev/null && [ -x /usr/bin/gdbserver ] || { echo "skipped: no gdb or gdbserver"; exit 77; }
export MILLRACE_SDK="$root/handlers/sdk"
cp -R "$root/examples/poison/template.yaml" "$root/examples/poison/src" .
sed -i 's/Timeout: 10/Timeout: 1/' template.yaml

code=0
millrace up --debug Nobody --port 0 >nobody.out 2>&1 || code=$?
equal "a function that is not there is a mistake" 3 "$code"
has "and named" '"Nobody" is no function of' nobody.out

debug_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start_up --debug "FailFn=$debug_port"
has "up says how to attach" "^debug +FailFn waits for a debugger .*127.0.0.1:$debug_port" up.out
millrace put Payments -q --key a '{"id":1}'
until_line 30 "Listening on port $debug_port" up.out
cat >stop.gdb <<G
set confirm off
target remote 127.0.0.1:$debug_port
break on_payments
continue
backtrace 1
python import time; time.sleep(1.5)
delete
detach
G
gdb -q -batch -x stop.gdb .millrace/build/FailFn/bootstrap >gdb.out 2>&1 || fail "gdb ended with an error"
has "the breakpoint is met" 'on_payments .*fail\.c' gdb.out
until_line 30 'FailFn/0 +END +b[0-9]+ +ok' up.out
stop_up
