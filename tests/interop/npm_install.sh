#!/bin/sh
# Installs the clients that package.json names, once for every preset: build/npm.
# usage: npm_install.sh DIRECTORY
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
command -v npm >/dev/null || { echo "skipped: no npm"; exit 77; }
exec 9>.lock
flock 9
if cmp -s "$here/package-lock.json" .installed; then
    exit 0
fi
# aws-lambda-ric builds its C++ part: autoconf, automake, libtool, cmake, g++.
for tool in autoreconf libtoolize cmake g++; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" .
npm ci --no-audit --no-fund >npm.log 2>&1 || { tail -30 npm.log; exit 1; }
cp package-lock.json .installed
