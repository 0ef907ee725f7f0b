#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/sandbox/session.h"
#include "tests/suite.h"

static struct session session;

static const struct {
    const char *name;
    bool as_nobody;
    uint32_t hide;
    enum mr_sandbox_network network;
    enum mr_sandbox_profile profile;
    bool bare; /* L3 */
} modes[] = {
    { "as root", false, 0, MR_SANDBOX_NETWORK_NONE, MR_SANDBOX_PROFILE_DEFAULT, false },
    { "as nobody", true, 0, MR_SANDBOX_NETWORK_NONE, MR_SANDBOX_PROFILE_DEFAULT, false },
    { "strict", false, 0, MR_SANDBOX_NETWORK_NONE, MR_SANDBOX_PROFILE_STRICT, false },
    { "without Landlock", false, MR_SANDBOX_HAS_LANDLOCK, MR_SANDBOX_NETWORK_NONE,
      MR_SANDBOX_PROFILE_DEFAULT, false },
    { "as nobody without Landlock", true, MR_SANDBOX_HAS_LANDLOCK, MR_SANDBOX_NETWORK_NONE,
      MR_SANDBOX_PROFILE_DEFAULT, false },
    { "with the host's network", false, 0, MR_SANDBOX_NETWORK_HOST, MR_SANDBOX_PROFILE_DEFAULT,
      false },
    { "without asking about refused calls", false, MR_SANDBOX_HAS_NOTIFY,
      MR_SANDBOX_NETWORK_NONE, MR_SANDBOX_PROFILE_DEFAULT, false },
    { "without namespaces", false, MR_SANDBOX_HAS_USER_NS | MR_SANDBOX_HAS_CGROUP_LIMITS,
      MR_SANDBOX_NETWORK_NONE, MR_SANDBOX_PROFILE_DEFAULT, true },
    { "as nobody without namespaces", true,
      MR_SANDBOX_HAS_USER_NS | MR_SANDBOX_HAS_CGROUP_LIMITS, MR_SANDBOX_NETWORK_NONE,
      MR_SANDBOX_PROFILE_DEFAULT, true },
};

static int
listen_on_loopback(uint16_t *out_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *out_port = ntohs(address.sin_port);
    return fd;
}

static int
listen_on_abstract(const char *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", name);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

static int
count_lines(const char *log, const char *start)
{
    int count = 0;

    for (const char *at = strstr(log, start); at != NULL; at = strstr(at + 1, start)) {
        count += at == log || at[-1] == '\n';
    }
    return count;
}

START_TEST(no_attempt_gets_out)
{
    char pid[40], port[40], name[64], socket_name[80];
    uint16_t number;
    int listener = listen_on_loopback(&number);
    snprintf(name, sizeof(name), "millrace-escape-%d", (int)getpid());
    int abstract = listen_on_abstract(name);
    snprintf(pid, sizeof(pid), "ESCAPE_PID=%d", (int)getpid());
    snprintf(port, sizeof(port), "ESCAPE_PORT=%u", number);
    snprintf(socket_name, sizeof(socket_name), "ESCAPE_SOCKET=%s", name);
    session_open(&session, modes[_i].as_nobody, modes[_i].hide);
    if (session.hello.level == MR_SANDBOX_L3 && !modes[_i].bare) {
        printf("skipped %s: %s\n", modes[_i].name, session.hello.text);
    } else {
        const struct mr_slice args[] = { MR_SLICE("/var/task/sandbox_escape") };
        const struct mr_slice env[] = { mr_slice_str(pid),
                                        mr_slice_str(port),
                                        mr_slice_str(socket_name),
                                        modes[_i].network == MR_SANDBOX_NETWORK_HOST
                                            ? MR_SLICE("ESCAPE_NETWORK=host")
                                            : MR_SLICE("ESCAPE_NETWORK=none"),
                                        modes[_i].bare ? MR_SLICE("ESCAPE_LEVEL=3")
                                                       : MR_SLICE("ESCAPE_LEVEL=1"),
                                        MR_SLICE("ESCAPE_NO_LISTENER=1") };
        bool asks = (modes[_i].hide & MR_SANDBOX_HAS_NOTIFY) == 0;
        const struct mr_sandbox_launch launch = { .code_dir = mr_slice_str(ESCAPE_DIR),
                                                  .args = args,
                                                  .arg_count = 1,
                                                  .env = env,
                                                  .env_count = asks ? 5 : 6,
                                                  .memory_mb = 256,
                                                  .tmp_mb = 64,
                                                  .network = modes[_i].network,
                                                  .profile = modes[_i].profile };

        const char *log = session_run(&session, 1, NULL, &launch);

        ck_assert_msg(strstr(log, "ESCAPED") == NULL, "%s: %s", modes[_i].name,
                      strstr(log, "ESCAPED"));
        ck_assert_msg(strstr(log, "\n0 escaped\n") != NULL,
                      "%s: it did not come to its end: %s", modes[_i].name,
                      session.places[1].exit.text);
        ck_assert_int_ge(count_lines(log, "contained "), 100);
    }
    session_close(&session);
    close(listener);
    close(abstract);
}
END_TEST

MR_SUITE("sandbox.escape", MR_TEST_LOOP(no_attempt_gets_out, sizeof(modes) / sizeof(modes[0])))
