// How fast the simulator is: nanoseconds per event (one pop of the event queue) and events a second
// on four sizes of machine, with the trace kept in memory, only hashed, and off; and the memory
// that a thread takes. Not a test: nothing here fails because it is slow.
//
// How to run: on a quiet machine, from an -O2 build,
//     tests/bench_engine                  all sizes, 7 repetitions
//     tests/bench_engine --repeat 15 --only 16
//     tests/bench_engine --smoke          small and once: that it works at all
//
// The load: half the threads are hogs that compute for uniform(50us, 2ms) over and over, half are
// sleepers that compute as long and then sleep for uniform(50us, 2ms), under eevdf with typical
// costs. Each run ends at a number of events (`limits: {events: …}`), so every repetition does the
// same work; its set-up (making the machine, the arrival of every thread) is part of the time. The
// trace in memory uses recycled chunks: the first, uncounted run has made them.
#include "sim/ringside.h"
#include "sim/trace/sinks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Size {
    int cores, threads;
} Size;

static const Size sizes[] = {{4, 100}, {16, 256}, {64, 1024}, {1024, 100000}};

typedef enum Tracing { TRACE_MEMORY, TRACE_HASH, TRACE_OFF, TRACING_COUNT } Tracing;

static const char *const tracing_names[] = {"memory", "hash", "off"};

enum { REPEATS_MAX = 100 };

typedef struct Settings {
    int repeats, only; // only: this many cores; 0: every size
    int64_t events;
} Settings;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void fail(Diag *diag)
{
    fputs(diag_text(diag), stderr);
    exit(2);
}

static void load(Scenario *scenario, Size size, int64_t events)
{
    char text[1024];
    snprintf(text, sizeof text,
             "machine: { cores: %d, scheduler: eevdf, costs: typical }\n"
             "limits: { events: %" PRId64 " }\n"
             "threads:\n"
             "  - name: hog\n"
             "    count: %d\n"
             "    run: [ { forever: [ { compute: 'uniform(50us, 2ms)' } ] } ]\n"
             "  - name: sleeper\n"
             "    count: %d\n"
             "    run: [ { forever: [ { compute: 'uniform(50us, 2ms)' }, "
             "{ sleep: 'uniform(50us, 2ms)' } ] } ]\n",
             size.cores, events, size.threads / 2, size.threads - size.threads / 2);
    Diag diag = {.path = "bench", .source = text};
    if (!scenario_parse(scenario, "bench", text, strlen(text), NULL, 0, &diag))
        fail(&diag);
    diag_free(&diag);
}

typedef struct Measured {
    int64_t ns;
    uint64_t records, hash;
    RunResult result;
} Measured;

static Measured measure(const Scenario *scenario, Tracing tracing, MemorySink *memory)
{
    HashSink hash;
    hash_sink_open(&hash);
    memory_sink_clear(memory);
    TraceSink *sinks[] = {tracing == TRACE_MEMORY ? &memory->sink : &hash.sink};
    Measured measured = {0};
    Diag diag = {0};
    Trace trace;
    int64_t begin = now_ns();
    trace_open(&trace, sinks, tracing == TRACE_OFF ? 0 : 1);
    if (!ringside_run(scenario, &trace, &measured.result, &diag))
        fail(&diag);
    trace_flush(&trace);
    measured.ns = now_ns() - begin;
    measured.records = trace.records;
    measured.hash = hash_sink_value(&hash);
    trace_close(&trace);
    diag_free(&diag);
    return measured;
}

static int compare_ns(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void bench(Size size, Tracing tracing, const Settings *settings, MemorySink *memory)
{
    Scenario scenario = {0};
    load(&scenario, size, settings->events);
    int64_t times[REPEATS_MAX];
    Measured first = measure(&scenario, tracing, memory); // warms up, and says what to expect
    for (int i = 0; i < settings->repeats; i++) {
        Measured again = measure(&scenario, tracing, memory);
        if (again.result.events != first.result.events || again.hash != first.hash) {
            fputs("two runs of one scenario differ\n", stderr);
            exit(1);
        }
        times[i] = again.ns;
    }
    qsort(times, (size_t)settings->repeats, sizeof *times, compare_ns);
    double events = (double)first.result.events;
    double least = (double)times[0], median = (double)times[settings->repeats / 2];
    printf("%5d %7d  %-6s %10" PRIu64 " %8.2f  %7.1f %7.1f  %7.2f %7.2f  %8.0f\n", size.cores,
           size.threads, tracing_names[tracing], first.result.events,
           tracing == TRACE_OFF ? 0 : (double)first.records / events, least / events,
           median / events, events / least * 1e3, events / median * 1e3,
           (double)first.result.bytes / first.result.tasks);
    fflush(stdout);
    scenario_free(&scenario);
}

static Settings read_arguments(int argc, char **argv)
{
    Settings settings = {.repeats = 7, .events = 3000000};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--smoke") == 0) {
            settings.repeats = 1;
            settings.events = 200000;
        } else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc) {
            settings.repeats = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            settings.only = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--events") == 0 && i + 1 < argc) {
            settings.events = atoll(argv[++i]);
        } else {
            fprintf(stderr, "Usage: %s [--smoke] [--repeat N] [--only CORES] [--events N]\n",
                    argv[0]);
            exit(2);
        }
    }
    if (settings.repeats < 1 || settings.repeats > REPEATS_MAX || settings.events < 1) {
        fprintf(stderr, "repetitions are 1 to %d, events at least 1\n", REPEATS_MAX);
        exit(2);
    }
    return settings;
}

int main(int argc, char **argv)
{
    Settings settings = read_arguments(argc, argv);
    MemorySink memory;
    memory_sink_open(&memory, UINT64_MAX);
    printf("                             records     ns per event    million events/s    bytes\n"
           "cores threads  trace      events  /event      min  median     max  median   /thread\n");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (settings.only != 0 && settings.only != sizes[i].cores)
            continue;
        for (Tracing tracing = 0; tracing < TRACING_COUNT; tracing++)
            bench(sizes[i], tracing, &settings, &memory);
    }
    memory_sink_free(&memory);
    return 0;
}
