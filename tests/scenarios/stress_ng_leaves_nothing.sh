#!/bin/sh
# stress-ng in the sandbox: forks, memory, files, sockets, signals. When the command ends, no process and
# no cgroup of it is left; nor when it is ended in the middle.
. "$(dirname "$0")/lib.sh"
command -v stress-ng >/dev/null || { echo "skipped: no stress-ng (apt-get install stress-ng)"; exit 77; }

groups() { find /sys/fs/cgroup -maxdepth 4 -type d -name 'millrace*' 2>/dev/null | sort; }
stressed() { ps -e -o comm= | grep -q '^stress-ng'; }
is_gone() { ! stressed; }
no_group_is_left() { ! groups | comm -13 before.txt - | grep -q .; }
is_gone || { echo "skipped: somebody else runs stress-ng"; exit 77; }
groups >before.txt

millrace sandbox --memory 256 -- stress-ng --metrics-brief --temp-path /tmp --fork 4 --vm 2 \
    --vm-bytes 32M --hdd 1 --hdd-bytes 8M --sock 1 --kill 1 --timeout 3s >stress.out 2>&1 || true
has "stress-ng ran" 'metrc: .* fork ' stress.out
is_gone || fail "a process of stress-ng is left"
until_true 20 no_group_is_left

millrace sandbox --memory 128 -- stress-ng --temp-path /tmp --vm 2 --vm-bytes 64M --fork 4 \
    --timeout 60s >ended.out 2>&1 &
pid=$!
started="$started $pid"
until_true 20 stressed
kill -TERM $pid
wait $pid || true
until_true 20 is_gone
until_true 20 no_group_is_left
