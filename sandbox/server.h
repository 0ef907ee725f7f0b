/*
 * server: the daemon's loop and its table of requests.
 *
 * One client, one thread. It waits for the client, for each init, for each
 * filter's questions and for each death, and never for anything else.
 */
#ifndef MR_SANDBOX_SERVER_H
#define MR_SANDBOX_SERVER_H

#include "base/error.h"
#include "sandbox/host.h"

/*
 * Greets the client on `socket` and serves until it hangs up, breaks the
 * protocol or a SIGTERM or SIGINT comes. Whatever runs is killed before it
 * returns. 0 when the client hung up or a signal came, negative with `err` else.
 */
int mr_server_run(struct mr_host *host, int socket, struct mr_error *err) MR_MUST_USE;

#endif
