#!/bin/sh
# `cmake --install` puts all of it where it finds itself: programs, bootstraps, SDK, man pages.
. "$(dirname "$0")/lib.sh"
cmake --install "$bin/.." --prefix "$work/usr" >install.out
PATH="$work/usr/bin:/usr/bin:/bin"
unset MILLRACE_SDK MILLRACE_BOOTSTRAPS || true

[ -f "$work/usr/share/man/man1/millrace-up.1" ] || fail "no man page for millrace up"
millrace init --lang python python-app >init.out
(cd python-app && millrace test) >python.out || { cat python.out; fail "the Python project's tests"; }
has "its tests pass" '^2 passed, 0 failed$' python.out
millrace init --lang c c-app >init.out
(cd c-app && millrace test) >c.out || { cat c.out; fail "the C project's tests"; }
has "its tests pass, too" '^2 passed, 0 failed$' c.out

export PKG_CONFIG_PATH="$work/usr/lib/pkgconfig:$work/usr/lib/x86_64-linux-gnu/pkgconfig"
cat >handler.c <<'C'
#include <millrace/handler.h>
static int on_event(struct mr_ctx *ctx) { return mr_batch_done(ctx); }
MR_MAIN(on_event)
C
pc=$(find "$work/usr" -name millrace-handler.pc)
cc -o bootstrap handler.c $(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-prefix --static --cflags --libs millrace-handler) ||
    fail "a handler does not build with the installed SDK"
