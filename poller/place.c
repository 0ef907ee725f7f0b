#include "poller/place.h"

#define AT_TIMESTAMP "AT_TIMESTAMP:"

bool
mr_place_is_number(struct mr_slice text)
{
    return text.size > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

void
mr_place_write(struct mr_buf *buf, const struct mr_source_place *place)
{
    switch (place->position) {
    case MR_POSITION_TRIM_HORIZON:
        mr_buf_append_str(buf, "TRIM_HORIZON");
        break;
    case MR_POSITION_LATEST:
        mr_buf_append_str(buf, "LATEST");
        break;
    case MR_POSITION_TIMESTAMP:
        mr_buf_printf(buf, AT_TIMESTAMP "%llu", (unsigned long long)place->timestamp_ms);
        break;
    case MR_POSITION_AFTER:
        mr_buf_append_slice(buf, place->sequence_number);
        break;
    }
}

bool
mr_place_read(struct mr_slice text, struct mr_source_place *out_place)
{
    struct mr_slice prefix = MR_SLICE(AT_TIMESTAMP);
    *out_place = (struct mr_source_place){ .position = MR_POSITION_TRIM_HORIZON };
    if (mr_place_is_number(text)) {
        out_place->position = MR_POSITION_AFTER;
        out_place->sequence_number = text;
        return true;
    }
    if (mr_slice_is(text, "LATEST")) {
        out_place->position = MR_POSITION_LATEST;
        return true;
    }
    if (mr_slice_starts_with(text, prefix)) {
        out_place->position = MR_POSITION_TIMESTAMP;
        return mr_slice_to_u64(mr_slice_from(text, prefix.size), &out_place->timestamp_ms);
    }
    return mr_slice_is(text, "TRIM_HORIZON");
}
