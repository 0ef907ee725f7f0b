/* sandbox_run [-m MB] [-n host] [-p strict] [-l LEVEL] [-c DIR] [-t MS] [-a CALL] [-H BITS]
 * [-v] -- COMMAND: for scenarios and by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/run_command.h"

int
main(int argc, char **argv)
{
    char *allows[16] = { NULL };
    size_t allow_count = 0;
    struct mr_run_command command = { .allow_syscalls = allows };
    struct mr_error err;
    int option;

    while ((option = getopt(argc, argv, "+m:n:p:l:c:t:a:H:d:v")) != -1) {
        switch (option) {
        case 'm':
            command.memory_mb = (uint32_t)atoi(optarg);
            break;
        case 'n':
            command.network =
                strcmp(optarg, "host") == 0 ? MR_SANDBOX_NETWORK_HOST : MR_SANDBOX_NETWORK_NONE;
            break;
        case 'p':
            command.profile = strcmp(optarg, "strict") == 0 ? MR_SANDBOX_PROFILE_STRICT
                                                            : MR_SANDBOX_PROFILE_DEFAULT;
            break;
        case 'l':
            command.level = atoi(optarg);
            break;
        case 'c':
            command.code_dir = optarg;
            break;
        case 't':
            command.timeout_ms = (uint64_t)atoi(optarg);
            break;
        case 'a':
            allows[allow_count++] = optarg;
            break;
        case 'H':
            command.hide = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 'd':
            command.daemon_path = optarg;
            break;
        case 'v':
            command.verbose = true;
            break;
        default:
            return 2;
        }
    }
    command.args = argv + optind;
    int status = mr_sandbox_run_command(&command, &err);
    if (status < 0) {
        fprintf(stderr, "sandbox_run: %s\n", err.text);
        return 125;
    }
    return status;
}
