#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "base/json_reader.h"
#include "poller/filter.h"
#include "tests/suite.h"

enum verdict { MATCH, NO_MATCH, REJECTED, BAD_EVENT };

static enum verdict
judge(struct mr_slice pattern_text, struct mr_slice event, struct mr_error *err)
{
    mr_auto_arena struct mr_arena scratch = { 0 };
    mr_auto(mr_pattern_free) struct mr_pattern *pattern = mr_pattern_new(pattern_text, err);
    if (pattern == NULL) {
        return REJECTED;
    }
    switch (mr_pattern_match(pattern, event, &scratch)) {
    case MR_PATTERN_MATCH:
        return MATCH;
    case MR_PATTERN_NO_MATCH:
        return NO_MATCH;
    default:
        return BAD_EVENT;
    }
}

struct row {
    const char *pattern, *event;
    enum verdict verdict;
    const char *reason;
};

static void
check(const struct row *row)
{
    struct mr_error err = { 0 };
    enum verdict verdict = judge(mr_slice_str(row->pattern), mr_slice_str(row->event), &err);
    ck_assert_msg(verdict == row->verdict, "%s on %s: verdict %d, not %d (%s)", row->pattern,
                  row->event, verdict, row->verdict, err.text);
    if (row->reason != NULL) {
        ck_assert_str_eq(err.text, row->reason);
    }
}

#define CHECK_ALL(rows)                                           \
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) { \
        check(&rows[i]);                                          \
    }

START_TEST(equality_is_exact_and_knows_types)
{
    static const struct row rows[] = {
        { "{\"a\":[\"x\"]}", "{\"a\":\"x\"}", MATCH, NULL },
        { "{\"a\":[\"x\"]}", "{\"a\":\"X\"}", NO_MATCH, NULL },
        { "{\"a\":[\"x\"]}", "{\"a\":\"x \"}", NO_MATCH, NULL },
        { "{\"a\":[\"x\"]}", "{\"A\":\"x\"}", NO_MATCH, NULL },
        { "{\"a\":[\"x\",\"y\"]}", "{\"a\":\"y\"}", MATCH, NULL },
        { "{\"a\":[\"x\"],\"b\":[\"y\"]}", "{\"a\":\"x\",\"b\":\"z\"}", NO_MATCH, NULL },
        { "{\"a\":[\"1\"]}", "{\"a\":1}", NO_MATCH, NULL },
        { "{\"a\":[1]}", "{\"a\":\"1\"}", NO_MATCH, NULL },
        { "{\"a\":[true]}", "{\"a\":true}", MATCH, NULL },
        { "{\"a\":[true]}", "{\"a\":\"true\"}", NO_MATCH, NULL },
        { "{\"a\":[null]}", "{\"a\":null}", MATCH, NULL },
        { "{\"a\":[null]}", "{\"a\":\"null\"}", NO_MATCH, NULL },
        { "{\"a\":[null]}", "{}", NO_MATCH, NULL },
        { "{\"a\":[null]}", "{\"a\":[]}", NO_MATCH, NULL },
        { "{\"a\":[\"\"]}", "{\"a\":\"\"}", MATCH, NULL },
        { "{\"a\":[\"\"]}", "{\"a\":null}", NO_MATCH, NULL },
        { "{\"a\":[{\"exactly\":\"x\"}]}", "{\"a\":\"x\"}", MATCH, NULL },
        { "{\"a\":{\"b\":[1]}}", "{\"a\":\"{\\\"b\\\":1}\"}", NO_MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(numbers_are_compared_exactly_however_they_are_written)
{
    static const struct row rows[] = {
        { "{\"a\":[300]}", "{\"a\":300.0}", MATCH, NULL },
        { "{\"a\":[3e2]}", "{\"a\":300}", MATCH, NULL },
        { "{\"a\":[1000]}", "{\"a\":1E+3}", MATCH, NULL },
        { "{\"a\":[0.1]}", "{\"a\":1e-1}", MATCH, NULL },
        { "{\"a\":[0]}", "{\"a\":-0.0}", MATCH, NULL },
        { "{\"a\":[-1.50]}", "{\"a\":-1.5}", MATCH, NULL },
        { "{\"a\":[9007199254740993]}", "{\"a\":9007199254740992}", NO_MATCH, NULL },
        { "{\"a\":[9007199254740993]}", "{\"a\":9007199254740993}", MATCH, NULL },
        { "{\"a\":[123456789012]}", "{\"a\":123456789012}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",100]}]}", "{\"a\":100.0000001}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",100]}]}", "{\"a\":100}", NO_MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">=\",100]}]}", "{\"a\":1e2}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\"<\",-5]}]}", "{\"a\":-5.5}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\"<=\",10]}]}", "{\"a\":10.0}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\"=\",301.8]}]}", "{\"a\":3.018e2}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",0,\"<=\",5]}]}", "{\"a\":5}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",0,\"<\",5]}]}", "{\"a\":5}", NO_MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",0,\"<\",5]}]}", "{\"a\":0}", NO_MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",0]}]}", "{\"a\":\"5\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",0]}]}", "{\"a\":null}", NO_MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",0]}]}", "{\"a\":1e400}", MATCH, NULL },
        { "{\"a\":[{\"numeric\":[\">\",0]}]}", "{\"a\":1e99999999999999999999}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":5}]}", "{\"a\":5.0}", NO_MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(existence_is_asked_of_leaves)
{
    static const struct row rows[] = {
        { "{\"a\":[{\"exists\":true}]}", "{\"a\":null}", MATCH, NULL },
        { "{\"a\":[{\"exists\":true}]}", "{\"a\":{\"b\":1}}", NO_MATCH, NULL },
        { "{\"a\":[{\"exists\":true}]}", "{\"a\":[]}", NO_MATCH, NULL },
        { "{\"a\":[{\"exists\":true}]}", "{\"a\":[1]}", MATCH, NULL },
        { "{\"a\":[{\"exists\":false}]}", "{\"a\":{\"b\":1}}", MATCH, NULL },
        { "{\"a\":[{\"exists\":false}]}", "{\"a\":1}", NO_MATCH, NULL },
        { "{\"a\":[{\"exists\":false}]}", "{\"a\":[]}", MATCH, NULL },
        { "{\"a\":{\"b\":[{\"exists\":false}]}}", "{}", MATCH, NULL },
        { "{\"a\":{\"b\":[{\"exists\":false}]}}", "{\"a\":5}", MATCH, NULL },
        { "{\"a\":[\"x\",{\"exists\":false}]}", "{\"a\":\"x\"}", MATCH, NULL },
        { "{\"a\":[\"x\",{\"exists\":false}]}", "{\"a\":\"y\"}", NO_MATCH, NULL },
        { "{\"a\":[\"x\",{\"exists\":false}]}", "{\"b\":\"y\"}", MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(anything_but_wants_a_value_and_none_of_these)
{
    static const struct row rows[] = {
        { "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":\"y\"}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":\"x\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"anything-but\":\"x\"}]}", "{}", NO_MATCH, NULL },
        { "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":[]}", NO_MATCH, NULL },
        { "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":null}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":\"5\"}]}", "{\"a\":5}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", "{\"a\":\"y\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", "{\"a\":[\"x\",\"z\"]}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":[1,2]}]}", "{\"a\":3}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":{\"prefix\":\"ab\"}}]}", "{\"a\":\"abc\"}", NO_MATCH,
          NULL },
        { "{\"a\":[{\"anything-but\":{\"prefix\":[\"ab\",\"cd\"]}}]}", "{\"a\":12}", MATCH,
          NULL },
        { "{\"a\":[{\"anything-but\":{\"suffix\":\"c\"}}]}", "{\"a\":\"abc\"}", NO_MATCH,
          NULL },
        { "{\"a\":[{\"anything-but\":{\"suffix\":[\"c\"]}}]}", "{\"a\":\"abd\"}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":{\"equals-ignore-case\":[\"x\"]}}]}", "{\"a\":\"X\"}",
          NO_MATCH, NULL },
        { "{\"a\":[{\"anything-but\":{\"wildcard\":\"*/bin/*\"}}]}", "{\"a\":\"a/bin/b\"}",
          NO_MATCH, NULL },
        { "{\"a\":[{\"anything-but\":{\"wildcard\":\"\"}}]}", "{\"a\":\"x\"}", MATCH, NULL },
        { "{\"a\":[{\"anything-but\":{\"wildcard\":\"\"}}]}", "{\"a\":\"\"}", NO_MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(strings_are_matched_by_their_ends_their_case_and_wildcards)
{
    static const struct row rows[] = {
        { "{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":\"abc\"}", MATCH, NULL },
        { "{\"a\":[{\"prefix\":\"\"}]}", "{\"a\":\"\"}", MATCH, NULL },
        { "{\"a\":[{\"prefix\":\"\"}]}", "{\"a\":1}", NO_MATCH, NULL },
        { "{\"a\":[{\"suffix\":\"bc\"}]}", "{\"a\":\"abc\"}", MATCH, NULL },
        { "{\"a\":[{\"suffix\":\"\"}]}", "{\"a\":\"x\"}", MATCH, NULL },
        { "{\"a\":[{\"prefix\":{\"equals-ignore-case\":\"EventB\"}}]}", "{\"a\":\"eVENTbus\"}",
          MATCH, NULL },
        { "{\"a\":[{\"suffix\":{\"equals-ignore-case\":\".png\"}}]}", "{\"a\":\"x.PnG\"}",
          MATCH, NULL },
        { "{\"a\":[{\"equals-ignore-case\":\"alice\"}]}", "{\"a\":\"ALICE\"}", MATCH, NULL },
        { "{\"a\":[{\"equals-ignore-case\":\"alice\"}]}", "{\"a\":\"ALICE2\"}", NO_MATCH,
          NULL },
        { "{\"a\":[{\"equals-ignore-case\":\"\xc3\xa4\xd0\x96\"}]}",
          "{\"a\":\"\xc3\x84\xd0\xb6\"}", MATCH, NULL },
        { "{\"a\":[{\"equals-ignore-case\":\"stra\xc3\x9f"
          "e\"}]}",
          "{\"a\":\"STRASSE\"}", MATCH, NULL },
        { "{\"a\":[{\"equals-ignore-case\":\"\xf0\x9f\x9a\x80x\"}]}",
          "{\"a\":\"\xf0\x9f\x9a\x80X\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"*\"}]}", "{\"a\":\"\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"*\"}]}", "{\"a\":1}", NO_MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"\"}]}", "{\"a\":\"\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"\"}]}", "{\"a\":\"x\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"a*a\"}]}", "{\"a\":\"a\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"a*a\"}]}", "{\"a\":\"aa\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"*ab*ab*\"}]}", "{\"a\":\"aab-abb\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"*ab*ab*\"}]}", "{\"a\":\"aab-bab\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"*ab*ab*\"}]}", "{\"a\":\"aab-aa\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"a\\\\*b\"}]}", "{\"a\":\"a*b\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"a\\\\*b\"}]}", "{\"a\":\"axb\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"a\\\\\\\\*\"}]}", "{\"a\":\"a\\\\x\"}", MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(addresses_are_compared_as_addresses)
{
    static const struct row rows[] = {
        { "{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"10.0.0.255\"}", MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"10.0.1.0\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"10.0.0.77/24\"}]}", "{\"a\":\"10.0.0.3\"}", MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"10.0.0.0/31\"}]}", "{\"a\":\"10.0.0.1\"}", MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"a\":\"255.1.2.3\"}", MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"a\":\"256.1.2.3\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"a\":\"host\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"a\":\"::1\"}", NO_MATCH, NULL },
        { "{\"a\":[{\"cidr\":\"2001:db8::/32\"}]}", "{\"a\":\"2001:0DB8:0:0:0:0:0:5\"}", MATCH,
          NULL },
        { "{\"a\":[{\"cidr\":\"2001:db8::/32\"}]}", "{\"a\":\"2001:db9::5\"}", NO_MATCH, NULL },
        { "{\"a\":[\"::1\"]}", "{\"a\":\"0:0:0:0:0:0:0:1\"}", MATCH, NULL },
        { "{\"a\":[\"10.0.0.1\"]}", "{\"a\":\"10.0.0.1\"}", MATCH, NULL },
        { "{\"a\":[\"10.0.0.1\"]}", "{\"a\":\"10.0.0.2\"}", NO_MATCH, NULL },
        { "{\"a\":[\"::\"]}", "{\"a\":\"::\"}", MATCH, NULL },
        { "{\"a\":[\":\"]}", "{\"a\":\":\"}", MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(of_an_array_of_objects_one_element_must_satisfy_all)
{
    static const struct row rows[] = {
        { "{\"l\":{\"a\":[1],\"b\":[2]}}", "{\"l\":[{\"a\":1,\"b\":2}]}", MATCH, NULL },
        { "{\"l\":{\"a\":[1],\"b\":[2]}}", "{\"l\":[{\"a\":1,\"b\":3},{\"a\":4,\"b\":2}]}",
          NO_MATCH, NULL },
        { "{\"l\":{\"a\":[1],\"b\":[2]}}",
          "{\"l\":[{\"a\":1,\"b\":3},{\"a\":4,\"b\":2},{\"b\":2,\"a\":1}]}", MATCH, NULL },
        { "{\"l\":{\"a\":[1]},\"m\":{\"b\":[2]}}",
          "{\"l\":[{\"a\":0},{\"a\":1}],"
          "\"m\":[{\"b\":2}]}",
          MATCH, NULL },
        { "{\"l\":{\"m\":{\"a\":[1],\"b\":[2]}}}",
          "{\"l\":[{\"m\":[{\"a\":1},{\"b\":2}]},{\"m\":[{\"a\":1,\"b\":2}]}]}", MATCH, NULL },
        { "{\"l\":{\"m\":{\"a\":[1]},\"b\":[2]}}",
          "{\"l\":[{\"m\":[{\"a\":0},{\"a\":1}],\"b\":2}]}", MATCH, NULL },
        { "{\"l\":{\"m\":{\"a\":[1]},\"b\":[2]}}",
          "{\"l\":[{\"m\":[{\"a\":1}],\"b\":3},{\"m\":[{\"a\":0}],\"b\":2}]}", NO_MATCH, NULL },
        { "{\"l\":{\"a\":[1],\"b\":[{\"exists\":false}]}}",
          "{\"l\":[{\"a\":1,\"b\":2},{\"a\":1}]}", MATCH, NULL },
        { "{\"l\":{\"a\":[1],\"b\":[{\"exists\":false}]}}",
          "{\"l\":[{\"a\":1,\"b\":2},{\"a\":3}]}", NO_MATCH, NULL },
        { "{\"c\":[\"x\"],\"c.a\":[{\"exists\":false}]}", "{\"c\":[\"x\",[{\"a\":1},[\"x\"]]]}",
          MATCH, NULL },
        { "{\"a\":[1],\"b\":[2]}", "{\"a\":[0,1],\"b\":[[3],[2]]}", MATCH, NULL },
        { "{\"a\":[\"y\"]}", "{\"a\":[[\"x\"],[\"y\"]]}", MATCH, NULL },
        { "{\"l\":{\"id\":[{\"exists\":true}]}}", "{\"l\":[{\"k\":1},{\"id\":2}]}", MATCH,
          NULL },
        { "{\"l\":{\"a\":[1],\"b\":[2]}}",
          "{\"l\":[{\"a\":9},{\"a\":1},{\"a\":1,\"b\":[1,2]},{\"a\":5}]}", MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(keys_may_be_joined_by_dots_on_either_side)
{
    static const struct row rows[] = {
        { "{\"d\":{\"s\":{\"t\":[1]}}}", "{\"d\":{\"s.t\":1}}", MATCH, NULL },
        { "{\"d\":{\"s.t\":[1]}}", "{\"d\":{\"s\":{\"t\":1}}}", MATCH, NULL },
        { "{\"d.s.t\":[1]}", "{\"d\":{\"s\":{\"t\":1}}}", MATCH, NULL },
        { "{\"d\":{\"s\":{\"t\":[1]}}}", "{\"d.s.t\":1}", MATCH, NULL },
        { "{\"d\":{\"s\":{\"t\":[1]}}}", "{\"d\":{\"s.u\":1}}", NO_MATCH, NULL },
        { "{\"a.\":[1]}", "{\"a\":{\"\":1}}", MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(the_last_of_two_equal_keys_counts)
{
    static const struct row rows[] = {
        { "{\"a\":[1],\"a\":[2]}", "{\"a\":2}", MATCH, NULL },
        { "{\"a\":[1],\"a\":[2]}", "{\"a\":1}", NO_MATCH, NULL },
        { "{\"a\":[1]}", "{\"a\":1,\"a\":2}", NO_MATCH, NULL },
        { "{\"a\":[2]}", "{\"a\":1,\"a\":2}", MATCH, NULL },
        { "{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":1},\"a\":{\"c\":1}}", NO_MATCH, NULL },
        { "{\"a\":{\"b\":[{\"exists\":false}]}}", "{\"a\":{\"b\":1},\"a\":5}", MATCH, NULL },
        { "{\"l\":{\"a\":[1]}}", "{\"l\":[{\"a\":1,\"a\":2},{\"a\":2,\"a\":1}]}", MATCH, NULL },
        { "{\"a\":{\"b\":[1]}}", "{\"a.b\":1,\"a\":{\"b\":1},\"a.b\":2}", MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(escapes_are_read_on_both_sides)
{
    static const struct row rows[] = {
        { "{\"a\":[\"\\u00e4\"]}", "{\"a\":\"\xc3\xa4\"}", MATCH, NULL },
        { "{\"a\":[\"\xc3\xa4\"]}", "{\"a\":\"\\u00E4\"}", MATCH, NULL },
        { "{\"a\":[\"\xf0\x9f\x9a\x80\"]}", "{\"a\":\"\\ud83d\\ude80\"}", MATCH, NULL },
        { "{\"a\":[\"\\ud83d\\ude80\"]}", "{\"a\":\"\xf0\x9f\x9a\x80\"}", MATCH, NULL },
        { "{\"\\u0061\":[\"x\"]}", "{\"a\":\"x\"}", MATCH, NULL },
        { "{\"a\":[\"x\"]}", "{\"\\u0061\":\"x\"}", MATCH, NULL },
        { "{\"a\\u002eb\":[\"x\"]}", "{\"a\":{\"b\":\"x\"}}", MATCH, NULL },
        { "{\"a\":[\"t\\tn\\n\\\"\\\\\\/\"]}", "{\"a\":\"t\\u0009n\\u000a\\\"\\\\/\"}", MATCH,
          NULL },
        { "{\"a\":[{\"prefix\":\"\\\"\"}]}", "{\"a\":\"\\\"x\"}", MATCH, NULL },
        { "{\"a\":[{\"\\u0070refix\":\"x\"}]}", "{\"a\":\"xy\"}", MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(or_joins_alternatives_and_goes_with_its_siblings)
{
    static const struct row rows[] = {
        { "{\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"b\":2}", MATCH, NULL },
        { "{\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"a\":2,\"b\":1}", NO_MATCH, NULL },
        { "{\"c\":[3],\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"b\":2}", NO_MATCH, NULL },
        { "{\"c\":[3],\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"b\":2,\"c\":3}", MATCH, NULL },
        { "{\"$or\":[{\"a\":[1]},{\"b\":[2]}],\"c\":[3]}", "{\"b\":2}", NO_MATCH, NULL },
        { "{\"d\":{\"$or\":[{\"a\":[1]},{\"b\":[2],\"c\":[3]}]}}", "{\"d\":{\"b\":2,\"c\":3}}",
          MATCH, NULL },
        { "{\"$or\":[{\"a\":[1]},{\"$or\":[{\"b\":[2]},{\"c\":[3]}]}]}", "{\"c\":3}", MATCH,
          NULL },
        { "{\"$or\":[{\"a\":[1]},{\"b\":[1]}],\"d\":{\"$or\":[{\"x\":[1]},{\"y\":[1]}]}}",
          "{\"b\":1,\"d\":{\"x\":1}}", MATCH, NULL },
        { "{\"$or\":[{\"a\":[1]},{\"b\":[1]}],\"d\":{\"$or\":[{\"x\":[1]},{\"y\":[1]}]}}",
          "{\"b\":1,\"d\":{\"z\":1}}", NO_MATCH, NULL },
        { "{\"$or\":[{\"a\":[1]}]}", "{}", REJECTED,
          "There must have at least 2 Objects in $or relationship." },
        { "{\"$or\":{\"a\":[1]}}", "{}", REJECTED, "It must be an Array followed with $or." },
        { "{\"$or\":[1,2]}", "{}", REJECTED,
          "Only JSON object is allowed in array of $or relationship." },
        { "{\"$or\":[{\"prefix\":[1]},{\"a\":[1]}]}", "{}", REJECTED,
          "prefix is Ruler reserved fieldName which cannot be used inside $or." },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(a_bad_pattern_is_refused_in_the_engines_words)
{
    static const struct row rows[] = {
        { "null", "{}", REJECTED, "Filter is not an object" },
        { "\"x\"", "{}", REJECTED, "Filter is not an object" },
        { "", "{}", REJECTED, "Filter is not an object" },
        { "[{\"eventName\": [\"INSERT\"=123}]", "{}", REJECTED, "Filter is not an object" },
        { "{}", "{}", REJECTED, "Empty objects are not allowed" },
        { "{\"a\":{}}", "{}", REJECTED, "Empty objects are not allowed" },
        { "{\"a\":[]}", "{}", REJECTED, "Empty arrays are not allowed" },
        { "{\"int\":42}", "{}", REJECTED, "\"int\" must be an object or an array" },
        { "{\"a\":null}", "{}", REJECTED, "\"a\" must be an object or an array" },
        { "{\"a\":[[1]]}", "{}", REJECTED,
          "Match value must be String, number, true, false, or null" },
        { "{\"a\":[{}]}", "{}", REJECTED, "Match expression name not found" },
        { "{\"a\":[{\"EXISTS\":true}]}", "{}", REJECTED, "Unrecognized match type EXISTS" },
        { "{\"a\":[{\"exists\":\"true\"}]}", "{}", REJECTED,
          "exists match pattern must be either true or false." },
        { "{\"a\":[{\"exists\":true,\"prefix\":\"x\"}]}", "{}", REJECTED,
          "Only one key allowed in match expression" },
        { "{\"a\":[{\"prefix\":1}]}", "{}", REJECTED, "prefix match pattern must be a string" },
        { "{\"a\":[{\"prefix\":{\"x\":\"y\"}}]}", "{}", REJECTED,
          "Unsupported prefix pattern: x" },
        { "{\"a\":[{\"prefix\":{}}]}", "{}", REJECTED, "Prefix expression name not found" },
        { "{\"a\":[{\"suffix\":{\"equals-ignore-case\":1}}]}", "{}", REJECTED,
          "equals-ignore-case match pattern must be a string" },
        { "{\"a\":[{\"suffix\":null}]}", "{}", REJECTED,
          "suffix match pattern must be a string" },
        { "{\"a\":[{\"wildcard\":\"a**b\"}]}", "{}", REJECTED,
          "Consecutive wildcard characters at pos 2" },
        { "{\"a\":[{\"wildcard\":\"a\\\\b\"}]}", "{}", REJECTED,
          "Invalid escape character at pos 2" },
        { "{\"a\":[{\"wildcard\":\"a\\\\\"}]}", "{}", REJECTED,
          "Invalid escape character at pos 2" },
        { "{\"a\":[{\"cidr\":5}]}", "{}", REJECTED, "prefix match pattern must be a string" },
        { "{\"a\":[{\"cidr\":\"10.0.0.0\"}]}", "{}", REJECTED,
          "Malformed CIDR, one '/' required" },
        { "{\"a\":[{\"cidr\":\"10.0.0.0/x\"}]}", "{}", REJECTED,
          "Malformed CIDR, mask bits must be an integer" },
        { "{\"a\":[{\"cidr\":\"10.0.0.0/-1\"}]}", "{}", REJECTED,
          "Malformed CIDR, mask bits must not be negative" },
        { "{\"a\":[{\"cidr\":\"10.0.0.0/32\"}]}", "{}", REJECTED,
          "IPv4 mask bits must be < 32" },
        { "{\"a\":[{\"cidr\":\"::/128\"}]}", "{}", REJECTED, "IPv6 mask bits must be < 128" },
        { "{\"a\":[{\"cidr\":\"300.0.0.0/8\"}]}", "{}", REJECTED,
          "Invalid IP address: 300.0.0.0" },
        { "{\"a\":[{\"cidr\":\"xx.11.xx/8\"}]}", "{}", REJECTED,
          "Nonstandard IP address: xx.11.xx" },
        { "{\"a\":[{\"numeric\":5}]}", "{}", REJECTED, "Value of numeric must be an array." },
        { "{\"a\":[{\"numeric\":[]}]}", "{}", REJECTED, "Invalid member in numeric match: ]" },
        { "{\"a\":[{\"numeric\":[5]}]}", "{}", REJECTED, "Invalid member in numeric match: 5" },
        { "{\"a\":[{\"numeric\":[\"!=\",5]}]}", "{}", REJECTED,
          "Unrecognized numeric range operator: !=" },
        { "{\"a\":[{\"numeric\":[\"=\",\"5\"]}]}", "{}", REJECTED,
          "Value of equals must be numeric" },
        { "{\"a\":[{\"numeric\":[\">\"]}]}", "{}", REJECTED, "Value of > must be numeric" },
        { "{\"a\":[{\"numeric\":[\"=\",5,\"<\",7]}]}", "{}", REJECTED,
          "Too many elements in numeric expression" },
        { "{\"a\":[{\"numeric\":[\">\",0,\">\",0]}]}", "{}", REJECTED,
          "Bad numeric range operator: >" },
        { "{\"a\":[{\"numeric\":[\">\",0,5]}]}", "{}", REJECTED,
          "Bad value in numeric range: 5" },
        { "{\"a\":[{\"numeric\":[\">\",0,\"<\"]}]}", "{}", REJECTED,
          "Value of < must be numeric" },
        { "{\"a\":[{\"numeric\":[\">\",0,\"<\",5,\"<\",6]}]}", "{}", REJECTED,
          "Too many terms in numeric range expression" },
        { "{\"a\":[{\"numeric\":[\">\",5,\"<\",5]}]}", "{}", REJECTED,
          "Bottom must be less than top" },
        { "{\"a\":[{\"numeric\":[\">\",1e12]}]}", "{}", REJECTED,
          "Value must be between -5.0E11 and 5.0E11, inclusive" },
        { "{\"a\":[{\"anything-but\":true}]}", "{}", REJECTED,
          "Value of anything-but must be an array or single string/number value." },
        { "{\"a\":[{\"anything-but\":[\"x\",null]}]}", "{}", REJECTED,
          "Inside anything but list, start|null|boolean is not supported." },
        { "{\"a\":[{\"anything-but\":[\"x\",1]}]}", "{}", REJECTED,
          "Inside anything but list, either all values are number or string, mixed type is not "
          "supported" },
        { "{\"a\":[{\"anything-but\":[]}]}", "{}", REJECTED,
          "Inside anything but list, either all values are number or string, mixed type is not "
          "supported" },
        { "{\"a\":[{\"anything-but\":{\"exists\":true}}]}", "{}", REJECTED,
          "Unsupported anything-but pattern: exists" },
        { "{\"a\":[{\"anything-but\":{}}]}", "{}", REJECTED,
          "Anything-But expression name not found" },
        { "{\"a\":[{\"anything-but\":{\"prefix\":\"\"}}]}", "{}", REJECTED,
          "Null prefix/suffix not allowed" },
        { "{\"a\":[{\"anything-but\":{\"suffix\":[1]}}]}", "{}", REJECTED,
          "prefix/suffix match pattern must be a string" },
        { "{\"a\":[{\"anything-but\":{\"wildcard\":1}}]}", "{}", REJECTED,
          "wildcard match pattern must be a string" },
        { "{\"a\":[{\"anything-but\":{\"prefix\":{\"equals-ignore-case\":\"x\"}}}]}", "{}",
          REJECTED, "Value of anything-but must be an array or single string/number value." },
        { "{\"a\":[{\"anything-but\":{\"equals-ignore-case\":[1]}}]}", "{}", REJECTED,
          "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
          "supported." },
        { "{\"a\":[1", "{}", REJECTED, "Pattern is not JSON: mistake at byte 7" },
        { "{\"a\":[1]} x", "{}", REJECTED, NULL },
        { "{\"a\":[01]}", "{}", REJECTED, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

static const char too_complex[] =
    "Rule is too complex - try using fewer wildcard characters or "
    "fewer repeating character sequences after a wildcard character";

START_TEST(wildcards_that_are_too_complex_together_are_refused)
{
    static const struct row rows[] = {
        { "{\"a\":[{\"wildcard\":\"*:*:*:*:*:event-bus/*\"}]}", "{}", REJECTED, too_complex },
        { "{\"a\":[{\"wildcard\":\"arn:*:*:event-bus/*\"}]}",
          "{\"a\":\"arn:aws:x:event-bus/y\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"*:stack/A/*\"},{\"wildcard\":\"*:stack/B/*\"},"
          "{\"wildcard\":\"*:stack/C/*\"}]}",
          "{\"a\":\"x:stack/B/\"}", MATCH, NULL },
        { "{\"a\":[{\"wildcard\":\"*:stack/A/*\"},{\"wildcard\":\"*:stack/B/*\"},"
          "{\"wildcard\":\"*:stack/C/*\"},{\"wildcard\":\"*:stack/D/*\"}]}",
          "{}", REJECTED, too_complex },
        { "{\"a\":[{\"anything-but\":{\"wildcard\":[\"*.a\",\"*.b\",\"*.c\",\"*.d\",\"*.e\","
          "\"*.f\"]}}]}",
          "{\"a\":\"x.c\"}", NO_MATCH, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

START_TEST(an_event_that_is_no_object_is_said_to_be_none)
{
    static const struct row rows[] = {
        { "{\"a\":[1]}", "[]", BAD_EVENT, NULL },
        { "{\"a\":[1]}", "", BAD_EVENT, NULL },
        { "{\"a\":[1]}", "{\"a\":1", BAD_EVENT, NULL },
        { "{\"a\":[1]}", "{\"a\":1} x", BAD_EVENT, NULL },
        { "{\"a\":[1]}", "{\"b\":\"\xff\"}", BAD_EVENT, NULL },
    };
    CHECK_ALL(rows);
}
END_TEST

/* ---- hostile ones ---- */

START_TEST(alternatives_without_end_are_refused)
{
    mr_auto_buf struct mr_buf pattern = { 0 };
    struct mr_error err = { 0 };
    mr_buf_append_byte(&pattern, '{');
    for (int i = 0; i < 60; i++) {
        mr_buf_printf(&pattern, "%s\"k%d\":{\"$or\":[{\"a\":[1]},{\"b\":[1]}]}",
                      i > 0 ? "," : "", i);
    }
    mr_buf_append_byte(&pattern, '}');

    ck_assert_int_eq(judge(mr_buf_slice(&pattern), MR_SLICE("{}"), &err), REJECTED);
    ck_assert_ptr_nonnull(strstr(err.text, "Rule is too complex"));
}
END_TEST

START_TEST(a_pattern_over_4096_characters_or_64_levels_is_refused)
{
    mr_auto_buf struct mr_buf longer = { 0 }, deeper = { 0 };
    struct mr_error err = { 0 };
    mr_buf_append_str(&longer, "{\"a\":[\"");
    for (int i = 0; i < 4096; i++) {
        mr_buf_append_byte(&longer, 'x');
    }
    mr_buf_append_str(&longer, "\"]}");
    for (int i = 0; i < 500; i++) {
        mr_buf_append_str(&deeper, "{\"a\":");
    }

    ck_assert_int_eq(judge(mr_buf_slice(&longer), MR_SLICE("{}"), &err), REJECTED);
    ck_assert_ptr_nonnull(strstr(err.text, "4096"));
    ck_assert_int_eq(judge(mr_buf_slice(&deeper), MR_SLICE("{}"), &err), REJECTED);
}
END_TEST

START_TEST(a_large_array_is_searched_in_little_time)
{
    mr_auto_buf struct mr_buf event = { 0 };
    mr_buf_append_str(&event, "{\"l\":[");
    for (int i = 0; i < 50000; i++) {
        mr_buf_printf(&event, "%s{\"a\":%d,\"b\":%d}", i > 0 ? "," : "", i % 2, (i + 1) % 2);
    }
    mr_buf_append_str(&event, "]}");

    struct mr_slice pattern = MR_SLICE("{\"l\":{\"a\":[1],\"b\":[1]}}");
    ck_assert_int_eq(judge(pattern, mr_buf_slice(&event), NULL), NO_MATCH);
}
END_TEST

START_TEST(arrays_that_have_nothing_to_do_with_each_other_are_not_multiplied)
{
    mr_auto_buf struct mr_buf event = { 0 };
    mr_buf_append_byte(&event, '{');
    for (char key = 'a'; key < 'g'; key++) {
        mr_buf_printf(&event, "\"%c\":[", key);
        for (int i = 0; i < 200; i++) {
            mr_buf_append_str(&event, "{\"x\":1},");
        }
        mr_buf_append_str(&event, "{\"y\":1}],");
    }
    mr_buf_append_str(&event, "\"z\":1}");
    struct mr_slice pattern = MR_SLICE("{\"a\":{\"x\":[1]},\"b\":{\"x\":[1]},\"c\":{\"x\":[1]},"
                                       "\"d\":{\"x\":[1]},\"e\":{\"x\":[1]},"
                                       "\"f\":{\"x\":[1],\"y\":[1]}}");

    ck_assert_int_eq(judge(pattern, mr_buf_slice(&event), NULL), NO_MATCH);
}
END_TEST

/* ---- a mapping's filter ---- */

static struct mr_record
record_of(const char *data, char *base64)
{
    struct mr_slice text = mr_slice_str(data);
    size_t size = mr_base64_encode(text, (uint8_t *)base64);
    return (struct mr_record){ .sequence_number = MR_SLICE("4968"),
                               .partition_key = MR_SLICE("k\\u00e9y"),
                               .data = mr_slice_of(base64, size),
                               .arrival_ms = 1545084650987 };
}

static const struct {
    const char *pattern, *data;
    bool pass;
} records[] = {
    { "{\"data\":{\"type\":[\"order\"]}}", "{\"type\":\"order\"}", true },
    { "{\"data\":{\"type\":[\"order\"]}}", "{\"type\":\"ping\"}", false },
    { "{\"data\":{\"type\":[\"order\"]}}", "not json", false },
    { "{\"data\":{\"type\":[{\"exists\":false}]}}", "not json", false },
    { "{\"data\":{\"type\":[{\"exists\":false}]}}", "5", true },
    { "{\"data\":{\"type\":[{\"exists\":false}]}}", "{}", true },
    { "{\"partitionKey\":[\"k\xc3\xa9y\"]}", "not json", true },
    { "{\"partitionKey\":[\"other\"]}", "{}", false },
    { "{\"kinesis\":{\"partitionKey\":[\"k\xc3\xa9y\"]}}", "{}", false },
    { "{\"sequenceNumber\":[\"4968\"],\"kinesisSchemaVersion\":[\"1.0\"]}", "{}", true },
    { "{\"approximateArrivalTimestamp\":[{\"numeric\":[\">\",1545084650.986]}]}", "x", true },
    { "{\"eventSource\":[\"aws:kinesis\"],\"awsRegion\":[\"eu-west-1\"]}", "x", true },
    { "{\"eventID\":[\"shardId-000000000000:4968\"]}", "x", true },
    { "{\"$or\":[{\"data\":{\"a\":[1]}},{\"partitionKey\":[{\"prefix\":\"k\"}]}]}", "x", true },
};

START_TEST(a_record_is_filtered_by_its_data_and_what_comes_with_it)
{
    mr_auto_arena struct mr_arena scratch = { 0 };
    struct mr_filter_source source = { .region = MR_SLICE("eu-west-1") };
    struct mr_slice pattern = mr_slice_str(records[_i].pattern);
    mr_auto(mr_filter_free) struct mr_filter *filter =
        mr_filter_new(&pattern, 1, &source, NULL);
    char base64[100];
    struct mr_record record = record_of(records[_i].data, base64);

    ck_assert_ptr_nonnull(filter);
    ck_assert_int_eq(
        mr_filter_pass(filter, &record, MR_SLICE("shardId-000000000000"), &scratch),
        records[_i].pass);
}
END_TEST

START_TEST(a_record_passes_when_any_filter_matches)
{
    mr_auto_arena struct mr_arena scratch = { 0 };
    struct mr_filter_source source = { 0 };
    struct mr_slice patterns[] = { MR_SLICE("{\"data\":{\"a\":[1]}}"),
                                   MR_SLICE("{\"data\":{\"b\":[1]}}") };
    mr_auto(mr_filter_free) struct mr_filter *two = mr_filter_new(patterns, 2, &source, NULL);
    mr_auto(mr_filter_free) struct mr_filter *none = mr_filter_new(patterns, 0, &source, NULL);
    char base64[100];

    struct mr_record b = record_of("{\"b\":1}", base64);
    ck_assert(mr_filter_pass(two, &b, MR_SLICE("s"), &scratch));
    struct mr_record c = record_of("{\"c\":1}", base64);
    ck_assert(!mr_filter_pass(two, &c, MR_SLICE("s"), &scratch));
    ck_assert(mr_filter_pass(none, &c, MR_SLICE("s"), &scratch));
}
END_TEST

START_TEST(a_bad_filter_is_named_by_its_number)
{
    struct mr_filter_source source = { 0 };
    struct mr_slice patterns[] = { MR_SLICE("{\"data\":{\"a\":[1]}}"), MR_SLICE("{\"a\":1}") };
    struct mr_slice bare = MR_SLICE("{\"data\":[\"x\"]}");
    struct mr_error err = { 0 };

    ck_assert_ptr_null(mr_filter_new(patterns, 2, &source, &err));
    ck_assert_str_eq(err.text, "filter 2: \"a\" must be an object or an array");
    ck_assert_ptr_null(mr_filter_new(&bare, 1, &source, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "\"data\" must be an object"));
}
END_TEST

START_TEST(an_explanation_names_the_clause_that_failed)
{
    mr_auto_arena struct mr_arena scratch = { 0 };
    mr_auto_buf struct mr_buf lines = { 0 };
    mr_auto(mr_pattern_free) struct mr_pattern *pattern = mr_pattern_new(
        MR_SLICE("{\"a\":[\"x\"],\"b\":{\"c\":[{\"numeric\":[\">\",5]}]},\"d\":[1]}"), NULL);

    ck_assert_int_eq(mr_pattern_explain(pattern, MR_SLICE("{\"a\":\"x\",\"b\":{\"c\":[3,4]}}"),
                                        &scratch, &lines),
                     MR_PATTERN_NO_MATCH);

    ck_assert_str_eq(mr_buf_cstr(&lines), "b.c: wanted [{\"numeric\":[\">\",5]}], found 3, 4\n"
                                          "d: wanted [1], nothing is there\n");
}
END_TEST

START_TEST(an_explanation_says_when_the_clauses_do_not_meet_in_one_element)
{
    mr_auto_arena struct mr_arena scratch = { 0 };
    mr_auto_buf struct mr_buf lines = { 0 };
    mr_auto(mr_pattern_free) struct mr_pattern *pattern =
        mr_pattern_new(MR_SLICE("{\"l\":{\"a\":[1],\"b\":[2]}}"), NULL);

    mr_pattern_explain(pattern, MR_SLICE("{\"l\":[{\"a\":1},{\"b\":2}]}"), &scratch, &lines);

    ck_assert_str_eq(mr_buf_cstr(&lines),
                     "no one element of an array satisfies all of: l.a, l.b\n");
}
END_TEST

/* ---- recorded on AWS, where the cases are at hand ---- */

static void
check_case(struct mr_slice line)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_json json = mr_json_of(line);
    struct mr_slice key, name = { 0 }, pattern = { 0 }, event = { 0 }, verdict = { 0 },
                         reason = { 0 };
    struct mr_error err = { 0 };

    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        struct mr_slice *member = mr_slice_is(key, "name")      ? &name
                                  : mr_slice_is(key, "pattern") ? &pattern
                                  : mr_slice_is(key, "event")   ? &event
                                  : mr_slice_is(key, "verdict") ? &verdict
                                                                : &reason;
        ck_assert(mr_json_string(&json, &arena, member));
    }
    enum verdict found = judge(pattern, event, &err);
    enum verdict wanted = mr_slice_is(verdict, "match")      ? MATCH
                          : mr_slice_is(verdict, "no-match") ? NO_MATCH
                                                             : REJECTED;
    ck_assert_msg(found == wanted, "%.*s: verdict %d, not %d (%s)", MR_SLICE_ARGS(name), found,
                  wanted, err.text);
    if (wanted == REJECTED) {
        ck_assert_msg(mr_slice_is(reason, err.text), "%.*s: \"%s\", not \"%.*s\"",
                      MR_SLICE_ARGS(name), err.text, MR_SLICE_ARGS(reason));
    }
}

START_TEST(verdicts_recorded_on_aws_hold)
{
    const char *cases = getenv("MILLRACE_CASES");
    char path[512], *line = NULL;
    size_t size = 0;
    ssize_t length;
    int count = 0;
    snprintf(path, sizeof(path), "%s/filter-patterns.jsonl", cases != NULL ? cases : MR_CASES);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("no %s: the recorded verdicts are left out\n", path);
        return;
    }

    for (; (length = getline(&line, &size, file)) > 0; count++) {
        check_case(mr_slice_of(line, (size_t)length));
    }

    ck_assert_int_gt(count, 0);
    free(line);
    fclose(file);
}
END_TEST

MR_SUITE("poller.filter", MR_TEST(equality_is_exact_and_knows_types),
         MR_TEST(numbers_are_compared_exactly_however_they_are_written),
         MR_TEST(existence_is_asked_of_leaves),
         MR_TEST(anything_but_wants_a_value_and_none_of_these),
         MR_TEST(strings_are_matched_by_their_ends_their_case_and_wildcards),
         MR_TEST(addresses_are_compared_as_addresses),
         MR_TEST(of_an_array_of_objects_one_element_must_satisfy_all),
         MR_TEST(keys_may_be_joined_by_dots_on_either_side),
         MR_TEST(the_last_of_two_equal_keys_counts), MR_TEST(escapes_are_read_on_both_sides),
         MR_TEST(or_joins_alternatives_and_goes_with_its_siblings),
         MR_TEST(a_bad_pattern_is_refused_in_the_engines_words),
         MR_TEST(wildcards_that_are_too_complex_together_are_refused),
         MR_TEST(an_event_that_is_no_object_is_said_to_be_none),
         MR_TEST(alternatives_without_end_are_refused),
         MR_TEST(a_pattern_over_4096_characters_or_64_levels_is_refused),
         MR_TEST(a_large_array_is_searched_in_little_time),
         MR_TEST(arrays_that_have_nothing_to_do_with_each_other_are_not_multiplied),
         MR_TEST_LOOP(a_record_is_filtered_by_its_data_and_what_comes_with_it,
                      (int)(sizeof(records) / sizeof(records[0]))),
         MR_TEST(a_record_passes_when_any_filter_matches),
         MR_TEST(a_bad_filter_is_named_by_its_number),
         MR_TEST(an_explanation_names_the_clause_that_failed),
         MR_TEST(an_explanation_says_when_the_clauses_do_not_meet_in_one_element),
         MR_TEST(verdicts_recorded_on_aws_hold))
