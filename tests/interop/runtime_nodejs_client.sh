#!/bin/sh
# npm's aws-lambda-ric, AWS's own runtime client for Node, in a package of its own.
. "$(dirname "$0")/runtime_helpers.sh"
[ -d "$INTEROP_NPM/node_modules/aws-lambda-ric" ] || { echo "skipped: no aws-lambda-ric"; exit 77; }
command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
case "$(node --version)" in v1[0-9].*) echo "skipped: its 3.3 wants Node 20"; exit 77 ;; esac

cat >"$dir/code/bootstrap" <<'END'
#!/bin/sh
exec node /opt/node_modules/.bin/aws-lambda-ric "$_HANDLER"
END
chmod +x "$dir/code/bootstrap"
cat >"$dir/code/index.js" <<'END'
exports.handler = async (event, context) => {
  if (event === 'bad') throw new TypeError('no');
  if (event === 'exit') process.exit(5);
  if (event === 'huge') return 'x'.repeat(7 * 1024 * 1024);
  if (event === 'deep') { const e = new Error('long'); e.stack = 'y'.repeat(900000); throw e; }
  console.log('hello', context.awsRequestId);
  console.error('oops\nsecond');
  return { got: event, left: context.getRemainingTimeInMillis() > 0,
           trace: process.env._X_AMZN_TRACE_ID, arn: context.invokedFunctionArn };
};
exports.stream = awslambda.streamifyResponse(async (event, out) => {
  out.setContentType('text/plain');
  out.write('one ');
  if (event === 'bad') throw new RangeError('late');
  out.write('two');
  out.end();
});
END

run --layer "$INTEROP_NPM" provided.al2023 index.handler '{"a":1}' '"bad"' '"huge"' '"deep"' '"exit"' '2'
says 1 'OK {"got":{"a":1},"left":true,"trace":"Root=1-2-3","arn":"arn:aws:lambda:us-east-1:123456789012:function:f"}'
says 2 'ERROR Runtime.Unknown {"errorType":"TypeError","errorMessage":"no","trace":["TypeError: no"'
says 3 'ERROR Function.ResponseSizeTooLarge {"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}'
says 4 'ERROR Runtime.Unknown {"errorType":"Error","errorMessage":"long","trace":["yyyy'
says 5 'ERROR Runtime.ExitError {"errorType":"Runtime.ExitError","errorMessage":"RequestId: '
says 6 'OK {"got":2,'
logged "	INFO	hello "
logged "	ERROR	oops"

run --layer "$INTEROP_NPM" --json provided.al2023 index.handler '1'
logged '"level":"INFO","requestId":"'
logged '"type":"platform.report"'

run --layer "$INTEROP_NPM" provided.al2023 index.stream '1' '"bad"' '2'
says 1 'OK one two'
says 2 'ERROR '
says 3 'OK one two'

run --layer "$INTEROP_NPM" provided.al2023 index.missing '1'
says 1 'ERROR Runtime.HandlerNotFound {"errorType":"Runtime.HandlerNotFound","errorMessage":"index.missing is undefined or not exported"'
