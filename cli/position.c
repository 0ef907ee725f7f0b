#include "cli/position.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

enum { SHORTEST_SEQUENCE = 20 }; /* digits; a Unix time has fewer */

static bool
parse_age(const char *text, uint64_t *out_ms)
{
    static const char units[] = "smhd";
    static const uint64_t unit_ms[] = { 1000, 60000, 3600000, 86400000 };
    if (text[0] == '-') {
        text++; /* "-15m" says the same */
    }
    size_t size = strlen(text);
    const char *unit = size < 2 ? NULL : strchr(units, text[size - 1]);
    uint64_t count;
    if (unit == NULL || !mr_slice_to_u64(mr_slice_of(text, size - 1), &count) ||
        count > 1000000) {
        return false;
    }
    *out_ms = count * unit_ms[unit - units];
    return true;
}

static bool
parse_time(const char *text, uint64_t *out_ms)
{
    struct tm tm = { .tm_isdst = -1 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M", &tm);
    if (rest == NULL) {
        return false;
    }
    if (rest[0] == ':') {
        rest = strptime(rest, ":%S", &tm);
    }
    if (rest == NULL || (rest[0] != '\0' && strcmp(rest, "Z") != 0)) {
        return false;
    }
    time_t seconds = rest[0] == 'Z' ? timegm(&tm) : mktime(&tm);
    *out_ms = (uint64_t)seconds * 1000;
    return seconds >= 0;
}

int
mr_position_parse(struct mr_position *out_position, const char *text, struct mr_error *err)
{
    struct mr_position position = { .type = "AT_TIMESTAMP" };
    uint64_t number;
    if (strcasecmp(text, "oldest") == 0 || strcasecmp(text, "trim_horizon") == 0) {
        position.type = "TRIM_HORIZON";
    } else if (strcasecmp(text, "latest") == 0 || strcasecmp(text, "now") == 0) {
        position.type = "LATEST";
    } else if (strlen(text) >= SHORTEST_SEQUENCE &&
               strspn(text, "0123456789") == strlen(text)) {
        position.type = "AT_SEQUENCE_NUMBER";
        position.sequence = text;
    } else if (parse_age(text, &number)) {
        position.unix_ms = mr_clock_wall_ms(mr_clock_system()) - number;
    } else if (mr_slice_to_u64(mr_slice_str(text), &number) && number < UINT64_MAX / 1000) {
        position.unix_ms = number * 1000;
    } else if (!parse_time(text, &position.unix_ms)) {
        return mr_fail(err, -EINVAL,
                       "\"%s\" is none of: oldest, latest, an age (15m), a time "
                       "(2026-11-24T12:00:00Z), a sequence number",
                       text);
    }
    *out_position = position;
    return 0;
}

int
mr_position_iterator(struct mr_remote *remote, const char *stream, const char *shard,
                     const struct mr_position *position, char **out_iterator,
                     struct mr_error *err)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer request = mr_json_writer_on(&body);
    mr_json_begin_object(&request);
    mr_json_member_str(&request, "StreamName", stream);
    mr_json_member_str(&request, "ShardId", shard);
    mr_json_member_str(&request, "ShardIteratorType", position->type);
    if (position->sequence != NULL) {
        mr_json_member_str(&request, "StartingSequenceNumber", position->sequence);
    }
    if (strcmp(position->type, "AT_TIMESTAMP") == 0) {
        mr_json_key(&request, "Timestamp");
        mr_json_put_seconds(&request, position->unix_ms);
    }
    mr_json_end_object(&request);
    if (mr_remote_kinesis(remote, "GetShardIterator", mr_buf_slice(&body), err) < 0) {
        return mr_wrap(err, "%s of stream %s", shard, stream);
    }
    struct mr_json json = mr_json_of(mr_buf_slice(&remote->body));
    struct mr_slice key, iterator = { 0 };
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "ShardIterator") || !mr_json_string_raw(&json, &iterator)) {
            mr_json_skip(&json);
        }
    }
    if (iterator.size == 0) {
        return mr_fail(err, -EBADMSG, "GetShardIterator answered no iterator");
    }
    *out_iterator = mr_slice_dup(iterator);
    return 0;
}
