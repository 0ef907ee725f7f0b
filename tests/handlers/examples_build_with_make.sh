#!/bin/sh
# The examples build as `sam build` and `millrace build` would: make build-<LogicalId> ARTIFACTS_DIR=...
set -eu
cd "$(dirname "$0")/../../examples"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for example in orders poison; do
    for target in $(sed -n 's/^\(build-[A-Za-z]*\):.*/\1/p' "$example/src/Makefile"); do
        rm -f "$out/bootstrap"
        make -s -C "$example/src" "$target" ARTIFACTS_DIR="$out" CFLAGS="-O1 -Wall -Wextra -Werror"
        test -x "$out/bootstrap" || { echo "$example: $target made no bootstrap"; exit 1; }
        said=$("$out/bootstrap" 2>&1) && { echo "$target: runs without a platform"; exit 1; }
        case "$said" in *AWS_LAMBDA_RUNTIME_API*) ;; *) echo "$target says: $said"; exit 1 ;; esac
        grep -q "  ${target#build-}:" "$example/template.yaml" || { echo "$example: no ${target#build-}"; exit 1; }
    done
done
