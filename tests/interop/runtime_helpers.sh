# What the runtime_*.sh tests share. They get the folder of programs, and INTEROP_RUNTIME and
# INTEROP_NPM from CMake.
set -eu
bin=$1
dir=$(mktemp -d)
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/code"

# run OPTION... RUNTIME HANDLER EVENT...: each event through the function in $dir/code, in a
# sandbox. The answers are in $dir/out, the log in $dir/log.
run() {
    options=""
    while :; do
        case "$1" in
        --json | --at-once | --tail) options="$options $1"; shift ;;
        --*) options="$options $1 $2"; shift 2 ;;
        *) break ;;
        esac
    done
    runtime=$1 handler=$2
    shift 2
    # shellcheck disable=SC2086
    "$INTEROP_RUNTIME" --sandbox "$bin/millrace-sandboxd" $options "$runtime" "$handler" "$dir/code" "$@" \
        >"$dir/out" 2>"$dir/log" || { cat "$dir/out" "$dir/log"; exit 1; }
}

# says LINE-NUMBER TEXT: is it that line of the answers, or does it begin with it?
says() {
    line=$(sed -n "$1p" "$dir/out")
    case "$line" in
    "$2"*) ;;
    *)
        echo "answer $1 is: $line"
        echo "  not: $2"
        cat "$dir/log"
        exit 1
        ;;
    esac
}

# logged TEXT
logged() {
    grep -qF -- "$1" "$dir/log" || { echo "not in the log: $1"; cat "$dir/log"; exit 1; }
}
