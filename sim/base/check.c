#include "sim/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *expression, const char *format,
                            ...)
{
    fprintf(stderr, "%s:%d: bug in ringside: CHECK(%s) failed", file, line, expression);
    if (format != NULL) {
        va_list values;
        va_start(values, format);
        fputs(": ", stderr);
        vfprintf(stderr, format, values);
        va_end(values);
    }
    fputc('\n', stderr);
    abort();
}
