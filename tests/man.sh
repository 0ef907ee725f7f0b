#!/bin/sh
# The man pages in docs/man say what the programs say. usage: man.sh BIN
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
command -v help2man >/dev/null || { echo "skipped: no help2man"; exit 77; }
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
"$root/scripts/man-pages.sh" "$1" "$new"
diff -ru "$root/docs/man" "$new" || { echo "docs/man is old: run scripts/man-pages.sh"; exit 1; }
