#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_BLOCK = 256 * 1024, ALIGNMENT = 16 };

struct block {
    struct block *older;
    size_t size, used;
    size_t padding;
    char bytes[];
};

_Noreturn void
die(const char *what)
{
    fprintf(stderr, "millrace-handler: %s\n", what);
    _exit(1);
}

int64_t
wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct block *
add_block(struct arena *arena, size_t size)
{
    size_t wanted = arena->newest == NULL ? FIRST_BLOCK : arena->newest->size * 2;
    if (wanted < size + sizeof(struct block)) {
        wanted = size + sizeof(struct block);
    }
    struct block *block =
        mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        die("out of memory");
    }
    block->older = arena->newest;
    block->size = wanted;
    block->used = sizeof(*block);
    arena->newest = block;
    if (arena->first == NULL) {
        arena->first = block;
    }
    return block;
}

void *
arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4) {
        die("out of memory");
    }
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, size);
    }
    void *memory = (char *)block + block->used;
    block->used += size;
    return memory;
}

void
arena_reset(struct arena *arena)
{
    while (arena->newest != arena->first) {
        struct block *block = arena->newest;
        arena->newest = block->older;
        munmap(block, block->size);
    }
    if (arena->first != NULL) {
        arena->first->used = sizeof(struct block);
    }
}

void
bytes_reserve(struct bytes *bytes, size_t extra)
{
    if (bytes->capacity - bytes->size >= extra && bytes->data != NULL) {
        return;
    }
    size_t capacity = bytes->capacity * 2 + extra + 4096;
    char *data = realloc(bytes->data, capacity);
    if (data == NULL) {
        die("out of memory");
    }
    bytes->data = data;
    bytes->capacity = capacity;
}

void
bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    bytes_reserve(bytes, size);
    if (size > 0) {
        memcpy(bytes->data + bytes->size, data, size);
        bytes->size += size;
    }
}

void
context_reset(struct mr_ctx *ctx)
{
    arena_reset(&ctx->arena);
    struct mr_ctx kept = {
        .arena = ctx->arena,
        .event_bytes = ctx->event_bytes,
        .connection = ctx->connection,
        .user = ctx->user,
        .stream_capture = ctx->stream_capture,
    };
    *ctx = kept;
    ctx->event_bytes.size = 0;
    ctx->stream_capture.size = 0;
}

void
context_release(struct mr_ctx *ctx)
{
    arena_reset(&ctx->arena);
    if (ctx->arena.first != NULL) {
        munmap(ctx->arena.first, ctx->arena.first->size);
    }
    free(ctx->event_bytes.data);
    free(ctx->stream_capture.data);
    *ctx = (struct mr_ctx){ 0 };
}

struct mr_str
mr_request_id(const struct mr_ctx *ctx)
{
    return ctx->request_id;
}

struct mr_str
mr_function_arn(const struct mr_ctx *ctx)
{
    return ctx->function_arn;
}

struct mr_str
mr_trace_id(const struct mr_ctx *ctx)
{
    return ctx->trace_id;
}

struct mr_str
mr_client_context(const struct mr_ctx *ctx)
{
    return ctx->client_context;
}

struct mr_str
mr_cognito_identity(const struct mr_ctx *ctx)
{
    return ctx->cognito_identity;
}

struct mr_str
mr_tenant_id(const struct mr_ctx *ctx)
{
    return ctx->tenant_id;
}

struct mr_str
mr_event(const struct mr_ctx *ctx)
{
    return ctx->event;
}

struct mr_str
mr_content_type(const struct mr_ctx *ctx)
{
    return ctx->content_type;
}

int64_t
mr_deadline_ms(const struct mr_ctx *ctx)
{
    return ctx->deadline_ms;
}

int64_t
mr_remaining_ms(const struct mr_ctx *ctx)
{
    int64_t left = ctx->deadline_ms - wall_ms();
    return left < 0 ? 0 : left;
}

void *
mr_user(const struct mr_ctx *ctx)
{
    return ctx->user;
}

void *
mr_alloc_in(struct mr_ctx *ctx, size_t size)
{
    return arena_take(&ctx->arena, size);
}

void *
mr_alloc_zero_in(struct mr_ctx *ctx, size_t size)
{
    return memset(arena_take(&ctx->arena, size), 0, size);
}

char *
mr_copy_z(struct mr_ctx *ctx, struct mr_str text)
{
    char *copy = arena_take(&ctx->arena, text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

static struct mr_str
vprint(struct mr_ctx *ctx, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size < 0) {
        die("a format that cannot be printed");
    }
    char *text = arena_take(&ctx->arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return (struct mr_str){ text, (size_t)size };
}

struct mr_str
mr_printf(struct mr_ctx *ctx, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct mr_str text = vprint(ctx, format, args);
    va_end(args);
    return text;
}

int
mr_respond(struct mr_ctx *ctx, struct mr_str body, const char *content_type)
{
    ctx->kind = RESPONSE_BODY;
    ctx->response = body;
    ctx->response_type = mr_str_z(content_type == NULL ? "application/json" : content_type);
    return 0;
}

int
mr_respondf(struct mr_ctx *ctx, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct mr_str body = vprint(ctx, format, args);
    va_end(args);
    return mr_respond(ctx, body, NULL);
}

struct mr_str
error_document(struct mr_ctx *ctx, struct mr_str type, struct mr_str message)
{
    struct mr_writer json = mr_write(ctx);
    mr_write_object(&json);
    mr_write_key(&json, MR_STR("errorMessage"));
    mr_write_string(&json, message);
    mr_write_key(&json, MR_STR("errorType"));
    mr_write_string(&json, type);
    mr_write_key(&json, MR_STR("stackTrace"));
    mr_write_array(&json);
    mr_write_end_array(&json);
    mr_write_end_object(&json);
    return mr_written(&json);
}

/* A stream that began stays a stream: its end carries the error. */
static int
set_error(struct mr_ctx *ctx, const char *type, struct mr_str message)
{
    ctx->error_type = mr_printf(ctx, "%s", type == NULL ? "Function.Failed" : type);
    ctx->response = error_document(ctx, ctx->error_type, message);
    if (ctx->kind != RESPONSE_STREAM) {
        ctx->kind = RESPONSE_ERROR;
    }
    return 1;
}

int
mr_fail(struct mr_ctx *ctx, const char *type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct mr_str message = vprint(ctx, format, args);
    va_end(args);
    return set_error(ctx, type, message);
}

int
mr_fail_fatal(struct mr_ctx *ctx, const char *type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct mr_str message = vprint(ctx, format, args);
    va_end(args);
    ctx->fatal = true;
    return set_error(ctx, type, message);
}
