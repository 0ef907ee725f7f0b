/*
 * input: records from arguments, files and pipes, one after the other.
 *
 * A record is a line, a value of JSON text, or a whole file. Lines are read as
 * they come, so a pipe may stay open for days; JSON and whole files are read
 * into memory first, with a bound.
 */
#ifndef MR_CLI_INPUT_H
#define MR_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/slice.h"

enum mr_record_input_form {
    MR_INPUT_LINES, /* without their newline; empty ones are left out */
    MR_INPUT_JSON,  /* values one behind the other, or the elements of one array */
    MR_INPUT_WHOLE, /* each file is one record */
};

enum {
    MR_INPUT_MAX_RECORD_BYTES = 10 * 1024 * 1024, /* Kinesis's largest */
    MR_INPUT_MAX_FILE_BYTES = 256 * 1024 * 1024,  /* of JSON */
};

struct mr_record_input {
    enum mr_record_input_form form;
    const char *const *paths; /* the caller's; "-" is stdin; ends in NULL */
    size_t path;              /* the next one */
    int fd;                   /* -1: none is open */
    const char *name;         /* of the open one */
    struct mr_buf buf;
    size_t taken; /* bytes of `buf` that were given out */
    bool at_end;
    bool json_begun, json_array;
    struct mr_json json;
    size_t line; /* of the open one, from 1 */
};

/* `paths` outlives the input. */
void mr_record_input_init(struct mr_record_input *input, enum mr_record_input_form form,
                          const char *const *paths);
void mr_record_input_deinit(struct mr_record_input *input);
#define mr_auto_input __attribute__((cleanup(mr_record_input_deinit)))

/*
 * 1 with the next record, valid until the next call; 0 when there are no more; negative with
 * `err`. Waits for a slow writer.
 */
int mr_record_input_next(struct mr_record_input *input, struct mr_slice *out_record,
                         struct mr_error *err);

/* Would the next call have to wait for a writer? Then it is time to send what is gathered. */
bool mr_record_input_would_wait(const struct mr_record_input *input);

/* All of a file ("-": stdin) appended to `out`; -EFBIG over `max_bytes`. */
int mr_record_input_read_file(const char *path, size_t max_bytes, struct mr_buf *out,
                              struct mr_error *err);

#endif
