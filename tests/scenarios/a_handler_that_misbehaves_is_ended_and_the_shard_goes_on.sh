#!/bin/sh
# A handler that segfaults, hangs, exits, takes 1 GB, forks without end: each time the right error, the
# process tree gone, two tries and given up, and the next record handled.
. "$(dirname "$0")/lib.sh"
cp "$here"/misbehave/* .
start_up
dropped() { [ "$(grep -c ' DROP ' up.out)" -ge "$1" ]; }
no_mischief() {
    for comm in /proc/[0-9]*/comm; do
        if [ "$(cat "$comm" 2>/dev/null)" = mischief ] &&
            ! grep -q '^State:.*Z' "${comm%comm}status" 2>/dev/null; then
            return 1
        fi
    done
    return 0
}
n=0
# deed WHAT ERROR: one bad record, then a good one.
deed() {
    n=$((n + 1))
    millrace put Deeds -q -k a "$1" good
    until_true 60 dropped $n
    millrace status --wait 30 >status.out
    grep ' FAIL ' up.out | tail -n 2 >fail.out
    equal "$1 is tried twice" 2 "$(grep -cE "$2" fail.out)"
    equal "the record behind $1 is handled" $n "$(grep -c 'handled good' up.out)"
    until_true 20 no_mischief
    has "the shard is at the head after $1" 'at the head' status.out
}
deed segv 'signal: segmentation fault'
deed exit 'exit status 3'
deed hang 'Task timed out after 6.00 seconds'
has_cgroups() { grep -qE '^millraced.* L1;' status.out; }
if has_cgroups; then
    deed memory 'signal: killed'
    deed fork 'Task timed out|signal|exit status|Error'
else
    echo "no cgroups here: memory and forks are not bounded, left out"
fi
stop_up
