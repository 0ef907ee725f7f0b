#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argp.h>

const char *
mr_colour(FILE *file, enum mr_colour colour)
{
    static const char *const escapes[] = {
        [MR_PLAIN] = "\033[0m", [MR_BOLD] = "\033[1m",   [MR_DIM] = "\033[2m",
        [MR_RED] = "\033[31m",  [MR_GREEN] = "\033[32m", [MR_YELLOW] = "\033[33m",
        [MR_CYAN] = "\033[36m",
    };
    const char *no_colour = getenv("NO_COLOR");
    if ((no_colour != NULL && no_colour[0] != '\0') || !isatty(fileno(file))) {
        return "";
    }
    return escapes[colour];
}

void
mr_append_safe(struct mr_buf *buf, struct mr_slice text)
{
    bool is_text = mr_slice_is_utf8(text);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f || (byte >= 0x80 && !is_text)) {
            mr_buf_printf(buf, "\\x%02x", byte);
        } else {
            mr_buf_append_byte(buf, byte);
        }
    }
}

const char *
mr_bytes_text(uint64_t bytes, char out[16])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(out, 16, unit == 0 || value >= 99.5 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

uint64_t
mr_flag_number(struct argp_state *state, const char *name, const char *text, uint64_t least,
               uint64_t most)
{
    uint64_t value;
    if (!mr_slice_to_u64(mr_slice_str(text), &value) || value < least || value > most) {
        argp_error(state, "%s takes a number from %llu to %llu, not \"%s\"", name,
                   (unsigned long long)least, (unsigned long long)most, text);
        return least;
    }
    return value;
}

int
mr_flag_choice(struct argp_state *state, const char *name, const char *text,
               const char *const *words)
{
    char all[200] = "";
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof(all) - used, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    argp_error(state, "%s is one of %s, not \"%s\"", name, all, text);
    return 0;
}
