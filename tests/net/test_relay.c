#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"
#include "net/relay.h"
#include "tests/suite.h"

enum { BYTES = 3000000 };

static struct mr_loop *loop;
static int inside, host; /* the listeners */
static uint16_t inside_port;
static struct mr_relay *relay;

static void
open_relay(void)
{
    loop = mr_loop_new(NULL);
    inside = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    host = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    inside_port = mr_net_port(inside);
    relay = mr_relay_new(loop, inside, mr_net_port(host));
}

static void
close_relay(void)
{
    mr_relay_free(relay);
    mr_loop_free(loop);
    close(host);
}

static int
connect_inside(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(inside_port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int
accept_on_host(void)
{
    int fd = -1;

    for (int i = 0; i < 1000 && fd < 0; i++) {
        mr_loop_run_once(loop, 10);
        fd = accept4(host, NULL, NULL, SOCK_CLOEXEC);
    }
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* As the loop runs: the next bytes, 0 at the end. */
static ssize_t
receive(int fd, void *bytes, size_t size)
{
    ssize_t got = -1;

    errno = EAGAIN;
    for (int i = 0; i < 1000 && got < 0 && errno == EAGAIN; i++) {
        mr_loop_run_once(loop, 10);
        got = recv(fd, bytes, size, MSG_DONTWAIT);
    }
    return got;
}

START_TEST(bytes_go_both_ways_and_so_does_the_end)
{
    char bytes[16];
    open_relay();
    int client = connect_inside(), server = accept_on_host();

    ck_assert_int_eq(send(client, "ask", 3, 0), 3);
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    ck_assert_int_eq(receive(server, bytes, sizeof(bytes)), 3);
    ck_assert_int_eq(receive(server, bytes, sizeof(bytes)), 0);
    ck_assert_int_eq(send(server, "answer", 6, 0), 6);
    close(server);

    ck_assert_int_eq(receive(client, bytes, sizeof(bytes)), 6);
    ck_assert_int_eq(receive(client, bytes, sizeof(bytes)), 0);
    close(client);
    close_relay();
}
END_TEST

START_TEST(what_is_not_taken_waits_and_arrives_whole)
{
    static uint8_t sent[BYTES], got[BYTES];
    size_t sent_count = 0, got_count = 0;
    open_relay();
    int client = connect_inside(), server = accept_on_host();
    for (size_t i = 0; i < BYTES; i++) {
        sent[i] = (uint8_t)(i * 31 >> 7);
    }

    for (int round = 0; got_count < BYTES && round < 1000000; round++) {
        ssize_t count = send(client, sent + sent_count, BYTES - sent_count, MSG_DONTWAIT);
        sent_count += count > 0 ? (size_t)count : 0;
        mr_loop_run_once(loop, 0);
        count = recv(server, got + got_count, BYTES - got_count, MSG_DONTWAIT);
        got_count += count > 0 ? (size_t)count : 0;
    }

    ck_assert_uint_eq(got_count, BYTES);
    ck_assert_int_eq(memcmp(sent, got, BYTES), 0);
    close(client);
    close(server);
    close_relay();
}
END_TEST

START_TEST(where_nobody_listens_the_connection_ends)
{
    char byte;
    open_relay();
    close(host);
    int client = connect_inside();

    ck_assert_int_le(receive(client, &byte, 1), 0);

    close(client);
    close_relay();
}
END_TEST

START_TEST(its_end_ends_what_is_open)
{
    char byte;
    open_relay();
    int client = connect_inside(), server = accept_on_host();

    mr_relay_free(relay);
    relay = NULL;

    ck_assert_int_le(receive(client, &byte, 1), 0);
    ck_assert_int_le(receive(server, &byte, 1), 0);
    close(client);
    close(server);
    close_relay();
}
END_TEST

MR_SUITE("net.relay", MR_TEST(bytes_go_both_ways_and_so_does_the_end),
         MR_TEST(what_is_not_taken_waits_and_arrives_whole),
         MR_TEST(where_nobody_listens_the_connection_ends), MR_TEST(its_end_ends_what_is_open))
