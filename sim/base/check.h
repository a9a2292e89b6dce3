// CHECK: our own bugs. On in every build; prints the expression and aborts.
// Never for a mistake of the user (a Diag) or a refusal of the system (a Diag with errno).
#pragma once
#include <stddef.h>

#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(expression), 0))                                                    \
            check_failed(__FILE__, __LINE__, #expression, NULL);                                   \
    } while (0)

// The same with values: CHECKF(a < b, "a %d, b %d", a, b).
#define CHECKF(expression, ...)                                                                    \
    do {                                                                                           \
        if (__builtin_expect(!(expression), 0))                                                    \
            check_failed(__FILE__, __LINE__, #expression, __VA_ARGS__);                            \
    } while (0)

_Noreturn __attribute__((cold, format(printf, 4, 5))) void
check_failed(const char *file, int line, const char *expression, const char *format, ...);
