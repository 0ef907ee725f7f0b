/* Bytes into nodes: YAML 1.1 as the AWS tools read it, and JSON. */
#include "sam-templates/document.h"
#include "sam-templates/scalar.h"
#include "tests/sam-templates/reading.h"

static unsigned duplicates;

static void
on_duplicate(const struct mr_node *key, const struct mr_node *first, void *context)
{
    (void)key;
    (void)first;
    (void)context;
    duplicates++;
}

static const struct mr_node *
parse(struct mr_arena *arena, const char *text, struct mr_document_error *err)
{
    duplicates = 0;
    return mr_document_parse(arena, mr_slice_str(text), on_duplicate, NULL, err);
}

static const struct {
    const char *text, *json;
} scalars[] = {
    { "yes", "true" },        { "No", "false" },       { "ON", "true" },
    { "off", "false" },       { "True", "true" },      { "y", "\"y\"" },
    { "tRUE", "\"tRUE\"" },   { "~", "null" },         { "", "null" },
    { "Null", "null" },       { "nULL", "\"nULL\"" },  { "0", "0" },
    { "-17", "-17" },         { "+5", "5" },           { "010", "8" },
    { "0o10", "\"0o10\"" },   { "0x1F", "31" },        { "0b101", "5" },
    { "08", "\"08\"" },       { "1_000", "1000" },     { "190:20:30", "685230" },
    { "1:60", "\"1:60\"" },   { "1.5", "1.5" },        { "1.", "1.0" },
    { ".5", "0.5" },          { "1e3", "\"1e3\"" },    { "1.0e+3", "1000.0" },
    { "1.0e3", "\"1.0e3\"" }, { "190:20:30.15", "685230.15" },
    { "2010-09-09", "\"2010-09-09\"" },
    { "2001-12-14t21:59:43.10-05:00", "\"2001-12-14t21:59:43.10-05:00\"" },
    { "012345678901", "\"012345678901\"" },
    { "123456789012", "123456789012" },
    { "99999999999999999999", "99999999999999999999" },
    { "1.2.3", "\"1.2.3\"" }, { "-", "\"-\"" },        { "+", "\"+\"" },
    { "0x", "\"0x\"" },       { "_1", "\"_1\"" },      { "=", "\"=\"" },
};

START_TEST(a_plain_scalar_is_what_yaml_1_1_says)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_node *node = mr_node_new(&arena, MR_NODE_NULL, NULL);

    mr_scalar_resolve(&arena, mr_slice_str(scalars[_i].text), node);

    ck_assert_str_eq(mr_node_json(&arena, node), scalars[_i].json);
}
END_TEST

static const struct {
    const char *text, *json;
} documents[] = {
    { "!Ref a", "{\"Ref\":\"a\"}" },
    { "!Ref 12", "{\"Ref\":\"12\"}" },
    { "!GetAtt a.b.c", "{\"Fn::GetAtt\":[\"a\",\"b.c\"]}" },
    { "!GetAtt a", "{\"Fn::GetAtt\":[\"a\"]}" },
    { "!GetAtt [a, b]", "{\"Fn::GetAtt\":[\"a\",\"b\"]}" },
    { "!Condition c", "{\"Condition\":\"c\"}" },
    { "!Select [1, [yes, b]]", "{\"Fn::Select\":[1,[true,\"b\"]]}" },
    { "!Sub {a: 1}", "{\"Fn::Sub\":{\"a\":1}}" },
    { "!Whatever x", "{\"Fn::Whatever\":\"x\"}" },
    { "!If [c, !Ref a, !Sub '${b}']",
      "{\"Fn::If\":[\"c\",{\"Ref\":\"a\"},{\"Fn::Sub\":\"${b}\"}]}" },
    { "a: &x {k: 1}\nb: *x", "{\"a\":{\"k\":1},\"b\":{\"k\":1}}" },
    { "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}", "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"l\":3,\"k\":1}}" },
    { "b: {<<: [{k: 1}, {k: 2, m: 3}]}", "{\"b\":{\"k\":1,\"m\":3}}" },
    { "'<<': 1", "{\"<<\":1}" },
    { "!!str 12", "\"12\"" },
    { "!!int '12'", "12" },
    { "'12'", "\"12\"" },
    { "! 12", "\"12\"" },
    { "on: 1\n2: x\n", "{\"true\":1,\"2\":\"x\"}" },
    { "a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}" },
    { "a: >-\r\n  x\r\n  y\r\n", "{\"a\":\"x y\"}" },
    { "\xef\xbb\xbf{\"a\":[1,-2.5,1e2,true,null,\"\\u00e9\\/\\ud83d\\ude00\"]}",
      "{\"a\":[1,-2.5,100.0,true,null,\"\xc3\xa9/\xf0\x9f\x98\x80\"]}" },
    { "{\"a\":1,}", "{\"a\":1}" }, /* no JSON, but YAML */
    { "# nothing\n", "null" },
};

START_TEST(a_document_becomes_the_tree_that_pyyaml_would_build)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_document_error err;

    const struct mr_node *root = parse(&arena, documents[_i].text, &err);

    ck_assert_msg(root != NULL, "%s: %s", documents[_i].text, err.text);
    ck_assert_str_eq(mr_node_json(&arena, root), documents[_i].json);
}
END_TEST

static const struct {
    const char *text;
    unsigned line, column;
    const char *words;
} bad[] = {
    { "a: 1\nb: c: d\n", 2, 5, "a second `: `" },
    { "a:\n\t- b\n", 2, 1, "tab" },
    { "a: 1\n---\nb: 2\n", 2, 1, "second document" },
    { "a: *b\n", 1, 4, "anchor" },
    { "a: &x [*x]\n", 1, 8, "inside its own anchor" },
    { "a: !!python/object:os.system x\n", 1, 4, "tag" },
    { "a: [1\n", 2, 1, "did not find" },
    { "? [a]\n: b\n", 1, 3, "key" },
    { "a: 1\nb: \xff\n", 2, 1, "UTF-8" },
    { "<<: 3\n", 1, 5, "<<" },
    { "a: !!int x\n", 1, 4, "does not fit its tag" },
};

START_TEST(a_bad_document_is_refused_where_it_is_bad)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_document_error err;

    const struct mr_node *root = parse(&arena, bad[_i].text, &err);

    ck_assert_ptr_null(root);
    ck_assert_has(err.text, bad[_i].words);
    ck_assert_uint_eq(err.line, bad[_i].line);
    ck_assert_uint_eq(err.column, bad[_i].column);
}
END_TEST

START_TEST(a_key_that_comes_twice_is_told_and_the_last_counts)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_document_error err;

    const struct mr_node *root = parse(&arena, "a: 1\nb: 2\na: 3\n", &err);

    ck_assert_uint_eq(duplicates, 1);
    ck_assert_str_eq(mr_node_json(&arena, root), "{\"a\":3,\"b\":2}");
    parse(&arena, "{\"a\": 1, \"a\": 2}", &err);
    ck_assert_uint_eq(duplicates, 1);
}
END_TEST

START_TEST(nodes_know_where_they_stand)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_document_error err;

    const struct mr_node *yaml = parse(&arena, "a:\n  b: !Ref c\n", &err);
    const struct mr_node *json = parse(&arena, "{\n  \"a\": {\"\xc3\xa9\": 1}\n}", &err);

    const struct mr_node *b = mr_node_get(mr_node_get(yaml, "a"), "b");
    ck_assert_uint_eq(b->line, 2);
    ck_assert_uint_eq(b->column, 6);
    const struct mr_node *key = mr_node_key(mr_node_get(json, "a"), MR_SLICE("\xc3\xa9"));
    ck_assert_uint_eq(key->line, 2);
    ck_assert_uint_eq(key->column, 9);
    ck_assert_uint_eq(mr_node_get(mr_node_get(json, "a"), "\xc3\xa9")->column, 14);
}
END_TEST

START_TEST(aliases_that_multiply_are_bounded)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_document_error err;
    mr_buf_append_str(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        mr_buf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }

    ck_assert_ptr_null(parse(&arena, mr_buf_cstr(&text), &err));

    ck_assert_has(err.text, "aliases");
}
END_TEST

START_TEST(nesting_is_bounded_also_through_aliases)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_document_error err;
    for (int i = 0; i < 200; i++) {
        mr_buf_append_str(&text, "[");
    }
    ck_assert_ptr_null(parse(&arena, mr_buf_cstr(&text), &err));
    ck_assert_has(err.text, "nested");

    mr_buf_clear(&text);
    mr_buf_append_str(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 400; i++) {
        mr_buf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    ck_assert_ptr_null(parse(&arena, mr_buf_cstr(&text), &err));
    ck_assert_has(err.text, "nested");
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

MR_SUITE("sam-templates.document",
         MR_TEST_LOOP(a_plain_scalar_is_what_yaml_1_1_says, COUNT(scalars)),
         MR_TEST_LOOP(a_document_becomes_the_tree_that_pyyaml_would_build, COUNT(documents)),
         MR_TEST_LOOP(a_bad_document_is_refused_where_it_is_bad, COUNT(bad)),
         MR_TEST(a_key_that_comes_twice_is_told_and_the_last_counts),
         MR_TEST(nodes_know_where_they_stand), MR_TEST(aliases_that_multiply_are_bounded),
         MR_TEST(nesting_is_bounded_also_through_aliases))
