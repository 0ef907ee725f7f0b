#include "net/http_inside.h"

void
mr_http2_start(struct mr_http_connection *connection)
{
    mr_http_connection_finish(connection);
}
