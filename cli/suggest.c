#include "cli/suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 63 };

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t
mr_edit_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    size_t before[LONGEST + 2] = { 0 }, last[LONGEST + 2], now[LONGEST + 2];
    if (rows > LONGEST || columns > LONGEST) {
        return SIZE_MAX;
    }
    for (size_t column = 0; column <= columns; column++) {
        last[column] = column;
    }
    for (size_t row = 1; row <= rows; row++) {
        now[0] = row;
        for (size_t column = 1; column <= columns; column++) {
            int from = tolower((unsigned char)a[row - 1]);
            int to = tolower((unsigned char)b[column - 1]);
            now[column] = least(last[column - 1] + (from != to),
                                least(last[column], now[column - 1]) + 1);
            if (row > 1 && column > 1 && from == tolower((unsigned char)b[column - 2]) &&
                to == tolower((unsigned char)a[row - 2])) {
                now[column] = least(now[column], before[column - 2] + 1);
            }
        }
        memcpy(before, last, sizeof(last));
        memcpy(last, now, sizeof(last));
    }
    return last[columns];
}
