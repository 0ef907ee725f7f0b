/* The Extensions API, 2020-01-01. */
#include <stdio.h>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "runtime/inside.h"

enum { MAX_NAME = 128 };

static void
refuse(struct mr_http_exchange *exchange, const char *type, const char *message)
{
    api_answer_error(exchange, 403, type, message);
}

static void
refuse_transition(struct mr_http_exchange *exchange, const struct extension *extension,
                  const char *target)
{
    char message[384];

    snprintf(message, sizeof(message),
             "State transition from %s to %s failed for extension %s. Error: State transition "
             "is not allowed",
             extension_state_name(extension), target, extension->name);
    refuse(exchange, "Extension.InvalidExtensionState", message);
}

/* ---- who asks ---- */

static bool
is_uuid(struct mr_slice text)
{
    if (text.size != MR_UUID_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
                   (byte >= 'A' && byte <= 'F');
        if (dash ? byte != '-' : !hex) {
            return false;
        }
    }
    return true;
}

struct extension *
api_extension_of(struct environment *environment, struct mr_http_exchange *exchange,
                 const struct mr_http_request *request)
{
    struct mr_slice id = mr_http_request_header(request, "Lambda-Extension-Identifier");
    char message[80];

    if (id.size == 0) {
        refuse(exchange, "Extension.MissingExtensionIdentifier",
               "Missing Lambda-Extension-Identifier header");
        return NULL;
    }
    if (!is_uuid(id)) {
        refuse(exchange, "Extension.InvalidExtensionIdentifier",
               "Invalid Lambda-Extension-Identifier");
        return NULL;
    }
    MR_LIST_EACH(node, &environment->extensions)
    {
        struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (extension->state != EXTENSION_STARTED &&
            mr_slice_eq_nocase(id, mr_slice_str(extension->id))) {
            return extension;
        }
    }
    snprintf(message, sizeof(message), "Unknown extension %.*s", MR_SLICE_ARGS(id));
    refuse(exchange, "Extension.UnknownExtensionIdentifier", message);
    return NULL;
}

/* ---- register ---- */

const char *
extension_read_events(struct mr_slice body, bool internal, struct extension_events *out_events,
                      char *message, size_t size)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, event;

    *out_events = (struct extension_events){ 0 };
    snprintf(message, size, "unexpected end of JSON input");
    if (mr_json_peek(&json) != MR_JSON_OBJECT || !mr_json_enter(&json)) {
        return "InvalidRequestFormat";
    }
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "events") || mr_json_peek(&json) != MR_JSON_ARRAY) {
            mr_json_skip(&json);
            continue;
        }
        mr_json_enter(&json);
        while (mr_json_next_element(&json)) {
            if (!mr_json_string_raw(&json, &event)) {
                return "InvalidRequestFormat";
            }
            bool invoke = mr_slice_is(event, "INVOKE");
            bool shutdown = mr_slice_is(event, "SHUTDOWN");
            if ((!invoke && !shutdown) || (shutdown && internal)) {
                snprintf(message, size, "%.*s: %s", MR_SLICE_ARGS(mr_slice_first(event, 64)),
                         shutdown ? "ShutdownEventNotSupportedForInternalExtension"
                                  : "ErrorInvalidEventType");
                return "Extension.InvalidEventType";
            }
            out_events->invoke |= invoke;
            out_events->shutdown |= shutdown;
        }
    }
    return mr_json_done(&json) ? NULL : "InvalidRequestFormat";
}

static struct extension *
find_named(struct environment *environment, struct mr_slice name)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (mr_slice_eq(name, mr_slice_str(extension->name))) {
            return extension;
        }
    }
    return NULL;
}

static void
answer_registered(struct mr_http_exchange *exchange, const struct extension *extension,
                  bool with_account)
{
    const struct environment *environment = extension->environment;
    const struct mr_function *function = &environment->entry->function;
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);

    mr_json_begin_object(&json);
    mr_json_member_string(&json, "functionName", function->name);
    mr_json_member_string(&json, "functionVersion", function->version);
    mr_json_member_string(&json, "handler", function->handler);
    if (with_account) {
        mr_json_member_str(&json, "accountId", environment->runtime->options.account);
    }
    mr_json_end_object(&json);
    mr_buf_append_byte(&body, '\n');
    const struct mr_http_header header = { MR_SLICE("Lambda-Extension-Identifier"),
                                           mr_slice_str(extension->id) };
    const struct mr_http_response response = {
        .status = 200,
        .content_type = MR_SLICE("application/json"),
        .headers = &header,
        .header_count = 1,
        .body = mr_buf_slice(&body),
    };
    mr_http_respond(exchange, &response);
}

/* May it register now? NULL when that was answered. */
static struct extension *
admit(struct environment *environment, struct mr_http_exchange *exchange, struct mr_slice name)
{
    struct extension *extension = find_named(environment, name);

    if (extension != NULL && extension->who > 0) {
        if (extension->state != EXTENSION_STARTED) {
            refuse_transition(exchange, extension, "Registered");
            return NULL;
        }
        return extension;
    }
    if (environment->state != ENV_STARTED) {
        refuse(exchange, "Extension.RegistrationClosed",
               "Extension registration closed already");
    } else if (extension != NULL) {
        refuse(exchange, "Extension.InvalidExtensionState",
               "Extension with this name already registered");
    } else if (extensions_count(environment) >= MAX_EXTENSIONS) {
        refuse(exchange, "Extension.TooManyExtensions", "Extension limit (10) reached");
    } else {
        return extension_new(environment, 0, mr_slice_first(name, MAX_NAME));
    }
    return NULL;
}

void
api_serve_register(struct environment *environment, struct mr_http_exchange *exchange,
                   const struct mr_http_request *request, struct mr_slice id)
{
    struct mr_slice name = mr_http_request_header(request, "Lambda-Extension-Name");
    struct mr_slice feature =
        mr_http_request_header(request, "Lambda-Extension-Accept-Feature");
    struct extension_events events;
    char message[160];

    (void)id;
    if (name.size == 0) {
        refuse(exchange, "Extension.InvalidExtensionName", "Empty extension name");
        return;
    }
    const struct extension *known = find_named(environment, name);
    const char *wrong = extension_read_events(request->body, known == NULL || known->who == 0,
                                              &events, message, sizeof(message));
    if (wrong != NULL) {
        refuse(exchange, wrong, message);
        return;
    }
    if (events.invoke && environment->many) { /* an invocation is not an environment's there */
        refuse(exchange, "Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType");
        return;
    }
    struct extension *extension = admit(environment, exchange, name);
    if (extension == NULL) {
        return;
    }
    extension->state = EXTENSION_REGISTERED;
    extension->wants_invoke = events.invoke;
    extension->wants_shutdown = events.shutdown;
    answer_registered(exchange, extension, mr_slice_is(feature, "accountId"));
    if (extension->who > 0 && extensions_expected(environment)) {
        environment->runtime_gone = false;
        supervised_command(environment, MR_SUPERVISOR_START, 0, 0, (struct mr_slice){ 0 });
    }
}

/* ---- next ---- */

static void
on_next_aborted(struct mr_http_exchange *exchange, void *context)
{
    struct environment *environment = context;

    MR_LIST_EACH(node, &environment->extensions)
    {
        struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (extension->next == exchange) {
            extension->next = NULL;
        }
    }
}

void
api_serve_event_next(struct environment *environment, struct mr_http_exchange *exchange,
                     const struct mr_http_request *request, struct mr_slice id)
{
    struct extension *extension = api_extension_of(environment, exchange, request);

    (void)id;
    if (extension == NULL) {
        return;
    }
    bool again = extension->state == EXTENSION_READY && extension->next == NULL;
    if (!again && extension->state != EXTENSION_REGISTERED &&
        extension->state != EXTENSION_RUNNING) {
        refuse_transition(exchange, extension, "Ready");
        return;
    }
    bool first = extension->state == EXTENSION_REGISTERED;
    extension->state = EXTENSION_READY;
    extension->next = exchange;
    mr_http_exchange_on_abort(exchange, on_next_aborted, environment);
    if (first) {
        log_extension(extension);
    }
    if (extension->shutdown_due) {
        extension_send_shutdown(extension);
    } else {
        environment_settle(environment);
    }
}

/* ---- errors ---- */

static void
take_error(struct environment *environment, struct mr_http_exchange *exchange,
           const struct mr_http_request *request, bool init)
{
    struct extension *extension = api_extension_of(environment, exchange, request);
    struct mr_slice type =
        mr_http_request_header(request, "Lambda-Extension-Function-Error-Type");

    if (extension == NULL) {
        return;
    }
    if (type.size == 0) {
        refuse(exchange, "Extension.MissingHeader",
               "Lambda-Extension-Function-Error-Type not found");
        return;
    }
    bool legal =
        extension->state == EXTENSION_REGISTERED || extension->state == EXTENSION_STARTED ||
        (!init &&
         (extension->state == EXTENSION_READY || extension->state == EXTENSION_RUNNING));
    if (!legal) {
        refuse_transition(exchange, extension, init ? "InitError" : "ExitError");
        return;
    }
    extension->state = init ? EXTENSION_INIT_ERROR : EXTENSION_EXIT_ERROR;
    free(extension->error_type);
    extension->error_type = mr_slice_dup(mr_slice_first(type, MAX_NAME));
    api_answer_accepted(exchange);
    log_extension(extension);
    environment_fault(environment, init ? "Extension.InitError" : "Extension.ExitError",
                      extension->error_type);
}

void
api_serve_extension_init_error(struct environment *environment,
                               struct mr_http_exchange *exchange,
                               const struct mr_http_request *request, struct mr_slice id)
{
    (void)id;
    take_error(environment, exchange, request, true);
}

void
api_serve_extension_exit_error(struct environment *environment,
                               struct mr_http_exchange *exchange,
                               const struct mr_http_request *request, struct mr_slice id)
{
    (void)id;
    take_error(environment, exchange, request, false);
}
