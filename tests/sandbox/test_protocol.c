#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"
#include "sandbox/launch_strings.h"
#include "sandbox/protocol.h"
#include "tests/suite.h"

static struct mr_sandbox_request_launch
good_launch(void)
{
    return (struct mr_sandbox_request_launch){
        .head = { .kind = MR_SANDBOX_LAUNCH }, .memory_mb = 128, .tmp_mb = 512, .max_pids = 1024
    };
}

START_TEST(a_launch_within_its_ranges_is_accepted)
{
    struct mr_sandbox_request_launch launch = good_launch();

    ck_assert_int_eq(mr_sandbox_request_check(&launch, sizeof(launch), 1, NULL), 0);
}
END_TEST

START_TEST(a_launch_out_of_range_is_refused)
{
    struct mr_sandbox_request_launch launch = good_launch();

    switch (_i) {
    case 0:
        launch.memory_mb = 10241;
        break;
    case 1:
        launch.tmp_mb = 0;
        break;
    case 2:
        launch.max_pids = 0;
        break;
    case 3:
        launch.network = 2;
        break;
    case 4:
        launch.profile = 2;
        break;
    case 5:
        launch.flags = 1u << 31;
        break;
    case 6:
        launch.head.reserved = 1;
        break;
    case 7:
        launch.forwards[1] = 80; /* behind the end */
        break;
    case 8:
        launch.forwards[0] = 80;
        launch.network = MR_SANDBOX_NETWORK_HOST;
        break;
    default:
        launch.reserved = 1;
    }

    ck_assert_int_eq(mr_sandbox_request_check(&launch, sizeof(launch), 1, NULL), -EPROTO);
}
END_TEST

START_TEST(a_request_of_another_size_or_with_other_descriptors_is_refused)
{
    struct mr_sandbox_request_launch launch = good_launch();
    struct mr_sandbox_request kill = { .kind = MR_SANDBOX_KILL };

    for (size_t size = 0; size < sizeof(launch); size++) {
        ck_assert_int_eq(mr_sandbox_request_check(&launch, size, 1, NULL), -EPROTO);
    }
    ck_assert_int_eq(mr_sandbox_request_check(&launch, sizeof(launch), 0, NULL), -EPROTO);
    ck_assert_int_eq(mr_sandbox_request_check(&launch, sizeof(launch), 2, NULL), -EPROTO);
    ck_assert_int_eq(mr_sandbox_request_check(&kill, sizeof(kill), 1, NULL), -EPROTO);
    ck_assert_int_eq(mr_sandbox_request_check(&kill, sizeof(kill) - 1, 0, NULL), -EPROTO);
    ck_assert_int_eq(mr_sandbox_request_check(&kill, sizeof(kill), 0, NULL), 0);
}
END_TEST

START_TEST(an_unknown_request_is_refused)
{
    struct mr_sandbox_request request = { .kind = 77 };

    ck_assert_int_eq(mr_sandbox_request_check(&request, sizeof(request), 0, NULL), -EPROTO);
}
END_TEST

START_TEST(a_reply_whose_text_does_not_end_is_refused)
{
    struct mr_sandbox_failed failed = { .kind = MR_SANDBOX_FAILED };
    memset(failed.text, 'x', sizeof(failed.text));

    ck_assert_int_eq(mr_sandbox_reply_check(&failed, sizeof(failed), 0, NULL), -EPROTO);
}
END_TEST

static void
add(struct mr_buf *buf, enum mr_launch_tag tag, const char *value)
{
    ck_assert_int_eq(mr_launch_strings_add(buf, tag, mr_slice_str(value), NULL), 0);
}

START_TEST(launch_strings_come_back_as_they_were)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_launch_strings strings;
    add(&buf, MR_LAUNCH_NAME, "resize");
    add(&buf, MR_LAUNCH_CODE_DIR, "/code");
    add(&buf, MR_LAUNCH_ARG, "/var/task/bootstrap");
    add(&buf, MR_LAUNCH_ENV, "A=b=c");
    add(&buf, MR_LAUNCH_ENV, "EMPTY=");
    add(&buf, MR_LAUNCH_ALLOW, "ptrace");

    ck_assert_int_eq(mr_launch_strings_parse(&strings, mr_buf_slice(&buf), NULL), 0);

    ck_assert_str_eq(strings.name, "resize");
    ck_assert_str_eq(strings.code_dir, "/code");
    ck_assert_str_eq(strings.args[0], "/var/task/bootstrap");
    ck_assert_str_eq(strings.env[0], "A=b=c");
    ck_assert_str_eq(strings.env[1], "EMPTY=");
    ck_assert_uint_eq(strings.allow_count, 1);
}
END_TEST

START_TEST(launch_strings_cut_anywhere_are_refused)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_launch_strings strings;
    add(&buf, MR_LAUNCH_CODE_DIR, "/code");
    add(&buf, MR_LAUNCH_ARG, "/bin/true");

    for (size_t size = 0; size < buf.size; size++) {
        ck_assert_int_lt(mr_launch_strings_parse(&strings, mr_slice_of(buf.data, size), NULL),
                         0);
    }
}
END_TEST

START_TEST(more_than_the_maximum_is_refused)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_launch_strings strings;
    add(&buf, MR_LAUNCH_CODE_DIR, "/code");
    for (int i = 0; i <= MR_SANDBOX_MAX_ARGS; i++) {
        add(&buf, MR_LAUNCH_ARG, "x");
    }

    ck_assert_int_lt(mr_launch_strings_parse(&strings, mr_buf_slice(&buf), NULL), 0);
}
END_TEST

START_TEST(a_value_with_a_nul_or_a_relative_path_is_refused)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_launch_strings strings;

    ck_assert_int_eq(mr_launch_strings_add(&buf, MR_LAUNCH_ENV, mr_slice_of("A=\0b", 4), NULL),
                     -EINVAL);
    add(&buf, MR_LAUNCH_CODE_DIR, "code");
    add(&buf, MR_LAUNCH_ARG, "x");
    ck_assert_int_lt(mr_launch_strings_parse(&strings, mr_buf_slice(&buf), NULL), 0);
}
END_TEST

START_TEST(only_a_sealed_file_is_mapped)
{
    mr_auto_fd int open_file = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_eq(write(open_file, "abcd", 4), 4);
    struct mr_slice bytes;

    ck_assert_int_eq(mr_launch_strings_map(open_file, &bytes, NULL), -EINVAL);

    mr_auto_fd int sealed = mr_launch_strings_seal(MR_SLICE("abcd"), NULL);
    ck_assert_int_eq(mr_launch_strings_map(sealed, &bytes, NULL), 0);
    ck_assert(mr_slice_is(bytes, "abcd"));
    ck_assert_int_lt(write(sealed, "x", 1), 0);
    munmap((void *)(uintptr_t)bytes.data, bytes.size);
}
END_TEST

MR_SUITE("sandbox.protocol", MR_TEST(a_launch_within_its_ranges_is_accepted),
         MR_TEST_LOOP(a_launch_out_of_range_is_refused, 10),
         MR_TEST(a_request_of_another_size_or_with_other_descriptors_is_refused),
         MR_TEST(an_unknown_request_is_refused),
         MR_TEST(a_reply_whose_text_does_not_end_is_refused),
         MR_TEST(launch_strings_come_back_as_they_were),
         MR_TEST(launch_strings_cut_anywhere_are_refused),
         MR_TEST(more_than_the_maximum_is_refused),
         MR_TEST(a_value_with_a_nul_or_a_relative_path_is_refused),
         MR_TEST(only_a_sealed_file_is_mapped))
