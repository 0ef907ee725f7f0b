#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/http_server.h"
#include "net/peer.h"
#include "tests/suite.h"

static int
connect_to(uint16_t port, int family)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff; /* ::ffff:127.0.0.1 */
    memcpy(&v6.sin6_addr.s6_addr[12], &v4.sin_addr, 4);
    int rc = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
                               : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
    return rc < 0 ? -errno : fd;
}

static int
accept_on(int listener)
{
    int fd;

    while ((fd = accept(listener, NULL, NULL)) < 0 && errno == EAGAIN) {
    }
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(who_connects_is_known)
{
    static const int families[] = { AF_INET, AF_INET6 }; /* v6 sockets speak v4 too: Java's do */
    int listener = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    int theirs = connect_to(mr_net_port(listener), families[_i]);
    if (theirs == -EAFNOSUPPORT || theirs == -EADDRNOTAVAIL) {
        return; /* a host without IPv6 */
    }
    int ours = accept_on(listener);
    struct mr_net_peers *peers = mr_net_peers_new();
    uid_t uid = 999999;

    int rc = mr_net_peer_uid(peers, ours, &uid);

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(uid, geteuid());
    mr_net_peers_free(peers);
    close(ours);
    close(theirs);
    close(listener);
}
END_TEST

START_TEST(another_user_is_told_apart)
{
    if (geteuid() != 0) {
        return;
    }
    int listener = mr_net_listen_tcp("127.0.0.1", 0, NULL), done[2];
    ck_assert_int_eq(pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(done[1]);
        _exit(setuid(12345) == 0 && connect_to(mr_net_port(listener), AF_INET) >= 0
                  ? (int)read(done[0], &byte, 1)
                  : 1);
    }
    int ours = accept_on(listener);
    struct mr_net_peers *peers = mr_net_peers_new();
    uid_t uid = 0;

    ck_assert_int_eq(mr_net_peer_uid(peers, ours, &uid), 0);

    ck_assert_uint_eq(uid, 12345);
    close(done[1]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    mr_net_peers_free(peers);
    close(ours);
    close(listener);
}
END_TEST

START_TEST(who_has_gone_is_nobody)
{
    int listener = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    int theirs = connect_to(mr_net_port(listener), AF_INET);
    int ours = accept_on(listener);
    const struct linger at_once = { .l_onoff = 1 };
    struct mr_net_peers *peers = mr_net_peers_new();
    uid_t uid = 12345;
    setsockopt(theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(theirs);

    ck_assert_int_eq(mr_net_peer_uid(peers, ours, &uid), -ENOENT);

    ck_assert_uint_eq(uid, 12345);
    mr_net_peers_free(peers);
    close(ours);
    close(listener);
}
END_TEST

MR_SUITE("net.peer", MR_TEST_LOOP(who_connects_is_known, 2), MR_TEST(another_user_is_told_apart),
         MR_TEST(who_has_gone_is_nobody))
