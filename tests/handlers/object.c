/* A handler as a shared object, for the scenario that runs it through millrace-bootstrap. */
#include <millrace/handler.h>

static int
fails(struct mr_ctx *ctx)
{
    return mr_fail(ctx, "Wrong.Handler", "this one was not asked for");
}

static int
answers_42(struct mr_ctx *ctx)
{
    return mr_respondf(ctx, "42");
}

MR_EXPORT({ MR_HANDLER_ABI, "other", fails, NULL, NULL },
          { MR_HANDLER_ABI, "on_orders", answers_42, NULL, NULL })
