#include "poller/ip_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { MAX_V4_TEXT = 15, MAX_V6_TEXT = 45, SHOWN = 100 };

/* Digits in four groups: what AWS takes for an IPv4 address before it looks closer. */
static bool
looks_v4(struct mr_slice text)
{
    int dots = 0;
    bool digit = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '.' && digit) {
            dots++;
            digit = false;
        } else if (text.data[i] >= '0' && text.data[i] <= '9') {
            digit = true;
        } else {
            return false;
        }
    }
    return dots == 3 && digit;
}

static bool
looks_v6(struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (strchr("0123456789abcdefABCDEF:", text.data[i]) == NULL || text.data[i] == 0) {
            return false;
        }
    }
    return mr_slice_find(text, ':') >= 0;
}

/* Leading zeros are decimal ones. */
static bool
parse_v4(struct mr_slice text, struct mr_ip *ip)
{
    ip->size = 4;
    for (int i = 0; i < 4; i++) {
        uint64_t value;
        if (!mr_slice_to_u64(mr_slice_cut(&text, '.'), &value) || value > 255) {
            return false;
        }
        ip->bytes[i] = (uint8_t)value;
    }
    return true;
}

static bool
parse_v6(struct mr_slice text, struct mr_ip *ip)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    char copy[MAX_V6_TEXT + 1] = { 0 };
    memcpy(copy, text.data, text.size);
    if (inet_pton(AF_INET6, copy, ip->bytes) != 1) {
        return false;
    }
    ip->size = 16;
    if (memcmp(ip->bytes, mapped, sizeof(mapped)) == 0) {
        memmove(ip->bytes, ip->bytes + 12, 4);
        ip->size = 4;
    }
    return true;
}

bool
mr_ip_parse(struct mr_slice text, struct mr_ip *out_ip)
{
    struct mr_ip ip = { 0 };
    bool good = (text.size <= MAX_V4_TEXT && looks_v4(text) && parse_v4(text, &ip)) ||
                (text.size <= MAX_V6_TEXT && looks_v6(text) && parse_v6(text, &ip));
    if (good) {
        *out_ip = ip;
    }
    return good;
}

static int
parse_bits(struct mr_slice text, uint64_t *out_bits, struct mr_error *err)
{
    int64_t bits;
    if (text.size > 0 && text.data[0] == '+') {
        text = mr_slice_from(text, 1);
    }
    if (!mr_slice_to_i64(text, &bits) || bits > INT32_MAX || bits < INT32_MIN) {
        return mr_fail(err, -EINVAL, "Malformed CIDR, mask bits must be an integer");
    }
    if (bits < 0) {
        return mr_fail(err, -EINVAL, "Malformed CIDR, mask bits must not be negative");
    }
    *out_bits = (uint64_t)bits;
    return 0;
}

static void
spread(struct mr_ip_block *block, uint64_t bits)
{
    block->high = block->low;
    for (size_t i = 0; i < block->low.size; i++) {
        uint64_t fixed = bits > i * 8 ? bits - i * 8 : 0;
        uint8_t open = fixed >= 8 ? 0 : (uint8_t)(0xff >> fixed);
        block->low.bytes[i] &= (uint8_t)~open;
        block->high.bytes[i] |= open;
    }
}

int
mr_ip_block_parse(struct mr_slice text, struct mr_ip_block *out_block, struct mr_error *err)
{
    struct mr_ip_block block;
    uint64_t bits = 0;
    struct mr_slice rest = text;
    struct mr_slice address = mr_slice_cut(&rest, '/');

    if (rest.size == 0 || mr_slice_find(rest, '/') >= 0) {
        return mr_fail(err, -EINVAL, "Malformed CIDR, one '/' required");
    }
    if (parse_bits(rest, &bits, err) < 0) {
        return -EINVAL;
    }
    if (!mr_ip_parse(address, &block.low)) {
        return mr_fail(err, -EINVAL, "%s IP address: %.*s",
                       looks_v4(address) || looks_v6(address) ? "Invalid" : "Nonstandard",
                       MR_SLICE_ARGS(mr_slice_first(address, SHOWN)));
    }
    if (block.low.size == 4 && bits > 31) {
        return mr_fail(err, -EINVAL, "IPv4 mask bits must be < 32");
    }
    if (block.low.size == 16 && bits > 127) {
        return mr_fail(err, -EINVAL, "IPv6 mask bits must be < 128");
    }
    spread(&block, bits);
    *out_block = block;
    return 0;
}

bool
mr_ip_block_has(const struct mr_ip_block *block, const struct mr_ip *ip)
{
    return ip->size == block->low.size && memcmp(ip->bytes, block->low.bytes, ip->size) >= 0 &&
           memcmp(ip->bytes, block->high.bytes, ip->size) <= 0;
}
