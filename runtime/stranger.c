/*
 * On the host's network an environment's Runtime API listens on a port of the
 * host's loopback, where everybody may knock. Whoever is not of the sandbox's
 * own user, which nobody else has, is refused.
 */
#include <errno.h>

#include "base/log.h"
#include "net/peer.h"
#include "runtime/inside.h"

static bool
is_known(const struct environment *environment, uint64_t connection)
{
    for (size_t i = 0; i < MAX_KNOWN; i++) {
        if (environment->known[i] == connection) {
            return true;
        }
    }
    return false;
}

static void
say_once(struct mr_runtime *runtime)
{
    if (!runtime->said_no_peers) {
        runtime->said_no_peers = true;
        mr_log(
            MR_LOG_WARN, "runtime",
            "this kernel does not tell whose a connection is (sock_diag): functions with the "
            "host's network are told apart by their ports alone");
    }
}

bool
environment_is_stranger(struct environment *environment, struct mr_http_exchange *exchange)
{
    struct mr_runtime *runtime = environment->runtime;
    uint64_t connection = mr_http_exchange_connection(exchange) + 1; /* 0 is none */
    uid_t uid = 0;

    if (!environment->own_uid || is_known(environment, connection)) {
        return false;
    }
    if (runtime->peers == NULL) {
        runtime->peers = mr_net_peers_new();
    }
    int rc = runtime->peers == NULL
                 ? -ENOTSUP
                 : mr_net_peer_uid(runtime->peers, mr_http_exchange_fd(exchange), &uid);
    if (rc == -ENOTSUP) {
        say_once(runtime);
    } else if (rc < 0 || uid != environment->uid) {
        return true;
    }
    environment->known[environment->next_known++ % MAX_KNOWN] = connection;
    return false;
}
