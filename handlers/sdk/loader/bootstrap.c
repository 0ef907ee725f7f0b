/*
 * millrace-bootstrap: runs handlers built as a shared object.
 *
 * _HANDLER=liborders.so.on_orders: the object is looked for in LAMBDA_TASK_ROOT, the name
 * among the handlers it exports with MR_EXPORT. The object brings its own copy of the SDK; its
 * loop is the one that runs. Put this file into the package as `bootstrap`.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/handler.h"

enum { MAX_PATH = 4096 };

/* "liborders.so.on_orders" to "<root>/liborders.so". False when it is not of that form. */
static bool
object_path(const char *handler, char path[MAX_PATH])
{
    const char *root = getenv("LAMBDA_TASK_ROOT");
    const char *end = handler == NULL ? NULL : strstr(handler, ".so.");
    if (end == NULL || end[strlen(".so.")] == '\0') {
        return false;
    }
    int size = snprintf(path, MAX_PATH, "%s/%.*s.so", root == NULL ? "." : root,
                        (int)(end - handler), handler);
    return size > 0 && size < MAX_PATH;
}

static size_t
count_handlers(const struct mr_handler *handlers)
{
    size_t count = 0;
    while (handlers[count].run != NULL) {
        count++;
    }
    return count;
}

int
main(void)
{
    char path[MAX_PATH];
    const char *handler = getenv("_HANDLER");
    if (!object_path(handler, path)) {
        fprintf(stderr,
                "millrace-bootstrap: Handler is \"%s\"; it should read OBJECT.so.NAME, "
                "such as liborders.so.on_orders\n",
                handler == NULL ? "" : handler);
        return 64;
    }
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        fprintf(stderr, "millrace-bootstrap: %s\n", dlerror());
        return 1;
    }
    const struct mr_handler *handlers = dlsym(object, "mr_handlers");
    int (*run)(const struct mr_handler *, size_t) = NULL;
    *(void **)&run = dlsym(object, "mr_handler_main");
    if (handlers == NULL || run == NULL) {
        fprintf(stderr,
                "millrace-bootstrap: %s exports no handlers: declare them with MR_EXPORT "
                "and link the SDK into the object\n",
                path);
        return 1;
    }
    if (handlers[0].abi != MR_HANDLER_ABI) {
        fprintf(stderr, "millrace-bootstrap: %s was built for ABI %u, this is %u: rebuild it\n",
                path, handlers[0].abi, MR_HANDLER_ABI);
        return 1;
    }
    return run(handlers, count_handlers(handlers));
}
