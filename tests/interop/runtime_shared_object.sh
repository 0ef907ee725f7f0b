#!/bin/sh
# A handler built as a shared object, in a package with the loader as its bootstrap.
. "$(dirname "$0")/runtime_helpers.sh"
sdk=$(cd "$(dirname "$0")/../../handlers/sdk" && pwd)

cat >"$dir/shop.c" <<'END'
#include <millrace/handler.h>
static int count(struct mr_ctx *ctx) {
    struct mr_iter records = mr_records(ctx);
    struct mr_sqs message;
    int seen = 0;
    while (mr_sqs_next(&records, &message)) seen++;
    mr_logf(ctx, MR_INFO, "counted %d", seen);
    return mr_respondf(ctx, "%d", seen);
}
static int fail(struct mr_ctx *ctx) { return mr_fail(ctx, "Shop.Closed", "come back tomorrow"); }
MR_EXPORT({ MR_HANDLER_ABI, "count", count, NULL, NULL }, { MR_HANDLER_ABI, "fail", fail, NULL, NULL })
END
cc -shared -fPIC -O1 -D_GNU_SOURCE -pthread -I"$sdk/include" "$dir/shop.c" "$sdk"/src/*.c -o "$dir/code/libshop.so"
cp "$INTEROP_LOADER" "$dir/code/bootstrap"

message='{"messageId":"m","receiptHandle":"r","body":"b","attributes":{},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:q"}'
run provided.al2023 libshop.so.count "{\"Records\":[$message,$message]}" '{"Records":[]}'
says 1 'OK 2'
says 2 'OK 0'
logged "counted 2"

run provided.al2023 libshop.so.fail '1'
says 1 'ERROR Runtime.Unknown {"errorMessage":"come back tomorrow","errorType":"Shop.Closed"'

run provided.al2023 libnothing.so.count '1'
says 1 'ERROR Runtime.ExitError '
logged "libnothing.so: cannot open shared object file"
