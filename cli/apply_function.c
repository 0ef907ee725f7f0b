/* Functions, their versions and aliases. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "cli/apply_inside.h"
#include "cli/function_settings.h"
#include "cli/input.h"
#include "cli/state_file.h"

enum { MAX_ZIP_BYTES = 50 * 1024 * 1024 };

#define FUNCTIONS "/2015-03-31/functions"

static int
code_of(const char *path, json_t **out_code, struct mr_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        *out_code = json_pack("{ss ss}", "S3Bucket", "hot-reload", "S3Key", path);
        return 0;
    }
    mr_auto_buf struct mr_buf zip = { 0 };
    mr_auto_buf struct mr_buf base64 = { 0 };
    if (mr_record_input_read_file(path, MAX_ZIP_BYTES, &zip, err) < 0) {
        return err->code;
    }
    mr_base64_append(&base64, mr_buf_slice(&zip));
    *out_code = json_pack("{ss%}", "ZipFile", (const char *)base64.data, base64.size);
    return 0;
}

static json_t *
variables_of(const struct mr_template_function *function)
{
    json_t *variables = json_object();
    for (size_t i = 0; i < function->environment_count; i++) {
        const char *value = strchr(function->environment[i], '=');
        mr_auto_free char *name = mr_slice_dup(
            mr_slice_of(function->environment[i], (size_t)(value - function->environment[i])));
        json_object_set_new(variables, name, json_string(value + 1));
    }
    return variables;
}

static json_t *
configuration_of(struct mr_apply *apply, const struct mr_template_function *function)
{
    bool custom = function->runtime == NULL || strncmp(function->runtime, "provided", 8) == 0;
    const char *handler = function->handler != NULL ? function->handler : "bootstrap";
    mr_auto_free char *role =
        mr_format("arn:aws:iam::%s:role/millrace-local", apply->model->account_id);
    json_t *body = json_pack(
        "{ss ss ss ss sI sI s{sI} s{so}}", "FunctionName", function->name, "Runtime",
        custom && function->runtime == NULL ? "provided.al2023" : function->runtime, "Handler",
        handler, "Role", role, "Timeout", (json_int_t)function->timeout_s, "MemorySize",
        (json_int_t)function->memory_mb, "EphemeralStorage", "Size",
        (json_int_t)function->ephemeral_mb, "Environment", "Variables", variables_of(function));
    json_object_set_new(
        body, "Description",
        json_string(function->description == NULL ? "" : function->description));
    json_object_set_new(
        body, "DeadLetterConfig",
        json_pack("{ss}", "TargetArn",
                  function->dead_letter_arn == NULL ? "" : function->dead_letter_arn));
    return body;
}

/* Layers are published from their directories; an ARN stays one. */
static int
add_layers(struct mr_apply *apply, const struct mr_template_function *function, json_t *body,
           struct mr_error *err)
{
    json_t *arns = json_array();
    json_object_set_new(body, "Layers", arns);
    for (size_t i = 0; i < function->layer_count; i++) {
        const char *layer = function->layers[i];
        if (layer[0] != '/') {
            json_array_append_new(arns, json_string(layer));
            continue;
        }
        json_t *answer = NULL;
        mr_auto_free char *path =
            mr_format("/2018-10-31/layers/%s-layer-%zu/versions", function->name, i + 1);
        if (mr_apply_ask(
                apply, "POST", path,
                json_pack("{s{ss ss}}", "Content", "S3Bucket", "hot-reload", "S3Key", layer),
                &answer, err) < 0) {
            return mr_wrap(err, "layer %s of %s", layer, function->logical_id);
        }
        json_array_append(arns, json_object_get(answer, "LayerVersionArn"));
        json_decref(answer);
    }
    return 0;
}

static int
create(struct mr_apply *apply, const struct mr_template_function *function,
       json_t *configuration, const char *code_path, struct mr_error *err)
{
    json_t *code;
    if (code_of(code_path, &code, err) < 0) {
        return err->code;
    }
    json_object_set_new(configuration, "Code", code);
    json_t *architectures = json_array();
    for (size_t i = 0; i < function->architecture_count; i++) {
        json_array_append_new(architectures, json_string(function->architectures[i]));
    }
    json_object_set_new(configuration, "Architectures", architectures);
    return mr_apply_ask(apply, "POST", FUNCTIONS, json_incref(configuration), NULL, err);
}

static int
update(struct mr_apply *apply, const struct mr_template_function *function,
       json_t *configuration, const char *code_path, struct mr_error *err)
{
    json_t *code;
    mr_auto_free char *path = mr_format(FUNCTIONS "/%s/configuration", function->name);
    mr_auto_free char *code_url = mr_format(FUNCTIONS "/%s/code", function->name);
    json_t *changes = json_copy(configuration);
    json_object_del(changes, "FunctionName");
    if (mr_apply_ask(apply, "PUT", path, changes, NULL, err) < 0 ||
        code_of(code_path, &code, err) < 0) {
        return err->code;
    }
    return mr_apply_ask(apply, "PUT", code_url, code, NULL, err);
}

/* ---- around it ---- */

static int
set_concurrency(struct mr_apply *apply, const struct mr_template_function *function,
                struct mr_error *err)
{
    mr_auto_free char *path = mr_format("/2017-10-31/functions/%s/concurrency", function->name);
    if (function->reserved_concurrency < 0) {
        return mr_apply_ask(apply, "DELETE", path, NULL, NULL, err);
    }
    return mr_apply_ask(apply, "PUT", path,
                        json_pack("{sI}", "ReservedConcurrentExecutions",
                                  (json_int_t)function->reserved_concurrency),
                        NULL, err);
}

static int
set_alias(struct mr_apply *apply, const struct mr_template_function *function,
          struct mr_error *err)
{
    if (function->alias == NULL) {
        return 0;
    }
    json_t *version = NULL;
    mr_auto_free char *versions = mr_format(FUNCTIONS "/%s/versions", function->name);
    mr_auto_free char *aliases = mr_format(FUNCTIONS "/%s/aliases", function->name);
    mr_auto_free char *alias = mr_format("%s/%s", aliases, function->alias);
    if (mr_apply_ask(apply, "POST", versions, json_object(), &version, err) < 0) {
        return err->code;
    }
    json_t *number = json_object_get(version, "Version");
    int result = mr_apply_ask(apply, "PUT", alias, json_pack("{sO}", "FunctionVersion", number),
                              NULL, err);
    if (result < 0 && mr_remote_said(apply->remote, "ResourceNotFoundException")) {
        result = mr_apply_ask(
            apply, "POST", aliases,
            json_pack("{ss sO}", "Name", function->alias, "FunctionVersion", number), NULL,
            err);
    }
    json_decref(version);
    return result;
}

static int
set_invoke_config(struct mr_apply *apply, const struct mr_template_function *function,
                  struct mr_error *err)
{
    if (function->on_success_arn == NULL && function->on_failure_arn == NULL &&
        function->invoke_max_retries < 0 && function->invoke_max_age_s < 0) {
        return 0;
    }
    json_t *body = json_object();
    json_t *destinations = json_object();
    if (function->invoke_max_retries >= 0) {
        json_object_set_new(body, "MaximumRetryAttempts",
                            json_integer(function->invoke_max_retries));
    }
    if (function->invoke_max_age_s >= 0) {
        json_object_set_new(body, "MaximumEventAgeInSeconds",
                            json_integer(function->invoke_max_age_s));
    }
    if (function->on_success_arn != NULL) {
        json_object_set_new(destinations, "OnSuccess",
                            json_pack("{ss}", "Destination", function->on_success_arn));
    }
    if (function->on_failure_arn != NULL) {
        json_object_set_new(destinations, "OnFailure",
                            json_pack("{ss}", "Destination", function->on_failure_arn));
    }
    json_object_set_new(body, "DestinationConfig", destinations);
    mr_auto_free char *path =
        mr_format("/2019-09-25/functions/%s/event-invoke-config", function->name);
    return mr_apply_ask(apply, "PUT", path, body, NULL, err);
}

static int
put_function(struct mr_apply *apply, size_t index, json_t *configuration, const char **out_word,
             struct mr_error *err)
{
    const struct mr_template_function *function = &apply->model->functions[index];
    const char *code = apply->codes[index];
    mr_auto_free char *path = mr_format(FUNCTIONS "/%s", function->name);
    int found = mr_apply_ask(apply, "GET", path, NULL, NULL, err);
    if (found < 0 && !mr_remote_said(apply->remote, "ResourceNotFoundException")) {
        return found;
    }
    if (add_layers(apply, function, configuration, err) < 0) {
        return err->code;
    }
    *out_word = found == 0 ? "update" : "create";
    int result = found == 0 ? update(apply, function, configuration, code, err)
                            : create(apply, function, configuration, code, err);
    if (result < 0) {
        return result;
    }
    if ((found == 0 || function->reserved_concurrency >= 0) &&
        set_concurrency(apply, function, err) < 0) {
        return err->code;
    }
    if (set_alias(apply, function, err) < 0) {
        return err->code;
    }
    return set_invoke_config(apply, function, err);
}

/* A function that is there and cannot run, as one in a language that needs its own client: say
 * why, before its first batch does. */
static int
warn_of_state(struct mr_apply *apply, const struct mr_template_function *function,
              struct mr_error *err)
{
    json_t *answer = NULL;
    mr_auto_free char *path = mr_format(FUNCTIONS "/%s/configuration", function->name);
    int result = mr_apply_ask(apply, "GET", path, NULL, &answer, err);
    if (result < 0) {
        return result;
    }
    const char *state = json_string_value(json_object_get(answer, "State"));
    const char *reason = json_string_value(json_object_get(answer, "StateReason"));
    if (state != NULL && strcmp(state, "Failed") == 0) {
        mr_say_warn(apply->say, "warn", "%s",
                    reason == NULL ? "the function cannot run" : reason);
    }
    json_decref(answer);
    return 0;
}

/* Under gdbserver, or no longer: up.json remembers who was. */
static int
set_debugger(struct mr_apply *apply, const struct mr_template_function *function,
             const char *code, struct mr_error *err)
{
    bool wanted = apply->debug_function != NULL &&
                  strcmp(apply->debug_function, function->logical_id) == 0;
    const json_t *before = mr_state_file_get(apply->state, "debug", function->logical_id);
    if (!wanted && (before == NULL || json_integer_value(before) == 0)) {
        return 0;
    }
    json_int_t port = wanted ? apply->debug_port : 0;
    int result = mr_function_settings_put(apply->remote, function->name, "debugPort",
                                          wanted ? json_integer(port) : NULL, err);
    if (result < 0) {
        return result;
    }
    mr_state_file_put(apply->state, "debug", function->logical_id, json_integer(port));
    if (wanted) {
        mr_say_line(apply->say, "debug",
                    "%s waits for a debugger at its first batch: gdb -ex 'target remote "
                    "127.0.0.1:%d' %s/bootstrap   (no timeout, no record age, one at a time)",
                    function->logical_id, (int)port, code);
    }
    return 0;
}

int
mr_apply_function(struct mr_apply *apply, size_t index, struct mr_error *err)
{
    const struct mr_template_function *function = &apply->model->functions[index];
    const char *word = NULL;
    json_t *configuration = configuration_of(apply, function);
    int result = put_function(apply, index, configuration, &word, err);
    json_decref(configuration);
    if (result < 0) {
        return mr_wrap(err, "function %s", function->logical_id);
    }
    mr_state_file_put(apply->state, "functions", function->logical_id,
                      json_string(function->name));
    if (mr_apply_say(apply, word, "function", function->name)) {
        mr_say_text(apply->say, "%s  %lld MB  %lld s%s%s",
                    function->runtime == NULL ? "provided.al2023" : function->runtime,
                    (long long)function->memory_mb, (long long)function->timeout_s,
                    function->alias == NULL ? "" : "  alias ",
                    function->alias == NULL ? "" : function->alias);
        mr_say_str(apply->say, "logical_id", function->logical_id);
        mr_say_str(apply->say, "arn", function->arn);
        mr_say_end(apply->say);
    }
    if (set_debugger(apply, function, apply->codes[index], err) < 0) {
        return err->code;
    }
    return warn_of_state(apply, function, err);
}
