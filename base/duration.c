#include "base/duration.h"

#include <stdlib.h>
#include <string.h>

bool
mr_duration_parse(struct mr_slice text, uint64_t *out_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = { { "", 1000 },  { "ms", 1 },     { "s", 1000 },
                  { "m", 60e3 }, { "h", 3600e3 }, { "d", 86400e3 } };
    char copy[32], *end;

    if (text.size == 0 || text.size >= sizeof(copy) || text.data[0] < '0' ||
        text.data[0] > '9') {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    double value = strtod(copy, &end);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && value * units[i].ms < 1e15) {
            *out_ms = (uint64_t)(value * units[i].ms + 0.5);
            return true;
        }
    }
    return false;
}
