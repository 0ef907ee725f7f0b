# millrace sandbox: what a handler sees, its status and output ours, and an end that ends everything.
. "$(dirname "$0")/lib.sh"

long=1000$$ # seconds, and nobody else's number

play() {
    echo "--- as $(id -un 2>/dev/null || id -u): $(millrace doctor | head -n 1)"

    equal "its output" "hello" "$(millrace sandbox -- echo hello)"
    equal "its own words on stdout, nothing of ours" "" "$(millrace sandbox -v -- true 2>/dev/null)"
    equal "its input" "HELLO" "$(echo hello | millrace sandbox -- tr a-z A-Z)"
    equal "its stderr" "oops" "$(millrace sandbox -- sh -c 'echo oops >&2' 2>&1 >/dev/null)"
    equal "its package" "from the package" "$(millrace sandbox --code package -- cat /var/task/file)"
    equal "its ids and place" "993 990 /var/task" \
        "$(millrace sandbox -- sh -c 'echo $(id -u) $(id -g) $(pwd)')"
    equal "its variables" "512 mine" \
        "$(millrace sandbox --env X=mine -- sh -c 'echo $AWS_LAMBDA_FUNCTION_MEMORY_SIZE $X')"
    equal "none of ours" "" "$(millrace sandbox -- sh -c 'env | grep AWS_SECRET || true')"
    equal "a /tmp of its own size" "64M" \
        "$(millrace sandbox --tmp 64 -- sh -c 'df -h --output=size /tmp | tail -n 1 | tr -d " "')"

    for want in 0 7 255; do
        status=0
        millrace sandbox -- sh -c "exit $want" || status=$?
        equal "its status" "$want" "$status"
    done
    status=0; millrace sandbox -- sh -c 'kill -TERM $$' || status=$?
    equal "a signal's status" 143 "$status"
    status=0; millrace sandbox -- no-such-command 2>error.out || status=$?
    equal "nothing of that name" 127 "$status"
    has "it is said" "No such file" error.out
    status=0; millrace sandbox -- /usr/share 2>error.out || status=$?
    equal "no program" 126 "$status"
    status=0; millrace sandbox --code no-such-directory -- true 2>error.out || status=$?
    equal "no package" 125 "$status"
    has "it is named" "no-such-directory" error.out
    status=0; millrace sandbox --memory 1 -- true 2>error.out || status=$?
    equal "a usage error" 2 "$status"
    has "its range" "64 to 10240" error.out
    status=0; millrace sandbox --timeout 1 -- sleep 100 || status=$?
    equal "out of time" 124 "$status"

    status=0; millrace sandbox -- sh -c 'echo x > /var/task/f || echo x > /etc/f || echo x > /f' 2>error.out || status=$?
    equal "read-only" 1 "$status"
    status=0; millrace sandbox -- sh -c 'exec 3<>/dev/tcp/127.0.0.1/'"$1" 2>error.out || status=$?
    [ "$status" -ne 0 ] || fail "the host's loopback is reached"
    millrace sandbox --network host -- bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$1" || fail "no network although asked for"
    millrace sandbox -- unshare -U true 2>error.out && fail "a namespace was made"
    has "what to write" 'AllowSyscalls: \[unshare\]' error.out

    # A signal ends the tree; also what ran away from its group.
    mkfifo "up-$2"
    millrace sandbox -- sh -c "setsid -f sleep $long; echo up; sleep $long" >"up-$2" &
    box=$!
    read -r _ <"up-$2"
    kill -TERM "$box"
    status=0; wait "$box" || status=$?
    equal "told to end" 143 "$status"
    until_true 5 nothing_of_it
}

nothing_of_it() {
    ! pgrep -f "sleep $long"
}

mkdir package
echo from the package >package/file
start_streamd
play "$port" first

# As an ordinary user, who has no cgroups of his own.
[ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null || exit 0
program=$(command -v millrace)
mkdir shim
cat >shim/millrace <<END
#!/bin/sh
exec setpriv --reuid=12346 --regid=12346 --clear-groups env HOME=/tmp XDG_RUNTIME_DIR= $program "\$@"
END
chmod 777 "$work"
chmod -R 755 shim
PATH="$work/shim:$PATH"
millrace --version >/dev/null 2>&1 || { echo "skipped: an ordinary user cannot reach $program"; exit 0; }
play "$port" second
