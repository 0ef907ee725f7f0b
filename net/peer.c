#include "net/peer.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

struct mr_net_peers {
    int netlink;
    uint32_t sequence;
};

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 what;
};

union answer {
    struct nlmsghdr head;
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
    } failed;
    struct {
        struct nlmsghdr head;
        struct inet_diag_msg socket;
    } found;
    char bytes[1024];
};

struct mr_net_peers *
mr_net_peers_new(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd < 0) {
        return NULL;
    }
    struct mr_net_peers *peers = mr_alloc_zero(1, sizeof(*peers));
    peers->netlink = fd;
    return peers;
}

void
mr_net_peers_free(struct mr_net_peers *peers)
{
    if (peers != NULL) {
        close(peers->netlink);
        free(peers);
    }
}

/* The answer to this question, not to one whose answer came late. */
static int
receive(struct mr_net_peers *peers, union answer *out_answer)
{
    for (;;) {
        ssize_t got = recv(peers->netlink, out_answer, sizeof(*out_answer), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < (ssize_t)sizeof(out_answer->head)) {
            return got < 0 ? -errno : -EPROTO;
        }
        if (out_answer->head.nlmsg_seq == peers->sequence) {
            return out_answer->head.nlmsg_len <= (size_t)got ? 0 : -EPROTO;
        }
    }
}

/* The user of the socket bound to `from` and connected to `to`. */
static int
ask(struct mr_net_peers *peers, const struct sockaddr_in *from, const struct sockaddr_in *to,
    uid_t *out_uid)
{
    struct question question = {
        .head = { .nlmsg_len = sizeof(question),
                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                  .nlmsg_flags = NLM_F_REQUEST,
                  .nlmsg_seq = ++peers->sequence },
        .what = { .sdiag_family = AF_INET,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = ~0u,
                  .id = { .idiag_sport = from->sin_port,
                          .idiag_dport = to->sin_port,
                          .idiag_src = { from->sin_addr.s_addr },
                          .idiag_dst = { to->sin_addr.s_addr },
                          .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } } },
    };
    union answer answer;

    if (send(peers->netlink, &question, sizeof(question), 0) != (ssize_t)sizeof(question)) {
        return -errno;
    }
    int rc = receive(peers, &answer);
    if (rc < 0) {
        return rc;
    }
    if (answer.head.nlmsg_type == NLMSG_ERROR) {
        return answer.head.nlmsg_len < sizeof(answer.failed) ? -EPROTO
                                                             : answer.failed.error.error;
    }
    if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        answer.head.nlmsg_len < sizeof(answer.found)) {
        return -EPROTO;
    }
    *out_uid = answer.found.socket.idiag_uid;
    return 0;
}

int
mr_net_peer_uid(struct mr_net_peers *peers, int fd, uid_t *out_uid)
{
    struct sockaddr_in ours = { 0 }, theirs = { 0 };
    socklen_t size = sizeof(ours), peer_size = sizeof(theirs);
    uid_t own;

    if (getsockname(fd, (struct sockaddr *)&ours, &size) < 0 ||
        getpeername(fd, (struct sockaddr *)&theirs, &peer_size) < 0) {
        return errno == ENOTCONN ? -ENOENT : -errno;
    }
    if (ours.sin_family != AF_INET) {
        return -EAFNOSUPPORT;
    }
    int rc = ask(peers, &theirs, &ours, out_uid);
    if (rc == -ENOENT && ask(peers, &ours, &theirs, &own) == -ENOENT) {
        return -ENOTSUP; /* ours is there: this kernel has no list to look into */
    }
    return rc;
}
