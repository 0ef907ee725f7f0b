#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static void *
insist(void *memory, size_t size)
{
    if (memory == NULL) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    return memory;
}

void *
mr_alloc(size_t size)
{
    return insist(malloc(size == 0 ? 1 : size), size);
}

void *
mr_alloc_zero(size_t count, size_t size)
{
    return insist(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size), size);
}

void *
mr_realloc(void *memory, size_t size)
{
    return insist(realloc(memory, size == 0 ? 1 : size), size);
}

void *
mr_try_alloc(size_t size)
{
    return malloc(size == 0 ? 1 : size);
}

char *
mr_strdup(const char *text)
{
    return text == NULL ? NULL : insist(strdup(text), strlen(text));
}

char *
mr_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    mr_assert(size >= 0);
    return text;
}
