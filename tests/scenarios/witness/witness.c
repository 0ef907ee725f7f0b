/*
 * Tells a collector of every record it is handed before it answers: "SHARD SEQUENCE DATA" lines
 * over TCP (port in WITNESS_PORT), and waits for the collector's word that they are written.
 */
#include <millrace/handler.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *
connect_collector(const char **out_error)
{
    static int fd;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)atoi(getenv("WITNESS_PORT"))),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        *out_error = "the collector does not listen";
        return NULL;
    }
    return &fd;
}

static int
tell(struct mr_ctx *ctx)
{
    int fd = *(int *)mr_user(ctx);
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;
    char word;

    while (mr_kinesis_next(&records, &record)) {
        struct mr_str data = mr_kinesis_data(ctx, &record);
        struct mr_str line = mr_printf(ctx, "%.*s %.*s %.*s\n", MR_STR_ARGS(record.shard_id),
                                       MR_STR_ARGS(record.sequence_number), MR_STR_ARGS(data));
        if (write(fd, line.data, line.size) != (ssize_t)line.size) {
            return mr_fail_fatal(ctx, "Witness.Gone", "the collector is gone");
        }
    }
    if (write(fd, "\n", 1) != 1 || read(fd, &word, 1) != 1) {
        return mr_fail_fatal(ctx, "Witness.Gone", "the collector is gone");
    }
    return mr_batch_done(ctx);
}

int
main(void)
{
    static const struct mr_handler handler = { MR_HANDLER_ABI, NULL, tell, connect_collector,
                                               NULL };
    return mr_handler_main(&handler, 1);
}
