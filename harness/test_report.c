#include "harness/test_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"

struct mr_test_report {
    FILE *out;
    enum mr_test_format format;
    bool colour;
    const char *junit_path;
    struct mr_buf junit; /* suites */
    struct mr_buf suite; /* cases of the file under way */
    char *suite_file;
    unsigned suite_tests, suite_failures;
    unsigned passed, failed;
};

enum { SHOWN_LOG_BYTES = 4000, SHOWN_TRANSCRIPT_BYTES = 8000 };

/* ---- a person ---- */

static void
indent(FILE *out, const char *prefix, struct mr_slice text)
{
    while (text.size > 0) {
        struct mr_slice line = mr_slice_cut(&text, '\n');
        fprintf(out, "%s%.*s\n", prefix, MR_SLICE_ARGS(line));
    }
}

static struct mr_slice
last_lines(struct mr_slice text, size_t most)
{
    if (text.size <= most) {
        return text;
    }
    struct mr_slice tail = mr_slice_from(text, text.size - most);
    ptrdiff_t newline = mr_slice_find(tail, '\n');
    return newline < 0 ? tail : mr_slice_from(tail, (size_t)newline + 1);
}

static void
say_human(struct mr_test_report *report, const struct mr_test_result *result)
{
    const char *begin = !report->colour ? "" : result->passed ? "\033[32m" : "\033[31m";
    const char *end = report->colour ? "\033[0m" : "";

    fprintf(report->out,
            "%s%-4s%s  %s  (%llu records, %llu invocations, %llu given up; %llu.%03llu s "
            "virtual)\n",
            begin, result->passed ? "ok" : "FAIL", end, result->name,
            (unsigned long long)result->records, (unsigned long long)result->invocations,
            (unsigned long long)result->dropped, (unsigned long long)result->virtual_ms / 1000,
            (unsigned long long)result->virtual_ms % 1000);
    if (result->passed) {
        return;
    }
    indent(report->out, "      ", result->complaints);
    if (result->transcript.size > 0) {
        fprintf(report->out, "      what happened (seed %llu):\n",
                (unsigned long long)result->seed);
        indent(report->out, "        ", last_lines(result->transcript, SHOWN_TRANSCRIPT_BYTES));
    }
    if (result->log.size > 0) {
        fprintf(report->out, "      what the handlers said:\n");
        indent(report->out, "        ", last_lines(result->log, SHOWN_LOG_BYTES));
    }
}

/* ---- TAP 14, GitHub ---- */

static void
say_tap(struct mr_test_report *report, const struct mr_test_result *result)
{
    if (report->passed + report->failed == 1) {
        fprintf(report->out, "TAP version 14\n");
    }
    fprintf(report->out, "%sok %u - %s: %s\n", result->passed ? "" : "not ",
            report->passed + report->failed, result->file, result->name);
    if (!result->passed) {
        fprintf(report->out, "  ---\n  seed: %llu\n  message: |\n",
                (unsigned long long)result->seed);
        indent(report->out, "    ", result->complaints);
        fprintf(report->out, "  ...\n");
    }
}

/* GitHub's workflow commands: a message's own %, CR and LF are escaped. */
static void
say_github(struct mr_test_report *report, const struct mr_test_result *result)
{
    say_human(report, result);
    if (result->passed) {
        return;
    }
    fprintf(report->out, "::error file=%s,line=%u,title=%s::", result->file, result->line,
            result->name);
    for (size_t i = 0; i < result->complaints.size; i++) {
        uint8_t byte = result->complaints.data[i];
        if (byte == '%' || byte == '\r' || byte == '\n') {
            fprintf(report->out, "%%%02X", byte);
        } else {
            fputc(byte, report->out);
        }
    }
    fputc('\n', report->out);
}

/* ---- JUnit ---- */

static void
append_xml(struct mr_buf *buf, struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        switch (byte) {
        case '&':
            mr_buf_append_str(buf, "&amp;");
            break;
        case '<':
            mr_buf_append_str(buf, "&lt;");
            break;
        case '>':
            mr_buf_append_str(buf, "&gt;");
            break;
        case '"':
            mr_buf_append_str(buf, "&quot;");
            break;
        default: /* XML 1.0 has no other control characters */
            mr_buf_append_byte(buf, byte < 0x20 && byte != '\n' && byte != '\t' ? '?' : byte);
        }
    }
}

static void
append_attribute(struct mr_buf *buf, const char *name, const char *text)
{
    mr_buf_printf(buf, " %s=\"", name);
    append_xml(buf, mr_slice_str(text));
    mr_buf_append_byte(buf, '"');
}

static void
close_suite(struct mr_test_report *report)
{
    if (report->suite_file == NULL) {
        return;
    }
    mr_buf_append_str(&report->junit, "  <testsuite");
    append_attribute(&report->junit, "name", report->suite_file);
    mr_buf_printf(&report->junit, " tests=\"%u\" failures=\"%u\">\n", report->suite_tests,
                  report->suite_failures);
    mr_buf_append_slice(&report->junit, mr_buf_slice(&report->suite));
    mr_buf_append_str(&report->junit, "  </testsuite>\n");
    mr_buf_clear(&report->suite);
    free(MR_TAKE(report->suite_file));
    report->suite_tests = report->suite_failures = 0;
}

static void
append_junit_case(struct mr_buf *buf, const struct mr_test_result *result)
{
    mr_buf_append_str(buf, "    <testcase");
    append_attribute(buf, "name", result->name);
    append_attribute(buf, "classname", result->function);
    mr_buf_printf(buf,
                  " time=\"%llu.%06llu\">\n      <properties>\n"
                  "        <property name=\"seed\" value=\"%llu\"/>\n"
                  "        <property name=\"virtual-ms\" value=\"%llu\"/>\n"
                  "      </properties>\n",
                  (unsigned long long)result->real_us / 1000000,
                  (unsigned long long)result->real_us % 1000000,
                  (unsigned long long)result->seed, (unsigned long long)result->virtual_ms);
    if (!result->passed) {
        struct mr_slice rest = result->complaints;
        mr_auto_free char *first = mr_slice_dup(mr_slice_cut(&rest, '\n'));
        mr_buf_append_str(buf, "      <failure");
        append_attribute(buf, "message", first);
        mr_buf_append_byte(buf, '>');
        append_xml(buf, result->complaints);
        append_xml(buf, result->transcript);
        mr_buf_printf(buf, "again: millrace test --seed %llu ",
                      (unsigned long long)result->seed);
        append_xml(buf, mr_slice_str(result->file));
        mr_buf_append_str(buf, "</failure>\n");
    }
    mr_buf_append_str(buf, "      <system-out>");
    append_xml(buf, result->log);
    mr_buf_append_str(buf, "</system-out>\n    </testcase>\n");
}

static void
add_junit(struct mr_test_report *report, const struct mr_test_result *result)
{
    if (report->suite_file == NULL || strcmp(report->suite_file, result->file) != 0) {
        close_suite(report);
        report->suite_file = mr_strdup(result->file);
    }
    report->suite_tests++;
    report->suite_failures += !result->passed;
    append_junit_case(&report->suite, result);
}

static int
write_junit(struct mr_test_report *report, struct mr_error *err)
{
    close_suite(report);
    FILE *file = fopen(report->junit_path, "wbe");
    if (file == NULL) {
        return mr_fail(err, -errno, "%s: %s", report->junit_path, strerror(errno));
    }
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites tests=\"%u\" failures=\"%u\">\n",
            report->passed + report->failed, report->failed);
    fwrite(report->junit.data, 1, report->junit.size, file);
    fprintf(file, "</testsuites>\n");
    return fclose(file) == 0
               ? 0
               : mr_fail(err, -errno, "%s: %s", report->junit_path, strerror(errno));
}

/* ---- the report ---- */

struct mr_test_report *
mr_test_report_new(FILE *out, enum mr_test_format format, bool colour, const char *junit)
{
    struct mr_test_report *report = mr_alloc_zero(1, sizeof(*report));
    *report = (struct mr_test_report){
        .out = out, .format = format, .colour = colour, .junit_path = junit
    };
    return report;
}

void
mr_test_report_add(struct mr_test_report *report, const struct mr_test_result *result)
{
    static void (*const say[])(struct mr_test_report *, const struct mr_test_result *) = {
        [MR_TEST_HUMAN] = say_human,
        [MR_TEST_TAP] = say_tap,
        [MR_TEST_GITHUB] = say_github,
    };
    report->passed += result->passed;
    report->failed += !result->passed;
    say[report->format](report, result);
    fflush(report->out);
    if (report->junit_path != NULL) {
        add_junit(report, result);
    }
}

void
mr_test_report_note(struct mr_test_report *report, const char *text)
{
    fprintf(report->out, "%s%s\n", report->format == MR_TEST_TAP ? "# " : "note  ", text);
}

unsigned
mr_test_report_count(const struct mr_test_report *report)
{
    return report->passed + report->failed;
}

int
mr_test_report_end(struct mr_test_report *report, struct mr_error *err)
{
    if (report->format == MR_TEST_TAP) {
        fprintf(report->out, "1..%u\n# ", report->passed + report->failed);
    }
    fprintf(report->out, "%u passed, %u failed\n", report->passed, report->failed);
    if (report->junit_path != NULL) {
        int rc = write_junit(report, err);
        if (rc < 0) {
            return rc;
        }
    }
    return (int)report->failed;
}

void
mr_test_report_free(struct mr_test_report *report)
{
    if (report != NULL) {
        mr_buf_deinit(&report->junit);
        mr_buf_deinit(&report->suite);
        free(report->suite_file);
        free(report);
    }
}
