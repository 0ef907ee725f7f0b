/*
 * embedded: files that travel inside a program; cmake/MrEmbed.cmake makes the tables.
 */
#ifndef MR_BASE_EMBEDDED_H
#define MR_BASE_EMBEDDED_H

#include <stddef.h>

struct mr_embedded {
    const char *name; /* its path below the embedded directory; NULL ends a table */
    const unsigned char *data; /* a NUL stands behind it, which does not count */
    size_t size;
};

#endif
