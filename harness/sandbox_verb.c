#include "harness/sandbox_verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "sandbox/run_command.h"

enum { MAX_ENV = 300, MAX_ALLOW = 65 };

struct env {
    char *entries[MAX_ENV + 1];
    size_t count;
};

/* A later entry of the same name replaces an earlier one. `entry` is ours from now on. */
static void
put(struct env *env, char *entry)
{
    size_t name = strcspn(entry, "=") + 1;

    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->entries[i], entry, name) == 0) {
            free(env->entries[i]);
            env->entries[i] = entry;
            return;
        }
    }
    mr_assert(env->count < MAX_ENV);
    env->entries[env->count++] = entry;
}

/* What the runtime gives a handler (runtime/program.c), without what only an invocation has. */
static void
put_platform(struct env *env, const struct mr_sandbox_verb *asked, uint32_t memory_mb)
{
    static const char *const usual[] = {
        "LANG=en_US.UTF-8",
        "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:"
        "/var/task:/var/task/lib:/opt/lib",
        "TZ=:UTC",
        "LAMBDA_TASK_ROOT=/var/task",
        "LAMBDA_RUNTIME_DIR=/var/runtime",
        "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
    };
    const char *slash = strrchr(asked->command[0], '/');

    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        put(env, mr_strdup(usual[i]));
    }
    put(env, mr_format("AWS_LAMBDA_FUNCTION_NAME=%s",
                       slash != NULL ? slash + 1 : asked->command[0]));
    put(env, mr_format("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%u", memory_mb));
    for (size_t i = 0; i < asked->env_count; i++) {
        put(env, mr_strdup(asked->env[i]));
    }
}

static int
status_of_failure(const struct mr_error *err)
{
    if (strstr(err->text, MR_RUN_COMMAND_EXEC) == NULL) {
        return MR_SANDBOX_VERB_CANNOT;
    }
    return err->code == -ENOENT ? MR_SANDBOX_VERB_NOT_FOUND : MR_SANDBOX_VERB_NOT_EXECUTABLE;
}

int
mr_sandbox_verb_run(const struct mr_sandbox_verb *asked, struct mr_error *err)
{
    uint32_t memory_mb = asked->memory_mb > 0 ? asked->memory_mb : MR_SANDBOX_VERB_MEMORY_MB;
    struct env env = { .count = 0 };
    char *allows[MAX_ALLOW] = { NULL };

    mr_assert(asked->env_count <= 256 && asked->allow_count < MAX_ALLOW);
    put_platform(&env, asked, memory_mb);
    for (size_t i = 0; i < asked->allow_count; i++) {
        allows[i] = mr_strdup(asked->allow[i]);
    }
    const struct mr_run_command command = {
        .code_dir = asked->code_dir,
        .args = asked->command,
        .env = env.entries,
        .allow_syscalls = allows,
        .memory_mb = memory_mb,
        .tmp_mb = asked->tmp_mb,
        .network = asked->host_network ? MR_SANDBOX_NETWORK_HOST : MR_SANDBOX_NETWORK_NONE,
        .profile = asked->strict ? MR_SANDBOX_PROFILE_STRICT : MR_SANDBOX_PROFILE_DEFAULT,
        .level = asked->level == 0 ? 0 : MR_SANDBOX_L1 + (asked->level - 1),
        .timeout_ms = asked->timeout_ms,
        .verbose = asked->verbose,
    };
    err->code = 0;
    int status = mr_sandbox_run_command(&command, err);
    for (size_t i = 0; i < env.count; i++) {
        free(env.entries[i]);
    }
    for (size_t i = 0; i < asked->allow_count; i++) {
        free(allows[i]);
    }
    return status < 0 ? status_of_failure(err) : status;
}
