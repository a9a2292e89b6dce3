// One run at a time, its metrics, and what tests of timelines ask of them. Times are nanoseconds; a
// timeline's are microseconds (see simulated_timeline).
#pragma once
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { US = 1000, MS = 1000000 };

// The textbook's machine: what is not computation or sleep takes no time.
#define ZERO(cores) "machine: { cores: " cores ", scheduler: fifo, costs: zero }\n"
#define LOCK        "locks: { x: lock }\n"
#define LOCKS       "locks: { x: lock, y: lock }\n"

extern Simulated run;
extern Metrics metrics;

void one_run(const char *yaml);
int one_run_end(void **state); // a teardown, too
void expect_timeline(const char *thread, const char *timeline);
void expect_end(EndReason end, int64_t ns);
void expect_cpu(const char *thread, int64_t user_ns, int64_t kernel_ns);
