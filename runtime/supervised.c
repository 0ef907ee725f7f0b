/* The runtime's end of the supervisor's two pipes. */
#include "runtime/inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* A delivery for each extension may lie here, and never more: one is in flight at a time. */
enum { MAX_COMMANDS = (MR_SUPERVISOR_MAX_EXTENSIONS + 1) * MR_SUPERVISOR_MAX_DELIVERY };

static void on_report(int events, void *context);
static void on_command(int events, void *context);

void
supervised_open(struct environment *environment, int command_fd, int report_fd)
{
    struct mr_loop *loop = environment->runtime->loop;

    environment->command_fd = command_fd;
    environment->report_fd = report_fd;
    environment->report_watch =
        mr_watch_new(loop, report_fd, MR_READABLE, on_report, environment);
    environment->command_watch = mr_watch_new(loop, command_fd, 0, on_command, environment);
}

void
supervised_close(struct environment *environment)
{
    mr_watch_free(environment->report_watch);
    mr_watch_free(environment->command_watch);
    environment->report_watch = environment->command_watch = NULL;
    if (environment->command_fd >= 0) {
        close(environment->command_fd);
        close(environment->report_fd);
    }
    environment->command_fd = environment->report_fd = -1;
    mr_buf_deinit(&environment->commands);
    mr_buf_deinit(&environment->reports);
    environment->supervised = environment->runtime_gone = false;
}

/* ---- commands ---- */

static void
on_command(int events, void *context)
{
    struct environment *environment = context;
    struct mr_buf *commands = &environment->commands;

    (void)events;
    ssize_t wrote = write(environment->command_fd, commands->data, commands->size);
    if (wrote > 0) {
        mr_buf_consume(commands, (size_t)wrote);
    } else if (wrote < 0 && errno != EAGAIN && errno != EINTR) {
        mr_buf_clear(commands); /* it is gone; its exit is on the way */
    }
    mr_watch_set(environment->command_watch, commands->size > 0 ? MR_WRITABLE : 0);
}

void
supervised_command(struct environment *environment, enum mr_supervisor_command command,
                   unsigned who, uint16_t value, struct mr_slice bytes)
{
    const struct mr_supervisor_head head = { (uint8_t)command, (uint8_t)who, value,
                                             (uint32_t)bytes.size };

    if (environment->command_fd < 0 || environment->commands.size > MAX_COMMANDS) {
        return;
    }
    mr_buf_append(&environment->commands, &head, sizeof(head));
    mr_buf_append_slice(&environment->commands, bytes);
    on_command(0, environment);
}

/* ---- reports ---- */

static void
on_line(const struct mr_log_line *line, void *context)
{
    struct extension *extension = context;

    log_extension_output(extension, line->text);
}

static void
extension_ended(struct environment *environment, struct extension *extension, unsigned value)
{
    bool crashed =
        extension->state != EXTENSION_INIT_ERROR && extension->state != EXTENSION_EXIT_ERROR;
    char text[96];

    mr_log_lines_end(&extension->output, on_line, extension);
    extension->state = EXTENSION_EXITED;
    extension->next = NULL;
    if (environment->killing != KILL_NOT) {
        shutdown_go_on(environment);
    } else if (crashed) {
        const struct mr_launch_exit exit = { .status = value < 256 ? (int)value : 0,
                                             .signal = value < 256 ? 0 : (int)value - 256 };
        if (value == 0) {
            snprintf(text, sizeof(text), "exit code 0");
        } else {
            exit_reason(&exit, text, sizeof(text));
        }
        environment_fault(environment, "Extension.Crash", text);
    }
}

static void
not_started(struct environment *environment, struct extension *extension, unsigned code)
{
    char text[256];

    if (extension == NULL) {
        snprintf(text, sizeof(text), "Couldn't start %s: %s", "the runtime",
                 strerror((int)code));
        environment_fault(environment, "Runtime.InvalidEntrypoint", text);
        return;
    }
    extension->state = EXTENSION_LAUNCH_ERROR;
    snprintf(text, sizeof(text), "extension %.128s: %s", extension->name, strerror((int)code));
    log_extension(extension);
    environment_fault(environment, "Extension.LaunchError", text);
}

static void
take_report(struct environment *environment, const struct mr_supervisor_head *head,
            struct mr_slice bytes)
{
    struct extension *extension =
        head->who == 0 ? NULL : extension_numbered(environment, head->who);

    if (head->who > 0 && extension == NULL && head->kind != MR_SUPERVISOR_DELIVERED) {
        return;
    }
    switch (head->kind) {
    case MR_SUPERVISOR_FAILED:
        not_started(environment, extension, head->value);
        break;
    case MR_SUPERVISOR_EXITED:
        if (extension != NULL) {
            extension_ended(environment, extension, head->value);
        } else {
            const struct mr_launch_exit exit = {
                .status = head->value < 256 ? head->value : 0,
                .signal = head->value < 256 ? 0 : head->value - 256,
            };
            environment_runtime_gone(environment, &exit);
        }
        break;
    case MR_SUPERVISOR_OUTPUT:
        if (extension != NULL) {
            mr_log_lines_feed(&extension->output, bytes, on_line, extension);
        }
        break;
    case MR_SUPERVISOR_DELIVERED:
        telemetry_delivered(environment, head->who, head->value);
        break;
    default:
        break;
    }
}

int
supervisor_report_take(struct mr_slice *rest, struct mr_supervisor_head *out_head,
                       struct mr_slice *out_bytes)
{
    if (rest->size < sizeof(*out_head)) {
        return 0;
    }
    memcpy(out_head, rest->data, sizeof(*out_head));
    if (out_head->size > MR_SUPERVISOR_MAX_OUTPUT ||
        out_head->who > MR_SUPERVISOR_MAX_EXTENSIONS) {
        return -1;
    }
    size_t whole = sizeof(*out_head) + out_head->size;
    if (rest->size < whole) {
        return 0;
    }
    *out_bytes = mr_slice_first(mr_slice_from(*rest, sizeof(*out_head)), out_head->size);
    *rest = mr_slice_from(*rest, whole);
    return 1;
}

static void
on_report(int events, void *context)
{
    struct environment *environment = context;
    struct mr_buf *reports = &environment->reports;
    struct mr_supervisor_head head;
    struct mr_slice report;
    uint8_t bytes[16384];
    int taken;

    (void)events;
    ssize_t got = read(environment->report_fd, bytes, sizeof(bytes));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        mr_watch_set(environment->report_watch, 0);
        return;
    }
    mr_buf_append(reports, bytes, (size_t)got);
    struct mr_slice rest = mr_buf_slice(reports);
    while ((taken = supervisor_report_take(&rest, &head, &report)) > 0) {
        take_report(environment, &head, report);
    }
    if (taken < 0) {
        mr_log(MR_LOG_WARN, "runtime", "what a supervisor reports makes no sense");
        mr_watch_set(environment->report_watch, 0);
        environment_kill(environment, KILL_RESET);
    }
    mr_buf_consume(reports, reports->size - rest.size);
}
