#!/bin/sh
# An external extension in shell beside a Python function of the host's interpreter.
. "$(dirname "$0")/runtime_helpers.sh"
command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }

mkdir -p "$dir/layer/extensions"
cat >"$dir/layer/extensions/watcher" <<'END'
#!/bin/bash
set -euo pipefail
api="http://${AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension"
headers=$(mktemp)
curl -sS -o /dev/null -D "$headers" -X POST "$api/register" -H "Lambda-Extension-Name: $(basename "$0")" \
    -d '{"events": ["INVOKE", "SHUTDOWN"]}'
id=$(grep -Fi Lambda-Extension-Identifier "$headers" | tr -d '[:space:]' | cut -d: -f2)
while true; do
    event=$(curl -sS "$api/event/next" -H "Lambda-Extension-Identifier: $id")
    echo "watcher saw $event"
    case "$event" in *SHUTDOWN*) exit 0 ;; esac
done
END
chmod +x "$dir/layer/extensions/watcher"
cat >"$dir/code/app.py" <<'END'
def handler(event, context):
    return {"got": event}
END

run --layer "$dir/layer" python3.11 app.handler '{"a":1}' '2'
says 1 'OK {"got": {"a": 1}}'
says 2 'OK {"got": 2}'
logged "EXTENSION	Name: watcher	State: Ready	Events: [INVOKE, SHUTDOWN]"
logged 'watcher saw {"eventType":"INVOKE","deadlineMs":'
logged '"eventType":"SHUTDOWN","deadlineMs":'
logged '"shutdownReason":"spindown"}'
