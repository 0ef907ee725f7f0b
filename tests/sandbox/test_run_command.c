#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "sandbox/report.h"
#include "sandbox/run_command.h"
#include "tests/suite.h"

/* Runs `script` with our streams in files; its output lands in `out_text`. */
static int
run(const char *script, const char *input, uint64_t timeout_ms, char *out_text, size_t capacity)
{
    char shell[] = "/bin/sh", option[] = "-c", text[1024];
    char *const args[] = { shell, option, text, NULL };
    const struct mr_run_command command = { .daemon_path = SANDBOXD_PATH,
                                            .code_dir = "/usr/share",
                                            .args = args,
                                            .memory_mb = 1769,
                                            .timeout_ms = timeout_ms };
    struct mr_error err = { .text = "" };
    FILE *in = tmpfile(), *out = tmpfile();

    snprintf(text, sizeof(text), "%s", script);
    fputs(input, in);
    rewind(in);
    fflush(stdout);
    mr_auto_fd int old_in = dup(0);
    mr_auto_fd int old_out = dup(1);
    dup2(fileno(in), 0);
    dup2(fileno(out), 1);
    int status = mr_sandbox_run_command(&command, &err);
    dup2(old_in, 0);
    dup2(old_out, 1);
    rewind(out);
    size_t size = fread(out_text, 1, capacity - 1, out);
    out_text[size] = 0;
    fclose(in);
    fclose(out);
    ck_assert_msg(status >= 0, "%s", err.text);
    return status;
}

START_TEST(its_status_is_ours)
{
    char text[100];

    ck_assert_int_eq(run("exit 7", "", 0, text, sizeof(text)), 7);
    ck_assert_int_eq(run("kill -SEGV $$", "", 0, text, sizeof(text)), 128 + SIGSEGV);
    ck_assert_int_eq(run("sleep 100", "", 300, text, sizeof(text)), 124);
}
END_TEST

START_TEST(its_input_and_output_are_ours)
{
    char text[100];

    ck_assert_int_eq(run("tr a-z A-Z; echo to stderr >&2", "hello\n", 0, text, sizeof(text)),
                     0);

    ck_assert_str_eq(text, "HELLO\n");
}
END_TEST

START_TEST(much_output_arrives_whole)
{
    static char text[3 << 20];

    ck_assert_int_eq(run("head -c 2000000 /dev/zero | tr '\\0' x", "", 0, text, sizeof(text)),
                     0);

    ck_assert_uint_eq(strlen(text), 2000000);
}
END_TEST

START_TEST(a_command_that_is_not_there_is_named)
{
    char name[] = "no-such-command";
    char *const args[] = { name, NULL };
    const struct mr_run_command command = { .daemon_path = SANDBOXD_PATH, .args = args };
    struct mr_error err;

    ck_assert_int_lt(mr_sandbox_run_command(&command, &err), 0);

    ck_assert_ptr_nonnull(strstr(err.text, "execute its program: No such file"));
}
END_TEST

START_TEST(a_report_names_the_level_and_what_is_missing)
{
    struct mr_sandbox_hello hello = { .kind = MR_SANDBOX_HELLO,
                                      .level = MR_SANDBOX_L2,
                                      .uid = 1000,
                                      .mechanisms = MR_SANDBOX_HAS_USER_NS };
    mr_auto_buf struct mr_buf buf = { 0 };

    mr_sandbox_report_write(&buf, &hello);

    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&buf), "L2: all namespaces, without cgroups"));
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&buf), "NO  cgroup limits"));
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&buf), "Delegate=yes"));
}
END_TEST

START_TEST(a_report_of_this_host_can_be_made)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_error err;

    ck_assert_msg(mr_sandbox_report(SANDBOXD_PATH, &buf, &err) == 0, "%s", err.text);

    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&buf), "sandbox level   L"));
}
END_TEST

MR_SUITE("sandbox.run_command", MR_TEST(its_status_is_ours),
         MR_TEST(its_input_and_output_are_ours), MR_TEST(much_output_arrives_whole),
         MR_TEST(a_command_that_is_not_there_is_named),
         MR_TEST(a_report_names_the_level_and_what_is_missing),
         MR_TEST(a_report_of_this_host_can_be_made))
