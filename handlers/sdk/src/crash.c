#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <unwind.h>
#endif

/*
 * A crash is reported before the process dies of it: the platform gets the signal's name and
 * the return addresses, and so does the log. Everything here works on static memory; nothing
 * is locked or allocated.
 */

enum { MAX_FRAMES = 32, STACK_SIZE = 64 * 1024, REPORT_SIZE = 8192, ANSWER_WAIT_MS = 500 };

static _Thread_local const struct mr_ctx *current;

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

struct text {
    char *data;
    size_t size, capacity;
};

static void
add(struct text *text, const char *more, size_t size)
{
    for (size_t i = 0; i < size && text->size < text->capacity; i++) {
        text->data[text->size++] = more[i];
    }
}

static void
add_z(struct text *text, const char *more)
{
    add(text, more, strlen(more));
}

static void
add_hex(struct text *text, uintptr_t value)
{
    char digits[18];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value != 0);
    add_z(text, "0x");
    add(text, digits + at, sizeof(digits) - at);
}

static void
add_decimal(struct text *text, size_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    add(text, digits + at, sizeof(digits) - at);
}

/* As Go's platform names them. */
static const char *
name_of(int signal_number)
{
    switch (signal_number) {
    case SIGSEGV:
        return "segmentation fault";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "floating point exception";
    case SIGILL:
        return "illegal instruction";
    default:
        return "aborted";
    }
}

struct trace {
    uintptr_t frames[MAX_FRAMES];
    size_t count;
};

#ifdef __GLIBC__

static _Unwind_Reason_Code
on_frame(struct _Unwind_Context *context, void *out)
{
    struct trace *trace = out;
    if (trace->count == MAX_FRAMES) {
        return _URC_END_OF_STACK;
    }
    trace->frames[trace->count++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static void
walk_stack(struct trace *trace)
{
    _Unwind_Backtrace(on_frame, trace);
}

#else

/* gcc's unwinder wants glibc: with another libc the place of the crash is what there is. */
static void
walk_stack(struct trace *trace)
{
    (void)trace;
}

#endif

static uintptr_t
place_of(const void *machine)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)machine)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)machine)->uc_mcontext.pc;
#else
    (void)machine;
    return 0;
#endif
}

static void
write_report(struct text *body, int signal_number, const siginfo_t *info, const void *machine)
{
    static _Thread_local struct trace trace;
    trace.frames[0] = place_of(machine);
    trace.count = 1;
    walk_stack(&trace);

    add_z(body, "{\"errorMessage\":\"Runtime exited with error: signal: ");
    add_z(body, name_of(signal_number));
    if (signal_number == SIGSEGV || signal_number == SIGBUS) {
        add_z(body, " (address ");
        add_hex(body, (uintptr_t)info->si_addr);
        add_z(body, ")");
    }
    add_z(body, "\",\"errorType\":\"Runtime.ExitError\",\"stackTrace\":[");
    for (size_t i = 0; i < trace.count; i++) {
        add_z(body, i == 0 ? "\"" : ",\"");
        add_hex(body, trace.frames[i]);
        add_z(body, "\"");
    }
    add_z(body, "]}\n");
}

static void
post_report(const struct mr_ctx *ctx, const struct text *body)
{
    static _Thread_local char head_bytes[1024];
    struct text head = { head_bytes, 0, sizeof(head_bytes) };
    add_z(&head, "POST /2018-06-01/runtime/invocation/");
    add(&head, ctx->request_id.data, ctx->request_id.size);
    add_z(&head, "/error HTTP/1.1\r\nHost: ");
    add_z(&head, ctx->connection->host_header);
    add_z(&head, "\r\nContent-Type: application/json\r\n"
                 "Lambda-Runtime-Function-Error-Type: Runtime.ExitError\r\nContent-Length: ");
    add_decimal(&head, body->size);
    add_z(&head, "\r\n\r\n");

    int fd = ctx->connection->fd;
    if (send(fd, head.data, head.size, MSG_NOSIGNAL | MSG_MORE) == (ssize_t)head.size &&
        send(fd, body->data, body->size, MSG_NOSIGNAL) == (ssize_t)body->size) {
        struct pollfd answer = { .fd = fd, .events = POLLIN };
        poll(&answer, 1, ANSWER_WAIT_MS);
    }
}

static void
on_crash(int signal_number, siginfo_t *info, void *machine)
{
    static _Thread_local char bytes[REPORT_SIZE];
    struct text body = { bytes, 0, sizeof(bytes) };
    const struct mr_ctx *ctx = current;

    write_report(&body, signal_number, info, machine);
    ssize_t ignored = write(STDERR_FILENO, body.data, body.size);
    (void)ignored;
    if (ctx != NULL && ctx->connection != NULL && ctx->connection->fd >= 0 &&
        ctx->kind != RESPONSE_STREAM) {
        post_report(ctx, &body);
    }
    /* SA_RESETHAND restored the default: the process dies of the signal it got. */
    raise(signal_number);
}

void
crash_set_context(const struct mr_ctx *ctx)
{
    current = ctx;
}

void
crash_install(void)
{
    stack_t stack = {
        .ss_size = STACK_SIZE,
        .ss_sp =
            mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
    };
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) < 0) {
        return; /* crashes go unreported, and still end the process */
    }
    struct sigaction action = { .sa_sigaction = on_crash,
                                .sa_flags =
                                    SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND | SA_NODEFER };
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaction(signals[i], &action, NULL);
    }
}
