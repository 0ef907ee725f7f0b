#!/bin/sh
# Installs the Debian packages Millrace needs. Does nothing when all are there.
#
#   scripts/install.sh            everything: build, run, test
#   scripts/install.sh --run      what building and running needs, without the test tools
#
# Works as root, or as a user who may sudo.
set -eu

BUILD="gcc libc6-dev make cmake ninja-build pkg-config \
libuv1-dev libnghttp2-dev libcurl4-openssl-dev libssl-dev libjansson-dev libyaml-dev libarchive-dev \
libsqlite3-dev libseccomp-dev libcgroup-dev zlib1g-dev uthash-dev check"
RUN="awscli curl python3"
TEST="clang-14 libclang-rt-14-dev python3-boto3 sqlite3 nodejs npm zip help2man gdb gdbserver stress-ng psmisc \
g++ autoconf automake libtool"

case "${1:-}" in
"") wanted="$BUILD $RUN $TEST" ;;
--run) wanted="$BUILD $RUN" ;;
*)
    echo "usage: scripts/install.sh [--run]" >&2
    exit 2
    ;;
esac

# A tool that is there under its own name will do, wherever it came from.
tool_of() {
    case "$1" in
    gcc | gdb | gdbserver | stress-ng | make | cmake | curl | python3 | sqlite3 | npm | zip | clang-14) echo "$1" ;;
    ninja-build) echo ninja ;;
    pkg-config) echo pkg-config ;;
    nodejs) echo node ;;
    help2man) echo help2man ;;
    psmisc) echo pstree ;;
    esac
}

is_there() {
    tool=$(tool_of "$1")
    if [ -n "$tool" ]; then
        command -v "$tool" >/dev/null 2>&1
    else
        dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'
    fi
}

missing=""
for package in $wanted; do
    is_there "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "install: every Debian package needed is there"
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    echo "install: this is not Debian or Ubuntu (no apt-get); please install by hand:$missing" >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "install: needs root or sudo for: apt-get install$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi

echo "install: apt-get install$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # the list is meant to fall apart into words
if ! $as_root apt-get install -y -q --no-install-recommends $missing >/tmp/millrace-install.$$ 2>&1; then
    echo "install: refreshing the package lists first"
    $as_root apt-get update -q >>/tmp/millrace-install.$$ 2>&1 || true
    # shellcheck disable=SC2086
    if ! $as_root apt-get install -y -q --no-install-recommends $missing >>/tmp/millrace-install.$$ 2>&1; then
        tail -n 20 /tmp/millrace-install.$$ >&2
        rm -f /tmp/millrace-install.$$
        echo "install: apt-get failed, see above; is a Debian mirror reachable?" >&2
        exit 1
    fi
fi
rm -f /tmp/millrace-install.$$
echo "install: done"
