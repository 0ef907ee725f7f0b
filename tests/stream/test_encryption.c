#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "stream/block.h"
#include "stream/checksum.h"
#include "stream/cipher.h"
#include "stream/wire.h"
#include "tests/stream/fixture.h"

static const char key_a[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static const char key_b[] = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

static struct mr_master_keys *
keys_of(const char *first, const char *second)
{
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_error err = { 0 };
    mr_buf_printf(&text, "# current\n%s\n%s\n", first, second);
    struct mr_master_keys *keys = mr_master_keys_parse(mr_buf_slice(&text), &err);
    ck_assert_msg(keys != NULL, "%s", err.text);
    return keys;
}

static struct mr_store_options
options_of(const char *directory, const struct mr_master_keys *keys)
{
    return (struct mr_store_options){ .directory = directory,
                                      .durability = MR_DURABILITY_OS,
                                      .segment_bytes = 1024 * 1024,
                                      .master_keys = keys };
}

/* Do the journal's files hold that text anywhere? */
static bool
on_disk(const char *directory, const char *text)
{
    char command[256];
    snprintf(command, sizeof(command), "grep -aq '%s' %s/*.journal", text, directory);
    return system(command) == 0;
}

static void
put_text(struct mr_store *store, const char *text)
{
    struct mr_put_result result;
    ck_assert_int_eq(put(store, "s", "the-key", text, &result), 0);
}

/* All records of the only shard, one behind the other. */
static void
read_all(struct mr_store *store, struct mr_buf *out)
{
    struct mr_store_batch batch = { 0 };
    uint64_t position = 0;
    mr_buf_clear(out);
    do {
        ck_assert_int_eq(
            mr_store_read(store, uid_of(store, "s", 0), position, 100, 1 << 20, &batch, NULL),
            0);
        for (size_t i = 0; i < batch.count; i++) {
            mr_buf_append_slice(out, batch.records[i].data);
            mr_buf_append_byte(out, ' ');
        }
        position = batch.next;
    } while (batch.count > 0);
    mr_store_batch_release(&batch);
}

START_TEST(encrypted_records_are_read_and_stand_nowhere_on_the_disk)
{
    char *directory = make_directory();
    mr_auto(mr_master_keys_close) struct mr_master_keys *keys = keys_of(key_a, "");
    struct mr_store *store = open_with(options_of(directory, keys));
    mr_auto_buf struct mr_buf text = { 0 };
    ck_assert_int_eq(create(store, "s", 1), 0);

    put_text(store, "open-words");
    ck_assert(mr_store_encrypt(store, true));
    put_text(store, "secret-words");
    ck_assert(mr_store_encrypt(store, false));
    put_text(store, "open-again");

    mr_store_close(store);
    ck_assert(on_disk(directory, "open-words"));
    ck_assert(on_disk(directory, "open-again"));
    ck_assert(!on_disk(directory, "secret-words"));
    store = open_with(options_of(directory, keys));
    read_all(store, &text);
    ck_assert_str_eq(mr_buf_cstr(&text), "open-words secret-words open-again ");
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

/* As after a kill: no index, so that the segment is scanned. */
START_TEST(an_encrypted_segment_is_recovered_by_a_scan)
{
    char *directory = make_directory(), command[256];
    mr_auto(mr_master_keys_close) struct mr_master_keys *keys = keys_of(key_a, "");
    struct mr_store *store = open_with(options_of(directory, keys));
    mr_auto_buf struct mr_buf text = { 0 };
    ck_assert_int_eq(create(store, "s", 1), 0);
    mr_store_encrypt(store, true);
    put_text(store, "one");
    put_text(store, "two");
    mr_store_close(store);
    snprintf(command, sizeof(command), "rm %s/*.index", directory);
    ck_assert_int_eq(system(command), 0);

    store = open_with(options_of(directory, keys));

    read_all(store, &text);
    ck_assert_str_eq(mr_buf_cstr(&text), "one two ");
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(a_master_key_is_rotated_by_a_new_line_above_it)
{
    char *directory = make_directory();
    mr_auto(mr_master_keys_close) struct mr_master_keys *old = keys_of(key_a, "");
    mr_auto(mr_master_keys_close) struct mr_master_keys *both = keys_of(key_b, key_a);
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_store *store = open_with(options_of(directory, old));
    ck_assert_int_eq(create(store, "s", 1), 0);
    mr_store_encrypt(store, true);
    put_text(store, "under-a");
    mr_store_close(store);

    store = open_with(options_of(directory, both));
    mr_store_encrypt(store, true);
    put_text(store, "under-b");
    read_all(store, &text);

    ck_assert_str_eq(mr_buf_cstr(&text), "under-a under-b ");
    mr_store_close(store);
    struct mr_store_options options = options_of(directory, old);
    struct mr_error err = { 0 };
    ck_assert_ptr_null(mr_store_open(&options, &err)); /* the new key alone opens the new one */
    ck_assert_int_eq(err.code, -EKEYREJECTED);
    remove_directory(directory);
}
END_TEST

/* 0: a wrong key; 1: none at all. */
START_TEST(without_its_key_a_segment_is_refused_with_a_sentence)
{
    char *directory = make_directory();
    mr_auto(mr_master_keys_close) struct mr_master_keys *right = keys_of(key_a, "");
    mr_auto(mr_master_keys_close) struct mr_master_keys *wrong = keys_of(key_b, "");
    struct mr_store *store = open_with(options_of(directory, right));
    struct mr_error err = { 0 };
    ck_assert_int_eq(create(store, "s", 1), 0);
    mr_store_encrypt(store, true);
    put_text(store, "words");
    mr_store_close(store);

    struct mr_store_options options = options_of(directory, _i == 0 ? wrong : NULL);
    store = mr_store_open(&options, &err);

    ck_assert_ptr_null(store);
    ck_assert_int_eq(err.code, -EKEYREJECTED);
    ck_assert_ptr_nonnull(strstr(err.text, "0000000001.journal: it is encrypted under a master "
                                           "key that was not given"));
    store = open_with(options_of(directory, right)); /* and nothing was lost */
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(without_a_master_key_nothing_pretends_to_encrypt)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);

    ck_assert(!mr_store_encrypt(store, true));

    ck_assert(mr_store_encrypt(store, false));
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(a_changed_block_is_refused_though_its_checksum_is_mended)
{
    mr_auto(mr_master_keys_close) struct mr_master_keys *keys = keys_of(key_a, "");
    uint8_t wrapped[MR_WRAPPED_KEY_SIZE], data[256] = { 0 }, secret[256], copy[256];
    struct mr_cipher *cipher = mr_cipher_new(keys, 7, wrapped);
    struct mr_block_record record = { .uid = 1,
                                      .partition_key = MR_SLICE("key"),
                                      .data = MR_SLICE("some words") };
    size_t size = MR_BLOCK_HEADER + mr_block_record_size(3, 10);
    struct mr_block_header header = {
        .size = (uint32_t)size, .records = 1, .sequence = 3, .segment = 7
    };
    mr_block_put_record(data + MR_BLOCK_HEADER, &record);
    mr_block_seal_secret(data, &header, cipher, secret);

    for (size_t i = MR_BLOCK_HEADER; i < size; i++) {
        memcpy(copy, secret, sizeof(copy));
        copy[i] ^= 1;
        mr_put_u32(copy + 4, mr_checksum(copy + 8, size - 8));
        ck_assert(!mr_block_open(copy, size, 7, cipher, &header));
    }

    memcpy(copy, secret, sizeof(copy));
    ck_assert(mr_block_open(copy, size, 7, cipher, &header));
    ck_assert_mem_eq(copy + MR_BLOCK_HEADER, data + MR_BLOCK_HEADER, size - MR_BLOCK_HEADER);
    mr_cipher_free(cipher);
}
END_TEST

static const struct {
    const char *text, *complaint;
} bad_keys[] = {
    { "", "there is no master key in it" },
    { "# only a comment\n", "there is no master key in it" },
    { "00112233\n", "line 1 of the master keys is not 64 hex digits" },
    { "\n\nzz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "line 3 of" },
};

START_TEST(text_that_is_no_key_is_refused_by_its_line)
{
    struct mr_error err = { 0 };

    struct mr_master_keys *keys = mr_master_keys_parse(mr_slice_str(bad_keys[_i].text), &err);

    ck_assert_ptr_null(keys);
    ck_assert_int_eq(err.code, -EINVAL);
    ck_assert_msg(strstr(err.text, bad_keys[_i].complaint) != NULL, "%s", err.text);
}
END_TEST

START_TEST(keys_come_from_a_private_file_or_a_command)
{
    char *directory = make_directory(), path[128], command[512];
    struct mr_error err = { 0 };
    snprintf(path, sizeof(path), "%s/keys", directory);
    snprintf(command, sizeof(command), "echo %s > %s; chmod 644 %s", key_a, path, path);
    ck_assert_int_eq(system(command), 0);

    ck_assert_ptr_null(mr_master_keys_open(path, NULL, &err));
    ck_assert_int_eq(err.code, -EPERM);
    ck_assert_int_eq(chmod(path, 0600), 0);
    struct mr_master_keys *keys = mr_master_keys_open(path, NULL, &err);
    ck_assert_ptr_nonnull(keys);
    mr_master_keys_close(keys);

    snprintf(command, sizeof(command), "cat %s", path);
    keys = mr_master_keys_open(NULL, command, &err);
    ck_assert_ptr_nonnull(keys);
    mr_master_keys_close(keys);
    ck_assert_ptr_null(mr_master_keys_open(NULL, "exit 3", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "ended with status 3"));
    remove_directory(directory);
}
END_TEST

MR_SUITE("stream.encryption", MR_TEST(encrypted_records_are_read_and_stand_nowhere_on_the_disk),
         MR_TEST(an_encrypted_segment_is_recovered_by_a_scan),
         MR_TEST(a_master_key_is_rotated_by_a_new_line_above_it),
         MR_TEST_LOOP(without_its_key_a_segment_is_refused_with_a_sentence, 2),
         MR_TEST(without_a_master_key_nothing_pretends_to_encrypt),
         MR_TEST(a_changed_block_is_refused_though_its_checksum_is_mended),
         MR_TEST_LOOP(text_that_is_no_key_is_refused_by_its_line,
                      sizeof(bad_keys) / sizeof(bad_keys[0])),
         MR_TEST(keys_come_from_a_private_file_or_a_command))
