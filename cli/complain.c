#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/verb.h"

int
mr_complain(int exit_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return exit_code;
}
