#!/bin/sh
# A second `millrace up` on the same data directory goes on where the first one stopped; records put in
# between stay; --fresh begins anew.
. "$(dirname "$0")/lib.sh"
start_collector
cp "$here"/witness/* .
start_up --parameter-overrides "WitnessPort=$witness_port"
seq 1 500 | millrace put Orders -q
millrace status --wait 30 >status.out
equal "all are handled" 500 "$(wc -l <handled.txt)"
stop_up
has "the stop says that nothing is lost" '^stopped .*goes on from here' up.out

start_up --parameter-overrides "WitnessPort=$witness_port"
has "the stream is kept" '^keep +stream +orders' up.out
has "the mapping is kept" '^keep +mapping +WitnessFnFromOrders' up.out
millrace status --wait 30 >status.out
equal "nothing comes again" 500 "$(wc -l <handled.txt)"
seq 501 700 | millrace put Orders -q
millrace status --wait 30 >status.out
equal "what is new is handled" 700 "$(wc -l <handled.txt)"
equal "each once" 700 "$(sort -u handled.txt | wc -l)"
stop_up

start_up --parameter-overrides "WitnessPort=$witness_port" BatchSize=7
has "a changed mapping is updated" '^update +mapping +WitnessFnFromOrders .*batch 7' up.out
millrace put Orders -q x
millrace status --wait 30 >status.out
equal "and keeps its positions" 701 "$(wc -l <handled.txt)"

millrace put Orders -q y
kill -9 "$up"
wait "$up" 2>/dev/null || true
start_up --parameter-overrides "WitnessPort=$witness_port" BatchSize=7
millrace status --wait 30 >status.out
equal "after a kill of all of it nothing is lost" 702 "$(sort -u handled.txt | wc -l)"
stop_up

start_up --fresh --parameter-overrides "WitnessPort=$witness_port"
equal "--fresh forgets the records" 0 "$(millrace tail Orders | wc -l)"
stop_up
