/*
 * peer: whose the other end of a connection over loopback is.
 *
 * The kernel knows the user of every socket of this network namespace; it is
 * asked over netlink (sock_diag), which takes a few microseconds.
 */
#ifndef MR_NET_PEER_H
#define MR_NET_PEER_H

#include <sys/types.h>

struct mr_net_peers;

/* Asks on one descriptor of its own. NULL when the kernel cannot be asked. */
struct mr_net_peers *mr_net_peers_new(void);
void mr_net_peers_free(struct mr_net_peers *peers);

/*
 * The user who has the other end of `fd`, a connected IPv4 TCP socket whose both
 * ends are on this host. -ENOENT when nobody has it (any more), -ENOTSUP when
 * this kernel keeps no such list, -EAFNOSUPPORT for another kind of socket.
 */
int mr_net_peer_uid(struct mr_net_peers *peers, int fd, uid_t *out_uid);

#endif
