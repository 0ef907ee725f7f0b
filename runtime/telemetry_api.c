/* The Telemetry API, 2022-07-01, and its elder sister, the Logs API, 2020-08-15. */
#include <stdio.h>

#include "base/json_reader.h"
#include "runtime/inside.h"

/* ---- reading a subscription ---- */

static const char *
read_kinds(struct mr_json *json, struct telemetry_wish *wish)
{
    static const char *const names[] = { [TELEMETRY_PLATFORM] = "platform",
                                         [TELEMETRY_FUNCTION] = "function",
                                         [TELEMETRY_EXTENSION] = "extension" };
    struct mr_slice name;

    if (mr_json_peek(json) != MR_JSON_ARRAY || !mr_json_enter(json)) {
        return "types must be a list of platform, function, extension";
    }
    while (mr_json_next_element(json)) {
        bool known = false;
        if (mr_json_string_raw(json, &name)) {
            for (unsigned kind = 0; kind < 3; kind++) {
                if (mr_slice_is(name, names[kind])) {
                    wish->kinds |= 1u << kind;
                    known = true;
                }
            }
        }
        if (!known) {
            return "types must be platform, function or extension";
        }
    }
    return NULL;
}

static const char *
read_buffering(struct mr_json *json, struct telemetry_wish *wish)
{
    struct mr_slice key;

    if (mr_json_null(json)) {
        return NULL;
    }
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return "buffering must be an object";
    }
    while (mr_json_next_key(json, &key)) {
        const struct {
            const char *name;
            uint64_t *value;
            int64_t lowest, highest;
            const char *wrong;
        } limits[] = {
            { "maxItems", &wish->max_items, 1000, 10000, "maxItems must be 1000 to 10000" },
            { "maxBytes", &wish->max_bytes, 262144, 1048576,
              "maxBytes must be 262144 to 1048576" },
            { "timeoutMs", &wish->timeout_ms, 25, 30000, "timeoutMs must be 25 to 30000" },
        };
        int64_t value = -1;
        const char *wrong = "buffering knows maxItems, maxBytes and timeoutMs";
        bool known = false;
        for (size_t i = 0; i < 3 && !known; i++) {
            known = mr_slice_is(key, limits[i].name);
            if (known) {
                wrong = limits[i].wrong;
                if (mr_json_i64(json, &value) && value >= limits[i].lowest &&
                    value <= limits[i].highest) {
                    *limits[i].value = (uint64_t)value;
                    wrong = NULL;
                }
            }
        }
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static bool
is_path(struct mr_slice path)
{
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] <= ' ' || path.data[i] >= 0x7f || path.data[i] == '\\') {
            return false;
        }
    }
    return path.size < 128;
}

/* http://sandbox.localdomain:PORT/path */
static const char *
read_uri(struct mr_slice uri, struct telemetry_wish *wish)
{
    static const char wrong[] = "URI must be http://sandbox.localdomain:PORT[/path]";
    uint64_t port = 80;

    if (!mr_slice_starts_with(uri, MR_SLICE("http://"))) {
        return wrong;
    }
    struct mr_slice rest = mr_slice_from(uri, 7);
    ptrdiff_t slash = mr_slice_find(rest, '/');
    struct mr_slice host = slash < 0 ? rest : mr_slice_first(rest, (size_t)slash);
    wish->path = slash < 0 ? MR_SLICE("/") : mr_slice_from(rest, (size_t)slash);
    struct mr_slice number = host;
    struct mr_slice name = mr_slice_cut(&number, ':');
    if (!mr_slice_is(name, "sandbox.localdomain") && !mr_slice_is(name, "sandbox")) {
        return wrong;
    }
    if (number.data != NULL && !mr_slice_to_u64(number, &port)) {
        return wrong;
    }
    if (port == 0 || port > 65535 || port == 9001 || !is_path(wish->path)) {
        return wrong;
    }
    wish->port = (uint16_t)port;
    return NULL;
}

static const char *
read_destination(struct mr_json *json, struct telemetry_wish *wish)
{
    struct mr_slice key, protocol = { 0 }, uri = { 0 };
    int64_t port = 0;

    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return "destination must be an object";
    }
    while (mr_json_next_key(json, &key)) {
        bool read = mr_slice_is(key, "protocol") ? mr_json_string_raw(json, &protocol)
                    : mr_slice_is(key, "URI")    ? mr_json_string_raw(json, &uri)
                    : mr_slice_is(key, "port")   ? mr_json_i64(json, &port)
                                                 : mr_json_skip(json);
        if (!read) {
            return "destination must have protocol, and URI or port";
        }
    }
    if (mr_slice_is(protocol, "HTTP")) {
        return read_uri(uri, wish);
    }
    if (!mr_slice_is(protocol, "TCP")) {
        return "protocol must be HTTP or TCP";
    }
    if (port <= 0 || port > 65535 || port == 9001) {
        return "port must be 1 to 65535, and not the Runtime API's";
    }
    wish->lines = true;
    wish->port = (uint16_t)port;
    return NULL;
}

const char *
telemetry_read(struct mr_slice body, struct telemetry_wish *out_wish)
{
    struct mr_json json = mr_json_of(body);
    struct telemetry_wish *wish = out_wish;
    struct mr_slice key;
    const char *wrong = NULL;
    bool aimed = false;

    *wish =
        (struct telemetry_wish){ .max_items = 10000, .max_bytes = 262144, .timeout_ms = 1000 };
    if (mr_json_peek(&json) != MR_JSON_OBJECT || !mr_json_enter(&json)) {
        return "the body must be a JSON object";
    }
    while (wrong == NULL && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "types")) {
            wrong = read_kinds(&json, wish);
        } else if (mr_slice_is(key, "buffering")) {
            wrong = read_buffering(&json, wish);
        } else if (mr_slice_is(key, "destination")) {
            wrong = read_destination(&json, wish);
            aimed = true;
        } else {
            mr_json_skip(&json);
        }
    }
    if (wrong != NULL) {
        return wrong;
    }
    return !mr_json_done(&json) ? "the body must be a JSON object"
           : wish->kinds == 0   ? "types must be a list of platform, function, extension"
           : !aimed             ? "destination is missing"
                                : NULL;
}

/* ---- serving ---- */

static void
put_kinds(const struct telemetry_wish *wish, char *out, size_t size)
{
    snprintf(out, size, "[%s%s%s",
             wish->kinds & 1u << TELEMETRY_PLATFORM ? "\"platform\"," : "",
             wish->kinds & 1u << TELEMETRY_FUNCTION ? "\"function\"," : "",
             wish->kinds & 1u << TELEMETRY_EXTENSION ? "\"extension\"," : "");
    out[strlen(out) - 1] = ']';
}

static void
subscribe(struct environment *environment, struct mr_http_exchange *exchange,
          const struct mr_http_request *request, const char *api)
{
    struct telemetry_wish wish;
    char type[64], message[64], kinds[64];

    if (!environment->supervised) {
        snprintf(type, sizeof(type), "%s.NotSupported", api);
        snprintf(message, sizeof(message), "%s API is not supported", api);
        api_answer_error(exchange, 202, type, message);
        return;
    }
    struct extension *extension = api_extension_of(environment, exchange, request);
    if (extension == NULL) {
        return;
    }
    if (!environment->initialising) {
        snprintf(type, sizeof(type), "%s.SubscriptionClosed", api);
        snprintf(message, sizeof(message), "%s API subscription is closed already", api);
        api_answer_error(exchange, 403, type, message);
        return;
    }
    const char *wrong = telemetry_read(request->body, &wish);
    if (wrong != NULL) {
        api_answer_error(exchange, 400, "ValidationError", wrong);
        return;
    }
    telemetry_subscribe(extension, &wish);
    put_kinds(&wish, kinds, sizeof(kinds));
    api_answer(exchange, 200, MR_SLICE("application/json"), MR_SLICE("\"OK\""));
    log_subscription(extension, mr_slice_str(kinds));
}

void
api_serve_telemetry(struct environment *environment, struct mr_http_exchange *exchange,
                    const struct mr_http_request *request, struct mr_slice id)
{
    (void)id;
    subscribe(environment, exchange, request, "Telemetry");
}

void
api_serve_logs(struct environment *environment, struct mr_http_exchange *exchange,
               const struct mr_http_request *request, struct mr_slice id)
{
    (void)id;
    subscribe(environment, exchange, request, "Logs");
}
