#!/bin/sh
# millrace explain, as a user types it: the answers, the exit codes, text from files and pipes.
set -u
millrace=$1/millrace
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
failed=0

# wants CODE ANSWER COMMAND...: what it prints, and its exit code
wants() {
    code=$1 answer=$2
    shift 2
    got=$("$@" 2>/dev/null)
    status=$?
    if [ "$status" -ne "$code" ] || [ "$got" != "$answer" ]; then
        echo "$*: exit $status, \"$got\"; wanted $code, \"$answer\"" >&2
        failed=1
    fi
}

printf '{"a":[{"prefix":"x"}]}' >"$directory/pattern.json"
printf '{"a":"xyz"}\n' >"$directory/event.json"

wants 0 match "$millrace" explain --pattern '{"a":[1]}' --event '{"a":1.0}'
wants 1 no-match "$millrace" explain '--pattern={"a":[1]}' '--event={"a":2}'
wants 2 'rejected: Empty arrays are not allowed' "$millrace" explain --pattern '{"a":[]}' --event '{}'
wants 0 match "$millrace" explain --pattern "@$directory/pattern.json" --event "@$directory/event.json"
wants 0 match sh -c "\"$millrace\" explain --pattern @\"$directory/pattern.json\" --event - <\"$directory/event.json\""
wants 1 'no-match
data.a: wanted [1], found 2' "$millrace" explain --filter '{"data":{"a":[1]}}' '{"a":2}'
wants 2 '' "$millrace" explain --pattern '{"a":[1]}'
wants 2 '' "$millrace" explain --pattern - --event -
exit $failed
