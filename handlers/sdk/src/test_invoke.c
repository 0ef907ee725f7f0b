#include "internal.h"

#include <stdio.h>

static const struct mr_handler *initialised;
static void *initialised_user;

static struct mr_test_result
failed_init(struct mr_ctx *ctx, const char *error)
{
    mr_fail(ctx, "Function.InitFailed", "%s", error);
    return (struct mr_test_result){ 1, ctx->response, ctx->error_type };
}

struct mr_test_result
mr_test_invoke(const struct mr_handler *handler, struct mr_str event, int64_t timeout_ms)
{
    static _Thread_local struct mr_ctx ctx;
    context_reset(&ctx);

    if (handler->init != NULL && initialised != handler) {
        const char *error = NULL;
        initialised_user = handler->init(&error);
        if (error != NULL) {
            return failed_init(&ctx, error);
        }
        initialised = handler;
    }
    ctx.user = handler->init == NULL ? NULL : initialised_user;
    ctx.request_id = MR_STR("00000000-0000-4000-8000-000000000000");
    ctx.function_arn = MR_STR("arn:aws:lambda:us-east-1:123456789012:function:test");
    ctx.content_type = MR_STR("application/json");
    ctx.deadline_ms = wall_ms() + timeout_ms;
    ctx.event = event;

    int status = handler->run(&ctx);
    if (status != 0 && ctx.error_type.data == NULL) {
        mr_fail(&ctx, "Function.Failed", "the handler returned %d", status);
    }
    if (ctx.kind == RESPONSE_NONE) {
        mr_respond(&ctx, MR_STR("null"), NULL);
    }
    struct mr_str body =
        ctx.kind == RESPONSE_STREAM && ctx.error_type.data == NULL
            ? (struct mr_str){ ctx.stream_capture.data, ctx.stream_capture.size }
            : ctx.response;
    return (struct mr_test_result){ status, body, ctx.error_type };
}
