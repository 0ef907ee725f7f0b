#!/bin/sh
# Debian's AWS CLI invokes a function of each kind through `millrace up`: shell, Python, Node, AWS's own
# client for Node, C, and one with an external extension.
set -eu
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
[ -x /usr/bin/aws ] || { echo "skipped: no /usr/bin/aws (apt-get install awscli)"; exit 77; }
for tool in curl node; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
dir=$(mktemp -d)
chmod 755 "$dir"
cd "$dir"
"$bin/millrace" up --no-template --port 0 --output json --data "$dir/data" >up.out 2>&1 &
up=$!
trap 'kill -INT $up 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
tries=0
until grep -q '"ready"' up.out; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] && kill -0 $up || { cat up.out; exit 1; }
    sleep 0.05
done
endpoint=$(grep -o 'http://127.0.0.1:[0-9]*' up.out | head -n 1)
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=
lambda() { /usr/bin/aws --endpoint-url "$endpoint" lambda "$@"; }
fail() { echo "failed: $1"; echo "  wanted: $2"; echo "  got:    $3"; tail -n 20 up.out; exit 1; }

# function NAME RUNTIME HANDLER: of the directory NAME, in place
function_of() {
    lambda create-function --function-name "$1" --runtime "$2" --handler "$3" --timeout 20 \
        --role arn:aws:iam::123456789012:role/r --code "S3Bucket=hot-reload,S3Key=$dir/$1" \
        --query State --output text >/dev/null
}
# answers NAME EVENT WANTED
answers() {
    lambda invoke --function-name "$1" --payload "$2" --cli-binary-format raw-in-base64-out out.json \
        --log-type Tail --query LogResult --output text >log.b64
    got=$(cat out.json)
    [ "$got" = "$3" ] && echo "ok: $1" || { base64 -d log.b64; fail "$1" "$3" "$got"; }
}

mkdir shell python node extended c
cat >shell/bootstrap <<'END'
#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
    event=$(curl -s -D /tmp/head "$api/next")
    id=$(awk 'tolower($1) == "lambda-runtime-aws-request-id:" { printf "%s", $2 }' /tmp/head | tr -d '\r')
    printf '{"shell":%s}' "$event" | curl -s -o /dev/null --data-binary @- "$api/$id/response"
done
END
chmod +x shell/bootstrap
function_of shell provided.al2023 any
answers shell '{"a":1}' '{"shell":{"a":1}}'

printf 'def handler(event, context):\n    return {"python": event, "name": context.function_name}\n' >python/app.py
function_of python python3.11 app.handler
answers python '{"a":1}' '{"python": {"a": 1}, "name": "python"}'

printf 'export const handler = async (event) => ({ node: event });\n' >node/app.mjs
function_of node nodejs20.x app.handler
answers node '{"a":1}' '{"node":{"a":1}}'

cp "$bin/../examples/report/bootstrap" c/
function_of c provided.al2023 bootstrap
answers c '{"Records":[]}' '{"batchItemFailures":[]}'

# An extension comes in a layer; what it is told is in the log.
mkdir -p layer/extensions
cat >layer/extensions/watcher <<'END'
#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
id=$(curl -s -o /dev/null -D - -X POST "$api/register" -H 'Lambda-Extension-Name: watcher' \
    -d '{"events":["INVOKE","SHUTDOWN"]}' |
    awk 'tolower($1) == "lambda-extension-identifier:" { printf "%s", $2 }' | tr -d '\r')
while event=$(curl -s "$api/event/next" -H "Lambda-Extension-Identifier: $id"); do
    echo "watcher saw $event"
    case $event in *SHUTDOWN*) exit 0 ;; esac
done
END
chmod +x layer/extensions/watcher
(cd layer && python3 -c 'import zipfile
z = zipfile.ZipFile("../layer.zip", "w")
i = zipfile.ZipInfo("extensions/watcher"); i.external_attr = 0o755 << 16
z.writestr(i, open("extensions/watcher").read())')
layer=$(lambda publish-layer-version --layer-name watcher --zip-file fileb://layer.zip \
    --query LayerVersionArn --output text)
cp python/app.py extended/
function_of extended python3.11 app.handler
lambda update-function-configuration --function-name extended --layers "$layer" --query State --output text >/dev/null
answers extended '2' '{"python": 2, "name": "extended"}'

# AWS's own client for Node, where npm brought it and Node is new enough.
case "$(node --version)" in v1[0-9].*) old=1 ;; *) old=0 ;; esac
if [ $old = 0 ] && [ -d "${INTEROP_NPM:-}/node_modules/aws-lambda-ric" ]; then
    mkdir -p ric/node_modules
    cp -RL "$INTEROP_NPM/node_modules/aws-lambda-ric" ric/node_modules/
    printf '#!/bin/sh\nexec node /var/task/node_modules/aws-lambda-ric/bin/index.mjs "$_HANDLER"\n' >ric/bootstrap
    [ -f ric/node_modules/aws-lambda-ric/bin/index.mjs ] ||
        sed -i 's/index.mjs/index.js/' ric/bootstrap
    chmod +x ric/bootstrap
    printf 'exports.handler = async (event) => ({ ric: event });\n' >ric/index.js
    function_of ric provided.al2023 index.handler
    answers ric '{"a":1}' '{"ric":{"a":1}}'
fi
