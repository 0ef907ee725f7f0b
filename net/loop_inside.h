/* loop_inside: libuv's loop, for the other files of net/ and nobody else. */
#ifndef MR_NET_LOOP_INSIDE_H
#define MR_NET_LOOP_INSIDE_H

#include <uv.h>

struct mr_loop;

uv_loop_t *mr_loop_uv(struct mr_loop *loop);

#endif
