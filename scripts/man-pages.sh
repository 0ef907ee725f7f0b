#!/bin/sh
# Writes docs/man/*.1 from what our programs say with --help.
#
#   scripts/man-pages.sh [BIN [DIR]]     BIN: build/debug/bin; DIR: docs/man
#
# The pages are committed, so that installing needs no tool; the test `man` fails when they are old.
set -eu
cd "$(dirname "$0")/.."
bin=$(cd "${1:-build/debug/bin}" && pwd)
dir=${2:-docs/man}
command -v help2man >/dev/null || { echo "man-pages: needs help2man (apt-get install help2man)" >&2; exit 1; }
mkdir -p "$dir"
PATH="$bin:$PATH"
export SOURCE_DATE_EPOCH=1767225600 LC_ALL=C.UTF-8 # pages change when the help does, not with the day

# page NAME SUMMARY COMMAND
page() {
    help2man --no-info --no-discard-stderr --section 1 --source Millrace --manual "Millrace" \
        --version-string "Millrace" --name "$2" "$3" |
        sed "s/^$3 .- /$1 \\\\- /" >"$dir/$1.1"
}

page millrace "AWS Lambda's event source mapping on your own machine" millrace
page millrace-streamd "a server of the Kinesis Data Streams API" millrace-streamd
page millraced "functions and event source mappings behind the Lambda API" millraced
page millrace-sandboxd "runs handlers in sandboxes for the program that started it" millrace-sandboxd
millrace --help | sed -n 's/^  \([a-z][a-z-]*\)  *\(.*\)$/\1 \2/p' | while read -r verb summary; do
    page "millrace-$verb" "$summary" "millrace $verb"
done
