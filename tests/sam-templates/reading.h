/* What the tests of templates share: read text, look at what came out. */
#ifndef MR_TESTS_SAM_TEMPLATES_READING_H
#define MR_TESTS_SAM_TEMPLATES_READING_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sam-templates/template.h"
#include "tests/suite.h"

/* As `millrace template` reads: parameters without a value become dummies. */
static inline struct mr_template *
look_at(const char *text)
{
    struct mr_template_options options = { .missing = MR_TEMPLATE_MISSING_IS_DUMMY,
                                           .stack_name = "s",
                                           .directory = "/app" };
    return mr_template_parse(mr_slice_str(text), &options);
}

/* As `millrace up` reads. */
static inline struct mr_template *
read_strictly(const char *text)
{
    struct mr_template_options options = { .stack_name = "s", .directory = "/app" };
    return mr_template_parse(mr_slice_str(text), &options);
}

/* All diagnostics, a line each, in a buffer that the next call overwrites. */
static inline const char *
said(const struct mr_template *tpl)
{
    static char text[65536];
    size_t count;
    const struct mr_template_diagnostic *all = mr_template_diagnostics(tpl, &count);
    mr_auto_buf struct mr_buf lines = { 0 };
    for (size_t i = 0; i < count; i++) {
        mr_template_format(tpl, &all[i], &lines);
        mr_buf_append_str(&lines, "\n");
    }
    snprintf(text, sizeof(text), "%s", mr_buf_cstr(&lines));
    return text;
}

static inline const char *
json_of(const struct mr_template *tpl, enum mr_template_level level)
{
    static char text[262144];
    mr_auto_buf struct mr_buf out = { 0 };
    mr_template_write_json(tpl, level, &out);
    snprintf(text, sizeof(text), "%s", mr_buf_cstr(&out));
    return text;
}

#define ck_assert_says(tpl, words) \
    ck_assert_msg(strstr(said(tpl), (words)) != NULL, "not said: %s\nbut: %s", words, said(tpl))

#define ck_assert_ok(tpl) ck_assert_msg(mr_template_ok(tpl), "%s", said(tpl))

#define ck_assert_has(text, words) \
    ck_assert_msg(strstr((text), (words)) != NULL, "no %s\nin %s", words, text)

#endif
