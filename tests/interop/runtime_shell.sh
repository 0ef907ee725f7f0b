#!/bin/sh
# A custom runtime in twenty lines of shell and curl: bootstrap asks, calls a function of a second
# file, answers.
. "$(dirname "$0")/runtime_helpers.sh"
command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }

cat >"$dir/code/bootstrap" <<'END'
#!/bin/bash
set -euo pipefail
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
. "$LAMBDA_TASK_ROOT/${_HANDLER%%.*}.sh"
while :; do
    event=$(curl --silent --show-error --dump-header /tmp/head "$api/next")
    id=$(awk 'tolower($1) == "lambda-runtime-aws-request-id:" { printf "%s", $2 }' /tmp/head | tr -d '\r')
    "${_HANDLER#*.}" "$event" | curl --silent --output /dev/null --data-binary @- "$api/$id/response"
done
END
chmod +x "$dir/code/bootstrap"
cat >"$dir/code/echo.sh" <<'END'
answer() {
    echo "seen $1" >&2
    printf 'you said %s' "$1"
}
END

run provided.al2023 echo.answer '{"a":1}' '"again"'
says 1 'OK you said {"a":1}'
says 2 'OK you said "again"'
logged 'seen {"a":1}'
