#!/bin/sh
# The bootstrap of AWS's own tutorial for custom runtimes, with its function in a second file.
. "$(dirname "$0")/runtime_helpers.sh"
command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }

cat >"$dir/code/bootstrap" <<'END'
#!/bin/sh

set -euo pipefail

# Initialization - load function handler
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"

# Processing
while true
do
  HEADERS="$(mktemp)"
  # Get an event. The HTTP request will block until one is received
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")

  # Extract request ID by scraping response headers received above
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)

  # Run the handler function from the script
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")

  # Send the response
  curl "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response"  -d "$RESPONSE"
done
END
chmod +x "$dir/code/bootstrap"
cat >"$dir/code/function.sh" <<'END'
function handler () {
  EVENT_DATA=$1
  echo "$EVENT_DATA" 1>&2;
  RESPONSE="Echoing request: '$EVENT_DATA'"
  echo $RESPONSE
}
END

run provided.al2023 function.handler '{"a":1}' '"again"'
says 1 "OK Echoing request: '{\"a\":1}'"
says 2 "OK Echoing request: '\"again\"'"
logged '{"a":1}'
