#!/bin/sh
# init, up, put, edit, see the change, test: the path of somebody who has never been here, in each
# language that this machine has.
. "$(dirname "$0")/lib.sh"
millrace init --lang c shop >init.out
has "init says how to go on" 'cd shop && millrace up --watch' init.out
cd shop
start_up --watch
millrace put Orders '{"type":"order","id":1}' '{"type":"ping"}' -k a -q
until_line 20 'order 1 ok' up.out
millrace status --wait 20 >status.out
has "the ping was filtered out" '2 polled = 1 done \+ 1 filtered' status.out

sed -i 's/ ok"/ accepted"/' src/order.c
until_line 30 '^update +function' up.out
millrace put Orders '{"type":"order","id":2}' -k a -q
until_line 20 'order 2 accepted' up.out

built=$(grep -c '^build' up.out)
echo 'not C' >>src/order.c
until_line 30 '^keep +the code as it was' up.out
millrace put Orders '{"type":"order","id":3}' -k a -q
until_line 20 'order 3 accepted' up.out
sed -i '$d' src/order.c
rebuilt() { [ "$(grep -c '^build' up.out)" -gt "$built" ]; }
until_true 30 rebuilt

sed -i 's/BatchSize: 100/BatchSize: 10/' template.yaml
until_line 30 '^update +mapping .*batch 10' up.out
stop_up
if millrace help test >/dev/null 2>&1; then
    millrace test >test.out 2>&1 || { cat test.out; fail "the tests of a new project pass"; }
fi

for language in python nodejs; do
    case $language in
    python) command -v python3 >/dev/null || continue ;;
    nodejs) command -v node >/dev/null || continue ;;
    esac
    cd "$work"
    millrace init --lang $language "$language" >init.out
    cd "$language"
    start_up
    millrace put Orders '{"type":"order","id":7}' -k a -q
    until_line 30 'order 7 ok' up.out
    stop_up
done
