// How fast the simulated kernel is at what is dear in a real one: a contended lock, ping-pong over
// pipes, a tree of forks, threads that fight for one GIL, and spinners, each beside a plain load
// (hogs and sleepers, as in bench_engine) of as many threads and cores. Nanoseconds per event, the
// best of the repetitions, traces off, and how many times those of the plain load. Not a test:
// nothing here fails because it is slow.
//
// The tree's processes live for a dozen events each, so that in a million events there are 85,000
// of them, 64 at a time. Beside 64 plain threads that stay, it shows what a fork costs; of equal
// size is the row below it, beside plain threads that come and go: as many in all, and about as
// many at a time.
//
// How to run: on a quiet machine, from an -O2 build,
//     tests/bench_kernel
//     tests/bench_kernel --only fork      one of the loads, by the beginning of its name
//     tests/bench_kernel --smoke          small and once: that it works at all
#include "sim/ringside.h"
#include "sim/trace/sinks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Load {
    const char *name;
    int cores, threads; // threads at a time
    bool comes_and_goes;
    const char *yaml; // with the number of events
} Load;

static const Load loads[] = {
    {"contended lock", 16, 256, false,
     "machine: { cores: 16, costs: typical }\nlimits: { events: %" PRId64 " }\nlocks: { l: lock }\n"
     "threads: [ { name: t, count: 256, run: [ { forever: [ { with: { lock: l, do: [ { compute: "
     "2us "
     "} ] } }, { compute: 5us } ] } ] } ]\n"},
    {"pipe ping-pong", 16, 64, false,
     "machine: { cores: 16, costs: typical }\nlimits: { events: %" PRId64 " }\n"
     "processes:\n"
     "  - name: app\n    pipes: [ a, b ]\n"
     "    threads:\n"
     "      - { name: ping, count: 32, run: [ { forever: [ { write: { pipe: a, size: 1KiB } }, { "
     "read: "
     "{ pipe: b, size: 1KiB } } ] } ] }\n"
     "      - { name: pong, count: 32, run: [ { forever: [ { read: { pipe: a, size: 1KiB } }, { "
     "write: "
     "{ pipe: b, size: 1KiB } } ] } ] }\n"},
    {"fork tree", 16, 64, true,
     "machine: { cores: 16, costs: typical }\nlimits: { events: %" PRId64 " }\n"
     "functions:\n"
     "  leaf: [ { touch: 64KiB }, { compute: 20us } ]\n"
     "  branch: [ { touch: 128KiB }, { fork: { run: leaf, as: leaf, count: 3 } }, { repeat: { "
     "times: 3, "
     "do: [ wait_child ] } } ]\n"
     "  root: [ { forever: [ { fork: { run: branch, as: branch } }, { touch: { block: b, size: "
     "256KiB } "
     "}, wait_child ] } ]\n"
     "threads: [ { name: t, run: [ { alloc: { size: 1MiB, as: b } }, { touch: { block: b } }, { "
     "fork: "
     "{ run: root, as: root, count: 16 } }, wait_child ] } ]\n"},
    {"one GIL", 16, 100, false,
     "machine: { cores: 16, costs: typical }\nlimits: { events: %" PRId64 " }\n"
     "runtime: cpython-3.12\n"
     "threads:\n"
     "  - { name: hog, count: 50, run: [ { forever: [ { compute: 'uniform(50us, 2ms)' } ] } ] }\n"
     "  - { name: sleeper, count: 50, run: [ { forever: [ { compute: 'uniform(50us, 2ms)' }, { "
     "sleep: 'uniform(50us, 2ms)' } ] } ] }\n"},
    {"spinners", 64, 1000, false,
     "machine: { cores: 64, costs: typical }\nlimits: { events: %" PRId64 " }\nlocks: { s: spin }\n"
     "threads: [ { name: t, count: 1000, run: [ { forever: [ { with: { lock: s, do: [ { compute: "
     "2us } "
     "] } }, { compute: 50us } ] } ] } ]\n"},
};

static const char plain[] =
    "machine: { cores: %d, costs: typical }\nlimits: { events: %" PRId64 " }\n"
    "threads:\n"
    "  - { name: hog, count: %d, run: [ { forever: [ { compute: 'uniform(50us, 2ms)' } ] } ] }\n"
    "  - { name: sleeper, count: %d, run: [ { forever: [ { compute: 'uniform(50us, 2ms)' }, { "
    "sleep: "
    "'uniform(50us, 2ms)' } ] } ] }\n";

// Nine tenths of the time of the cores: a thread computes for 1.1 ms on average, so that 13 a
// millisecond keep 16 cores busy. It ends after about a dozen events.
static const char passing[] =
    "machine: { cores: %d, costs: typical }\nlimits: { events: %" PRId64 " }\n"
    "threads:\n"
    "  - { name: hog, count: %d, start: 'uniform(0s, %dms)', run: [ { repeat: { times: 2, do: [ { "
    "compute: 'uniform(100us, 1ms)' } ] } } ] }\n"
    "  - { name: sleeper, count: %d, start: 'uniform(0s, %dms)', run: [ { repeat: { times: 2, do: "
    "[ "
    "{ compute: 'uniform(100us, 1ms)' }, { sleep: 'uniform(50us, 2ms)' } ] } } ] }\n";

static void fail(Diag *diag)
{
    fputs(diag_text(diag), stderr);
    exit(2);
}

// Processor time: other programs disturb it less than the time of day.
static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

typedef struct Measured {
    double ns; // per event, the least of the repetitions
    uint64_t events;
    uint32_t tasks;
} Measured;

static Measured measure(const char *yaml, int repeats)
{
    Scenario scenario = {0};
    Diag diag = {0};
    Measured measured = {0};
    if (!scenario_parse(&scenario, "bench", yaml, strlen(yaml), NULL, 0, &diag))
        fail(&diag);
    for (int i = 0; i <= repeats; i++) { // the first warms up
        Trace trace;
        RunResult result;
        int64_t begin = now_ns();
        trace_open(&trace, NULL, 0);
        if (!ringside_run(&scenario, &trace, &result, &diag))
            fail(&diag);
        trace_close(&trace);
        double each = (double)(now_ns() - begin) / (double)result.events;
        measured.events = result.events;
        measured.tasks = result.tasks;
        if (i == 1 || (i > 1 && each < measured.ns))
            measured.ns = each;
    }
    scenario_free(&scenario);
    diag_free(&diag);
    return measured;
}

static void print_row(const char *name, const Load *load, Measured here, Measured beside)
{
    printf("%-16s %5d %7d %7" PRIu32 " %10" PRIu64 " %7.1f %7.1f %7.2f\n", name, load->cores,
           load->threads, here.tasks, here.events, here.ns, beside.ns, here.ns / beside.ns);
    fflush(stdout);
}

static void bench(const Load *load, int64_t events, int repeats)
{
    char text[2000];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, load->yaml, events);
#pragma GCC diagnostic pop
    Measured here = measure(text, repeats);
    int half = load->threads / 2;
    snprintf(text, sizeof text, plain, load->cores, events, half, load->threads - half);
    print_row(load->name, load, here, measure(text, repeats));
    if (!load->comes_and_goes)
        return;
    half = (int)here.tasks / 2;
    int per_ms = 13 * load->cores / 16, length_ms = (int)here.tasks / per_ms + 1;
    snprintf(text, sizeof text, passing, load->cores, events, half, length_ms,
             (int)here.tasks - half, length_ms);
    print_row("- coming, going", load, here, measure(text, repeats));
}

int main(int argc, char **argv)
{
    bool smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    const char *only = argc == 3 && strcmp(argv[1], "--only") == 0 ? argv[2] : "";
    if (argc > 1 && !smoke && *only == '\0') {
        fprintf(stderr, "Usage: %s [--smoke] [--only LOAD]\n", argv[0]);
        return 2;
    }
    printf("                         threads                ns per event\n"
           "load             cores at once  in all     events    here   plain   times\n");
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        if (strncmp(loads[i].name, only, strlen(only)) == 0)
            bench(&loads[i], smoke ? 20000 : 1000000, smoke ? 1 : 5);
    return 0;
}
