#include "aws/event_stream.h"
#include "tests/suite.h"

static const struct mr_event_header headers[] = {
    { MR_SLICE_INIT(":message-type"), MR_SLICE_INIT("event") },
    { MR_SLICE_INIT(":event-type"), MR_SLICE_INIT("SubscribeToShardEvent") },
};

START_TEST(a_frame_comes_back_as_it_went)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_event event;

    mr_event_stream_append(&buf, headers, 2, MR_SLICE("{}"));
    ssize_t used = mr_event_stream_parse(mr_buf_slice(&buf), &event, NULL);

    ck_assert_int_eq(used, (ssize_t)buf.size);
    ck_assert_uint_eq(event.header_count, 2);
    ck_assert(mr_slice_is(mr_event_header_get(&event, ":event-type"), "SubscribeToShardEvent"));
    ck_assert(mr_slice_is(event.payload, "{}"));
}
END_TEST

START_TEST(a_piece_of_a_frame_asks_for_more)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_event event;
    mr_event_stream_append(&buf, headers, 2, MR_SLICE("payload"));

    for (size_t size = 0; size < buf.size; size++) {
        ck_assert_int_eq(mr_event_stream_parse(mr_slice_of(buf.data, size), &event, NULL), 0);
    }
}
END_TEST

START_TEST(a_flipped_bit_is_noticed)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_event event;
    struct mr_error err = { 0 };
    mr_event_stream_append(&buf, headers, 2, MR_SLICE("payload"));

    for (size_t at = 0; at < buf.size; at++) {
        buf.data[at] ^= 4;
        ck_assert_int_lt(mr_event_stream_parse(mr_buf_slice(&buf), &event, &err), 0);
        buf.data[at] ^= 4;
    }
}
END_TEST

MR_SUITE("aws.event_stream", MR_TEST(a_frame_comes_back_as_it_went),
         MR_TEST(a_piece_of_a_frame_asks_for_more), MR_TEST(a_flipped_bit_is_noticed))
