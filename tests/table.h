// Worked cases as tables: a scenario's machine and threads, who has each core when, and the times
// of every job to the nanosecond. A case is one static initialiser.
#pragma once
#include "tests/simulate.h"

enum { TABLE_JOBS_MAX = 8, TABLE_CORES = 2, MS = 1000000 };

// From its arrival to its end, to its first time on a core, and in between runnable without one.
typedef struct TableJob {
    const char *name;
    int64_t turnaround_ns, response_ns, wait_ns;
} TableJob;

typedef struct Table {
    const char *machine; // keys of `machine:` besides the costs
    const char *threads;
    const char *turns[TABLE_CORES]; // by core, as simulated_turns; NULL: not looked at
    TableJob jobs[TABLE_JOBS_MAX];
} Table;

// Runs the case and fails the test where it comes out otherwise.
void table_expect(const Table *table);

#define TABLE(name, ...)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        table_expect(&(Table){__VA_ARGS__});                                                       \
    }

// A job that only computes, and one of any ops; `more` is "" or ", start: 5ms" and the like.
#define JOB(name, length, more) "  - { name: " name more ", run: [ { compute: " length " } ] }\n"
#define OPS(name, more, ops)    "  - { name: " name more ", run: [ " ops " ] }\n"
#define C(length)               "{ compute: " length " }"
#define S(length)               "{ sleep: " length " }"
