#!/bin/sh
# 20,000 records over 4 shards; each daemon is killed once in the middle. Every record is handled at
# least once, in order per shard; what comes twice was not checkpointed.
. "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || exit 77
records=20000
start_collector
cp "$here"/witness/* .
start_up --quiet --parameter-overrides "WitnessPort=$witness_port"

seq 1 $records | millrace put Orders --rate 4000 --retries 200 >put.out 2>&1 &
put=$!
handled() { [ "$(wc -l <handled.txt)" -ge "$1" ]; }

until_true 60 handled 3000
kill -9 "$(daemon_pid millrace-streamd)"
until_line 30 '^again +millrace-streamd is back' up.out

until_true 60 handled 8000
sandboxd=$(descendant "$(daemon_pid millraced)" millrace-sandbo) || fail "no sandboxd below millraced"
kill -9 "$sandboxd"

until_true 60 handled 13000
# The supervisor sleeps while we look at what the dead daemon has written down.
kill -STOP "$up"
millraced=$(daemon_pid millraced)
kill -9 "$millraced"
until_true 20 grep -q '^State:.*Z' "/proc/$millraced/status"
cp .millrace/millraced/checkpoints.db* .
kill -CONT "$up"
until_line 30 '^again +millraced is back' up.out
sqlite3 checkpoints.db "SELECT shard_id || '|' || sequence_number FROM checkpoint
                        WHERE sequence_number IS NOT NULL" >checkpoints.txt
equal "every shard has a checkpoint" 4 "$(wc -l <checkpoints.txt)"

wait "$put" || { cat put.out; fail "put gave up"; }
millrace status --wait 60 >status.out
equal "all four shards are at the head" 4 "$(grep -c 'at the head' status.out)"
millrace tail Orders --output json >stream.json
[ "$(wc -l <stream.json)" -ge $records ] || fail "the stream lost records: $(wc -l <stream.json)"
sed 's/.*"data"://; s/}$//' stream.json | sort -n -u | wc -l >ids.out
equal "every record put is in the stream" $records "$(cat ids.out)"
python3 "$here/check_handled.py" stream.json handled.txt 3 checkpoints.txt
stop_up
