/*
 * ip_address: addresses in text, and blocks of them (CIDR), as event patterns read them.
 *
 * Four decimal numbers, or IPv6 in any of its spellings without a dotted tail. An IPv4 address
 * mapped into IPv6 is that IPv4 address.
 */
#ifndef MR_POLLER_IP_ADDRESS_H
#define MR_POLLER_IP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct mr_ip {
    uint8_t bytes[16];
    size_t size; /* 4 or 16 */
};

/* False when it is no address. */
bool mr_ip_parse(struct mr_slice text, struct mr_ip *out_ip);

struct mr_ip_block {
    struct mr_ip low, high;
};

/* "10.0.0.0/24"; -EINVAL with AWS's words. */
int mr_ip_block_parse(struct mr_slice text, struct mr_ip_block *out_block,
                      struct mr_error *err);
bool mr_ip_block_has(const struct mr_ip_block *block, const struct mr_ip *ip);

#endif
