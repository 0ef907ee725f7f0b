#!/bin/sh
# put, tail and streams against the stream server alone.
. "$(dirname "$0")/lib.sh"
start_streamd

millrace streams create orders --shards 2 >out.out
has "the new stream is shown" '^orders +ACTIVE +2 shards' out.out
millrace streams | has "it is listed" '^orders ' /dev/stdin

seq 1 2500 | millrace put orders --key one - >out.out
has "a summary tells where the records went" '^put 2500 records, .* into orders: shard-[01] 2500$' out.out
millrace tail orders --output json >all.out
equal "every record is there" 2500 "$(wc -l <all.out)"
sed 's/.*"data"://; s/}$//' all.out >data.out
seq 1 2500 | cmp - data.out || fail "records of one key come in their order"

printf '[{"id":7,"who":{"name":"ann"}},{"id":8,"who":{"name":"ben"}}]' >orders.json
millrace put orders --json -f orders.json --key-field who.name --output json >out.out
has "the key is a member of the record" '"partition_key":"ann"' out.out
equal "each element is a record" 2 "$(wc -l <out.out)"
if printf '{"id":9}' | millrace put orders --json --key-field who.name 2>err.out; then
    fail "a record without its key was put"
fi
has "the missing member is named" 'record 1 has no member who.name' err.out

printf '\001\377binary' >blob
millrace put orders --whole -f blob -k blob
millrace tail orders --output json | grep -q '"data_base64":"Af9iaW5hcnk="' || fail "bytes stay bytes"

millrace put orders --shard 1 -q there
millrace tail orders --shard 1 | grep -q 'there$' || fail "a shard can be chosen"

millrace streams save orders orders.cast >out.out
has "save counts" '^saved 2504 records of orders' out.out
millrace streams load orders.cast copy >out.out
has "load makes the stream" '^created copy' out.out
has "load counts" '^loaded 2504 records into copy' out.out
sorted() { sed 's/.*"partition_key"/"partition_key"/' | sort; }
millrace tail orders --output json | sorted >a.out
millrace tail copy --output json | sorted >b.out
cmp a.out b.out || fail "the copy holds the same records"

kill -9 "$streamd"
wait "$streamd" 2>/dev/null || true
start_streamd
equal "what was acknowledged survives a kill" 2504 "$(millrace tail orders --output json | wc -l)"

millrace put nothere x 2>err.out && fail "put into a stream that is not there"
has "the missing stream is named" 'there is no stream nothere at http' err.out
code=0; millrace put 2>err.out || code=$?
equal "no stream named is a usage error" 2 "$code"
code=0; millrace evn 2>err.out || code=$?
equal "an unknown verb is a usage error" 2 "$code"
has "the verb that was meant is offered" 'did you mean "env"' err.out
