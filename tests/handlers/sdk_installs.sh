#!/bin/sh
# The SDK, installed anywhere, is found by pkg-config and by CMake, and builds C, C++ and shared handlers.
# usage: sdk_installs.sh BUILD_DIRECTORY
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cmake --install "$1" --prefix "$dir/first" --component sdk >/dev/null
mv "$dir/first" "$dir/moved" # nothing may remember where it was installed
PKG_CONFIG_PATH=$(dirname "$(find "$dir/moved" -name millrace-handler.pc)")
export PKG_CONFIG_PATH

# runs PROGRAM: without a platform a handler says what it is.
runs() {
    said=$("$1" 2>&1) && { echo "$1 runs without a platform"; exit 1; }
    case "$said" in *AWS_LAMBDA_RUNTIME_API*) ;; *) echo "$1 says: $said"; exit 1 ;; esac
}

# shellcheck disable=SC2046
cc -static -O1 "$here/examples/orders/src/order.c" -o "$dir/by-pkg-config" \
    $(pkg-config --static --cflags --libs millrace-handler)
runs "$dir/by-pkg-config"

mkdir "$dir/made" "$dir/project"
make -s -C "$here/examples/poison/src" build-FailFn ARTIFACTS_DIR="$dir/made"
runs "$dir/made/bootstrap"

cat >"$dir/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(handler C)
find_package(millrace-handler REQUIRED)
add_executable(bootstrap ${EXAMPLE})
target_link_libraries(bootstrap PRIVATE millrace::handler)
END
cmake -S "$dir/project" -B "$dir/project/build" -DCMAKE_PREFIX_PATH="$dir/moved" \
    -DEXAMPLE="$here/examples/orders/src/count.c" >/dev/null
cmake --build "$dir/project/build" >/dev/null
runs "$dir/project/build/bootstrap"

if command -v g++ >/dev/null; then
    cat >"$dir/handler.cc" <<'END'
#include <millrace/handler.h>
static int on_event(mr_ctx *ctx) { return mr_respond(ctx, MR_STR("1"), nullptr); }
MR_MAIN(on_event)
END
    # shellcheck disable=SC2046
    g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "$dir/handler.cc" -o "$dir/by-cxx" \
        $(pkg-config --cflags --libs millrace-handler)
    runs "$dir/by-cxx"
fi

cat >"$dir/shared.c" <<'END'
#include <millrace/handler.h>
static int on_event(struct mr_ctx *ctx) { return mr_respond(ctx, MR_STR("1"), NULL); }
MR_EXPORT({ MR_HANDLER_ABI, "one", on_event, NULL, NULL })
END
# shellcheck disable=SC2046
cc -shared -fPIC "$dir/shared.c" -o "$dir/libshared.so" $(pkg-config --cflags millrace-handler) \
    -Wl,--whole-archive $(pkg-config --libs millrace-handler) -Wl,--no-whole-archive
said=$(LAMBDA_TASK_ROOT=$dir _HANDLER=libshared.so.one "$(find "$dir/moved" -name millrace-bootstrap)" 2>&1) || true
case "$said" in *AWS_LAMBDA_RUNTIME_API*) ;; *) echo "the loader says: $said"; exit 1 ;; esac

if command -v musl-gcc >/dev/null; then
    musl-gcc -static -Os -D_GNU_SOURCE -Wall -Wextra -Werror -I"$dir/moved/include" \
        "$here/examples/orders/src/order.c" "$here"/handlers/sdk/src/*.c -o "$dir/by-musl" -pthread
    runs "$dir/by-musl"
fi
man=$(find "$dir/moved" -name mr_handler.3)
test -s "$man"
if command -v groff >/dev/null; then
    warnings=$(groff -man -Tutf8 -ww "$man" 2>&1 >/dev/null)
    test -z "$warnings" || { echo "$warnings"; exit 1; }
fi
