#!/bin/sh
# No two rooms define the same name: a program that links both would take one of them for the other.
# usage: symbols.sh BUILD_DIRECTORY
set -eu
twice=$(find "$1" -name 'libmr_*.a' -exec nm -g --defined-only --print-file-name {} + |
    awk '$2 ~ /^[TDBR]$/ && $3 !~ /^__/ { print $3 }' | sort | uniq -d)
[ -n "$(find "$1" -name 'libmr_base.a')" ] || { echo "no libraries in $1"; exit 1; }
if [ -n "$twice" ]; then
    echo "defined more than once:" $twice
    exit 1
fi
