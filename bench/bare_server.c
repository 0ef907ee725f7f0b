#include "bench/bare_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char event[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n"
    "Content-Length: 14\r\n\r\n{\"Records\":[]}";
static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
                               "Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";

struct peer {
    int listener, fd;
    char bytes[65536];
    size_t size;
};

static uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void
drop(struct peer *peer, size_t size)
{
    memmove(peer->bytes, peer->bytes + size, peer->size - size);
    peer->size -= size;
}

/* Reads one request; true when it is a POST. */
static bool
take_request(struct peer *peer, bool *out_post)
{
    for (;;) {
        peer->bytes[peer->size] = 0;
        char *end = strstr(peer->bytes, "\r\n\r\n");
        if (end != NULL) {
            char *length = strcasestr(peer->bytes, "\r\nContent-Length:");
            size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
            size_t whole = (size_t)(end - peer->bytes) + 4 + body;
            if (peer->size >= whole) {
                *out_post = peer->bytes[0] == 'P';
                drop(peer, whole);
                return true;
            }
        }
        ssize_t got =
            read(peer->fd, peer->bytes + peer->size, sizeof(peer->bytes) - 1 - peer->size);
        if (got > 0) {
            peer->size += (size_t)got;
            continue;
        }
        int on = 1; /* a client that opens one for each call */
        close(peer->fd);
        peer->fd = accept(peer->listener, NULL, NULL);
        peer->size = 0;
        if (peer->fd < 0) {
            return false;
        }
        setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
}

static bool
put(struct peer *peer, const char *text)
{
    size_t size = strlen(text);

    return write(peer->fd, text, size) == (ssize_t)size;
}

static pid_t
start(const char *code_dir, uint16_t port)
{
    char path[4096], api[64];
    pid_t pid = fork();

    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        snprintf(path, sizeof(path), "%s/bootstrap", code_dir);
        snprintf(api, sizeof(api), "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u", port);
        char *args[] = { path, NULL }, *env[] = { api, NULL };
        dup2(nothing, 1);
        execve(path, args, env);
        _exit(127);
    }
    return pid;
}

uint64_t
bare_server_measure(const char *code_dir, uint64_t *times_us, int count)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    static struct peer peer;
    bool post = false, fine = true;
    uint64_t begun_us = 0, since_us = 0;

    peer =
        (struct peer){ .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .fd = -1 };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(peer.listener, (struct sockaddr *)&address, size) < 0 ||
        listen(peer.listener, 8) < 0 ||
        getsockname(peer.listener, (struct sockaddr *)&address, &size) < 0) {
        return 0;
    }
    pid_t pid = start(code_dir, ntohs(address.sin_port));
    for (int done = 0; fine && done < count;) {
        fine = take_request(&peer, &post);
        if (fine && !post) {
            since_us = now_us();
            begun_us = begun_us == 0 ? since_us : begun_us;
            fine = put(&peer, event);
        } else if (fine) {
            times_us[done++] = now_us() - since_us;
            fine = put(&peer, accepted);
        }
    }
    uint64_t took_us = now_us() - begun_us;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(peer.fd);
    close(peer.listener);
    return fine ? took_us : 0;
}
