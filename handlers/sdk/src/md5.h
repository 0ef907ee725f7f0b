/* md5: the digest that ends a KPL aggregate. For recognising one, not for security. */
#ifndef MILLRACE_HANDLER_MD5_H
#define MILLRACE_HANDLER_MD5_H

#include <stddef.h>

void md5(const void *data, size_t size, unsigned char out_digest[16]);

#endif
