#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "control/state.h"
#include "tests/suite.h"

static char path[64];

static void
setup(void)
{
    snprintf(path, sizeof(path), "/tmp/millrace-state-XXXXXX");
    close(mkstemp(path));
    unlink(path);
}

static struct mr_state *
opened(void)
{
    struct mr_error err = { 0 };
    struct mr_state *state = mr_state_open(path, &err);
    ck_assert_msg(state != NULL, "%s", err.text);
    return state;
}

static void
write_at(long offset, const char *bytes)
{
    FILE *file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    fseek(file, offset, SEEK_SET);
    fwrite(bytes, 1, strlen(bytes), file);
    fclose(file);
}

START_TEST(what_was_put_is_there_after_a_restart_in_its_order)
{
    setup();
    struct mr_state *state = opened();
    struct mr_error err = { 0 };
    json_t *one = json_pack("{s:i}", "n", 1), *two = json_pack("{s:i}", "n", 2);
    ck_assert_int_eq(mr_state_put(state, MR_STATE_FUNCTION, "b", one, &err), 0);
    ck_assert_int_eq(mr_state_put(state, MR_STATE_FUNCTION, "a", two, &err), 0);
    json_object_set_new(one, "n", json_integer(3));
    ck_assert_int_eq(mr_state_put(state, MR_STATE_FUNCTION, "b", one, &err), 0);
    mr_state_close(state);

    state = opened();

    json_t *all = mr_state_all(state, MR_STATE_FUNCTION);
    ck_assert_str_eq(json_object_iter_key(json_object_iter(all)), "b");
    ck_assert_int_eq(
        json_integer_value(json_object_get(mr_state_get(state, MR_STATE_FUNCTION, "b"), "n")),
        3);
    ck_assert_ptr_null(mr_state_get(state, MR_STATE_MAPPING, "b"));
    json_decref(one);
    json_decref(two);
    mr_state_close(state);
    unlink(path);
}
END_TEST

START_TEST(what_was_deleted_is_gone)
{
    setup();
    struct mr_state *state = opened();
    struct mr_error err = { 0 };
    json_t *one = json_object();
    ck_assert_int_eq(mr_state_put(state, MR_STATE_LAYER, "l", one, &err), 0);

    ck_assert_int_eq(mr_state_delete(state, MR_STATE_LAYER, "l", &err), 0);

    ck_assert_ptr_null(mr_state_get(state, MR_STATE_LAYER, "l"));
    mr_state_close(state);
    state = opened();
    ck_assert_ptr_null(mr_state_get(state, MR_STATE_LAYER, "l"));
    json_decref(one);
    mr_state_close(state);
    unlink(path);
}
END_TEST

START_TEST(a_damaged_file_is_one_clear_line)
{
    setup();
    struct mr_error err = { 0 };
    mr_state_close(opened());
    write_at(0, "this is no database");

    ck_assert_ptr_null(mr_state_open(path, &err));

    ck_assert_int_eq(err.code, -EBADMSG);
    ck_assert_ptr_nonnull(strstr(err.text, "is damaged"));
    ck_assert_ptr_null(strchr(err.text, '\n'));
    unlink(path);
}
END_TEST

START_TEST(a_document_that_is_no_json_is_named)
{
    setup();
    struct mr_error err = { 0 };
    sqlite3 *db;
    mr_state_close(opened());
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(db, "INSERT INTO mapping VALUES ('u', 'no json')", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);

    ck_assert_ptr_null(mr_state_open(path, &err));

    ck_assert_int_eq(err.code, -EBADMSG);
    ck_assert_ptr_nonnull(strstr(err.text, "row \"u\" of table mapping"));
    unlink(path);
}
END_TEST

START_TEST(a_newer_file_is_left_alone)
{
    setup();
    struct mr_error err = { 0 };
    sqlite3 *db;
    mr_state_close(opened());
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);

    ck_assert_ptr_null(mr_state_open(path, &err));

    ck_assert_ptr_nonnull(strstr(err.text, "newer Millrace"));
    unlink(path);
}
END_TEST

MR_SUITE("control.state", MR_TEST(what_was_put_is_there_after_a_restart_in_its_order),
         MR_TEST(what_was_deleted_is_gone), MR_TEST(a_damaged_file_is_one_clear_line),
         MR_TEST(a_document_that_is_no_json_is_named), MR_TEST(a_newer_file_is_left_alone))
