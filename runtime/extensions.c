/* The extensions of an environment: who they are, where they stand, what they are sent. */
#include "base/alloc.h"
#include "base/json_writer.h"
#include "runtime/inside.h"

const char *
extension_state_name(const struct extension *extension)
{
    static const char *const names[] = {
        [EXTENSION_STARTED] = "Started",
        [EXTENSION_REGISTERED] = "Registered",
        [EXTENSION_READY] = "Ready",
        [EXTENSION_RUNNING] = "Running",
        [EXTENSION_INIT_ERROR] = "InitError",
        [EXTENSION_EXIT_ERROR] = "ExitError",
        [EXTENSION_LAUNCH_ERROR] = "LaunchError",
        [EXTENSION_EXITED] = "Exited",
    };

    return names[extension->state];
}

struct extension *
extension_new(struct environment *environment, unsigned who, struct mr_slice name)
{
    struct extension *extension = mr_alloc_zero(1, sizeof(*extension));

    extension->environment = environment;
    extension->who = who;
    extension->name = mr_slice_dup(name);
    mr_random_uuid(&environment->runtime->random, extension->id);
    mr_list_push_back(&environment->extensions, &extension->node);
    return extension;
}

struct extension *
extension_numbered(struct environment *environment, unsigned who)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (extension->who == who) {
            return extension;
        }
    }
    return NULL;
}

size_t
extensions_count(const struct environment *environment)
{
    size_t count = 0;

    MR_LIST_EACH(node, &environment->extensions)
    {
        count++;
    }
    return count;
}

static bool
has_registered(const struct extension *extension)
{
    return extension->state == EXTENSION_REGISTERED || extension->state == EXTENSION_READY ||
           extension->state == EXTENSION_RUNNING;
}

bool
extensions_registered(const struct environment *environment)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        if (has_registered(MR_CONTAINER_OF(node, struct extension, node))) {
            return true;
        }
    }
    return false;
}

bool
extensions_external(const struct environment *environment)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        const struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (extension->who > 0 && has_registered(extension)) {
            return true;
        }
    }
    return false;
}

bool
extensions_expected(const struct environment *environment)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        const struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (extension->who > 0 && !has_registered(extension)) {
            return false;
        }
    }
    return true;
}

bool
extensions_settled(const struct environment *environment)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        if (MR_CONTAINER_OF(node, struct extension, node)->state != EXTENSION_READY) {
            return false;
        }
    }
    return true;
}

/* ---- events ---- */

static void
send(struct extension *extension, struct mr_slice body)
{
    struct mr_http_exchange *exchange = extension->next;
    char id[MR_UUID_SIZE];

    extension->next = NULL;
    mr_random_uuid(&extension->environment->runtime->random, id);
    const struct mr_http_header header = { MR_SLICE("Lambda-Extension-Event-Identifier"),
                                           mr_slice_str(id) };
    const struct mr_http_response response = {
        .status = 200,
        .content_type = MR_SLICE("application/json"),
        .headers = &header,
        .header_count = 1,
        .body = body,
    };
    mr_http_respond(exchange, &response);
}

static void
write_invoke(struct mr_buf *buf, const struct invocation *invocation)
{
    struct mr_json_writer json = mr_json_writer_on(buf);

    mr_json_begin_object(&json);
    mr_json_member_str(&json, "eventType", "INVOKE");
    mr_json_member_i64(&json, "deadlineMs", (int64_t)invocation_deadline_ms(invocation));
    mr_json_member_string(&json, "requestId", invocation->request_id);
    mr_json_member_string(&json, "invokedFunctionArn", invocation->invoked_arn);
    if (invocation->trace_id.size > 0) {
        mr_json_key(&json, "tracing");
        mr_json_begin_object(&json);
        mr_json_member_str(&json, "type", "X-Amzn-Trace-Id");
        mr_json_member_string(&json, "value", invocation->trace_id);
        mr_json_end_object(&json);
    }
    mr_json_end_object(&json);
}

void
extensions_send_invoke(struct environment *environment, struct invocation *invocation)
{
    mr_auto_buf struct mr_buf event = { 0 };

    MR_LIST_EACH(node, &environment->extensions)
    {
        struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (!extension->wants_invoke || extension->state != EXTENSION_READY) {
            continue;
        }
        extension->state = EXTENSION_RUNNING;
        if (event.size == 0) {
            write_invoke(&event, invocation);
        }
        if (extension->next != NULL) {
            send(extension, mr_buf_slice(&event));
        }
    }
}

static const char *
shutdown_reason(const struct environment *environment)
{
    switch (environment->killing) {
    case KILL_RETIRE:
        return "spindown";
    case KILL_TIMEOUT:
    case KILL_INIT_TIMEOUT:
        return "timeout";
    default:
        return "failure";
    }
}

void
extension_send_shutdown(struct extension *extension)
{
    const struct environment *environment = extension->environment;
    mr_auto_buf struct mr_buf event = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&event);
    uint64_t now_us = mr_clock_now_us(mr_clock_system());
    uint64_t left_us =
        environment->shutdown_ends_us > now_us ? environment->shutdown_ends_us - now_us : 0;

    if (extension->next == NULL) {
        extension->shutdown_due = true; /* it is told when it asks */
        return;
    }
    extension->shutdown_due = false;
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "eventType", "SHUTDOWN");
    mr_json_member_i64(&json, "deadlineMs",
                       (int64_t)(mr_clock_wall_ms(mr_clock_system()) + left_us / 1000));
    mr_json_member_str(&json, "shutdownReason", shutdown_reason(environment));
    mr_json_end_object(&json);
    send(extension, mr_buf_slice(&event));
}

void
extensions_forget(struct environment *environment)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        mr_list_remove(&extension->node);
        mr_log_lines_deinit(&extension->output);
        free(extension->name);
        free(extension->error_type);
        free(extension);
    }
}
