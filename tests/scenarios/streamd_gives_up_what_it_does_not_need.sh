# millrace-streamd serves strangers' bytes: what it could still do to this host, when it runs.
. "$(dirname "$0")/lib.sh"

start_streamd --socket "$work/streamd.sock"

echo "$(grep -o 'hardened: .*' streamd.log)"
has "it says what took hold" "hardened: no capabilities" streamd.log
status=/proc/$streamd/status
for row in CapPrm CapEff CapInh; do
    has "$row" "^$row:[[:space:]]+0000000000000000$" "$status"
done
has "no new privileges" "^NoNewPrivs:[[:space:]]+1$" "$status"
has "a filter of system calls" "^Seccomp:[[:space:]]+2$" "$status"
if [ "$(id -u)" -ne 0 ]; then
    ! cat "/proc/$streamd/environ" >/dev/null 2>&1 || fail "its memory is shown to others"
fi

# And it serves.
millrace streams create orders
millrace put orders hello
millrace tail orders >tail.out
has "what was put" "hello" tail.out

# A directory of somebody else's: root becomes him.
if [ "$(id -u)" -eq 0 ]; then
    kill "$streamd"
    wait "$streamd" || true
    started=''
    chmod 755 "$work"
    chown -R 12346:12346 streamd
    port=0
    start_streamd
    has "its user" "^Uid:[[:space:]]+12346[[:space:]]+12346" "/proc/$streamd/status"
    millrace put orders again
fi
