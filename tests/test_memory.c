// Memory: page faults by kind and their time, copy on write against a reference that keeps every
// page, shared memory, stacks, the machine's limit, nodes, caches and cache lines. Numbers are
// worked out beside each test; a page is 4 KiB, and a thread's stack is two of them.
#include "hand_trace.h"
#include "simulate.h"

#include "sim/analysis/report.h"
#include "sim/base/rng.h"
#include "sim/hardware/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// Pages of faults of `kind` by `thread`.
static uint64_t faults(const Simulated *run, FaultKind kind, const char *thread)
{
    uint64_t pages = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == EVENT_PAGE_FAULT && record->a == kind &&
            strcmp(simulated_name(run, record->task), thread) == 0)
            pages += record->b;
    }
    return pages;
}

// What the last record of `kind` says of process `pid`; 0 when there is none.
static uint64_t memory_at(const Simulated *run, EventKind kind, uint64_t pid, int64_t time_ns)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < run->memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == kind && record->a == pid && record->time_ns <= time_ns)
            bytes = record->b;
    }
    return bytes;
}

enum { MIB = 1 << 20, KIB = 1 << 10 };

// ---- faults and their time

static void a_first_touch_faults(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run, "machine: { costs: { base: zero, pf_anon: 500ns, memory_page: 100ns } }\n"
                   "threads: [ { name: a, run: [ { touch: 1MiB } ] } ]\n");
    simulated_measure(&run, &metrics);
    // The stack: 2 * 500 ns. 256 pages: 256 * 500 ns in the kernel and 256 * 100 ns in user mode.
    const ThreadMetrics *a = simulated_thread(&run, &metrics, "a");
    assert_int_equal(a->cpu_kernel_ns, 1000 + 128000);
    assert_int_equal(a->cpu_user_ns, 25600);
    assert_int_equal(run.result.ended.ns, 154600);
    assert_int_equal(faults(&run, FAULT_ANON, "a"), 258);
    assert_int_equal(simulated_process(&metrics, "main")->resident_max, MIB + 8 * KIB);
    assert_int_equal(simulated_process(&metrics, "main")->reserved_max, 9 * MIB);
    assert_int_equal(simulated_process(&metrics, "main")->private_max, MIB + 8 * KIB);
    metrics_free(&metrics);
    simulated_free(&run);
}

static void what_is_there_does_not_fault(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    // 16 pages; the second op goes through them three times.
    simulate(&run, "machine: { costs: { base: zero, pf_anon: 500ns, memory_page: 100ns } }\n"
                   "threads:\n"
                   "  - name: a\n    stack_touched: 4KiB\n    run:\n"
                   "      - alloc: { size: 64KiB, as: b }\n"
                   "      - touch: { block: b }\n"
                   "      - touch: { block: b, times: 3, access: read }\n");
    simulated_measure(&run, &metrics);
    const ThreadMetrics *a = simulated_thread(&run, &metrics, "a");
    assert_int_equal(faults(&run, FAULT_ANON, "a"), 1 + 16);
    assert_int_equal(a->cpu_kernel_ns, 17 * 500);
    assert_int_equal(a->cpu_user_ns, 4 * 16 * 100);
    metrics_free(&metrics);
    simulated_free(&run);
}

static void reading_first_finds_zeros(void **state)
{
    (void)state;
    Simulated run;
    // The page of zeros is nobody's: nothing is resident until the write, which faults again.
    simulate(&run, "machine: { costs: zero }\n"
                   "threads:\n"
                   "  - name: a\n    run:\n"
                   "      - alloc: { size: 64KiB, as: b }\n"
                   "      - touch: { block: b, access: read }\n"
                   "      - sleep: 1ms\n"
                   "      - touch: { block: b, size: 16KiB }\n"
                   "      - sleep: 1ms\n");
    assert_int_equal(faults(&run, FAULT_ZERO, "a"), 16);
    assert_int_equal(faults(&run, FAULT_ANON, "a"), 2 + 4);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_RESIDENT, 1, 500000), 8 * KIB);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_RESIDENT, 1, 1500000), 24 * KIB);
    simulated_free(&run);
}

static void memory_is_given_back(void **state)
{
    (void)state;
    Simulated run;
    // mmap: 100 + 400 ns; munmap of 16 pages: 100 + 400 + 16 * 60 ns; twice. 32 faults at no cost.
    // At the end the process gives back the 2 pages of the thread's stack: 2 * 60 ns.
    simulate(&run,
             "machine: { costs: { base: zero, syscall: 100ns, mmap: 400ns, munmap_page: 60ns } }\n"
             "threads:\n"
             "  - name: a\n    run:\n"
             "      - repeat:\n          times: 2\n          do:\n"
             "            - alloc: { size: 64KiB, as: b }\n"
             "            - touch: { block: b }\n"
             "            - free: b\n");
    assert_int_equal(faults(&run, FAULT_ANON, "a"), 2 + 32);
    assert_int_equal(run.result.ended.ns, 2 * (500 + 1460) + 120);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_RESIDENT, 1, run.result.ended.ns), 0);
    simulated_free(&run);
}

// A task may be preempted between batches of faults, not within one: 64 * 500 ns are 32 us.
static void faults_come_in_batches(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: { base: zero, pf_anon: 500ns } }\n"
                   "threads: [ { name: a, run: [ { touch: 1MiB } ] } ]\n");
    for (uint64_t i = 0; i < run.memory.count; i++) {
        const TraceRecord *record = memory_sink_at(&run.memory, i);
        assert_true(record->kind != EVENT_PAGE_FAULT || record->b <= 64);
    }
    assert_int_equal(simulated_count(&run, EVENT_PAGE_FAULT, "a"), 1 + 4);
    assert_int_equal(simulated_count(&run, EVENT_KERNEL_EXIT, "a"), 1 + 4);
    simulated_free(&run);
}

// ---- copy on write

static void both_sides_copy_what_they_write(void **state)
{
    (void)state;
    Simulated run;
    // 64 pages. At 0 the child writes 16: 16 copies. At 10 ms the parent writes all: the first 16
    // are its own by now (the fault only lifts the protection), 48 are copied. At 20 ms the child
    // writes all: 16 are its own, unprotected; 48 are its alone.
    simulate(&run, "machine: { costs: zero }\n"
                   "functions:\n"
                   "  child:\n"
                   "    - touch: { block: b, size: 64KiB }\n"
                   "    - sleep: 20ms\n"
                   "    - touch: { block: b }\n"
                   "    - sleep: 10ms\n"
                   "threads:\n"
                   "  - name: a\n    run:\n"
                   "      - alloc: { size: 256KiB, as: b }\n"
                   "      - touch: { block: b }\n"
                   "      - fork: child\n"
                   "      - sleep: 10ms\n"
                   "      - touch: { block: b }\n"
                   "      - sleep: 30ms\n");
    uint64_t child = 3; // main is 1, the template 2
    assert_int_equal(faults(&run, FAULT_ANON, "a"), 2 + 64);
    assert_int_equal(faults(&run, FAULT_COW, "child"), 16);
    assert_int_equal(faults(&run, FAULT_MINOR, "child"), 48);
    assert_int_equal(faults(&run, FAULT_COW, "a"), 48);
    assert_int_equal(faults(&run, FAULT_MINOR, "a"), 16);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_SHARED, 1, 5000000), 48 * 4096);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_SHARED, child, 5000000), 48 * 4096);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_SHARED, 1, 15000000), 0);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_SHARED, child, 15000000), 0);
    assert_int_equal(memory_at(&run, EVENT_MEMORY_RESIDENT, child, 25000000), 66 * 4096);
    simulated_free(&run);
}

// The reference: every page as who has it, for processes that all forked from the first one.
enum { KIN = 4, PAGES = 96, DEEDS = 40 };

typedef struct Reference {
    int of[KIN][PAGES];       // number of the page that process k has, 0: none, -1: zeros
    bool guarded[KIN][PAGES]; // a write faults
    int owners[KIN * PAGES * 2];
    int pages; // numbers given
    uint64_t faults[KIN][FAULT_KIND_COUNT];
} Reference;

static void reference_touch(Reference *r, int k, int count, bool write)
{
    for (int i = 0; i < count; i++) {
        int *page = &r->of[k][i];
        if (*page == 0 && !write) {
            *page = -1;
            r->faults[k][FAULT_ZERO]++;
        } else if (*page <= 0 && write) {
            *page = ++r->pages;
            r->owners[*page] = 1;
            r->faults[k][FAULT_ANON]++;
        } else if (write && r->guarded[k][i] && r->owners[*page] > 1) {
            r->owners[*page]--;
            *page = ++r->pages;
            r->owners[*page] = 1;
            r->faults[k][FAULT_COW]++;
            r->guarded[k][i] = false;
        } else if (write && r->guarded[k][i]) {
            r->faults[k][FAULT_MINOR]++;
            r->guarded[k][i] = false;
        }
    }
}

static void reference_fork(Reference *r)
{
    for (int k = 1; k < KIN; k++)
        for (int i = 0; i < PAGES; i++) {
            r->of[k][i] = r->of[0][i];
            if (r->of[0][i] > 0) {
                r->owners[r->of[0][i]]++;
                r->guarded[0][i] = r->guarded[k][i] = true;
            }
        }
}

static uint64_t reference_resident(const Reference *r, int k, bool shared)
{
    uint64_t count = 0;
    for (int i = 0; i < PAGES; i++)
        count += r->of[k][i] > 0 && (!shared || r->owners[r->of[k][i]] > 1);
    return count;
}

static void try_copy_on_write(uint64_t seed)
{
    Rng rng = rng_make(seed, 1);
    Reference r = {0};
    int first = 1 + (int)rng_below(&rng, PAGES), reads = 1 + (int)rng_below(&rng, PAGES);
    char lists[KIN][4096], yaml[20000];
    int at[KIN] = {0}, last[KIN] = {0};
    reference_touch(&r, 0, first, true);
    reference_touch(&r, 0, reads, false);
    reference_fork(&r);
    // Deed d is done at d ms by one of them; the others sleep.
    for (int d = 1; d <= DEEDS; d++) {
        int k = (int)rng_below(&rng, KIN), count = 1 + (int)rng_below(&rng, PAGES);
        bool write = rng_below(&rng, 3) > 0;
        reference_touch(&r, k, count, write);
        at[k] += snprintf(lists[k] + at[k], sizeof lists[k] - (size_t)at[k],
                          "%s{ sleep: %dms }, { touch: { block: b, size: %dKiB, access: %s } }",
                          at[k] > 0 ? ", " : "", d - last[k], count * 4, write ? "write" : "read");
        last[k] = d;
    }
    for (int k = 0; k < KIN; k++)
        snprintf(lists[k] + at[k], sizeof lists[k] - (size_t)at[k], "%s{ sleep: %dms }",
                 at[k] > 0 ? ", " : "", 100 - last[k]);
    snprintf(yaml, sizeof yaml,
             "machine: { costs: zero }\nfunctions:\n  k1: [ %s ]\n  k2: [ %s ]\n  k3: [ %s ]\n"
             "threads:\n  - name: k0\n    run: [ { alloc: { size: %dKiB, as: b } }, "
             "{ touch: { block: b, size: %dKiB } }, "
             "{ touch: { block: b, size: %dKiB, access: read } }, "
             "{ fork: k1 }, { fork: k2 }, { fork: k3 }, %s ]\n",
             lists[1], lists[2], lists[3], PAGES * 4, first * 4, reads * 4, lists[0]);
    Simulated run;
    simulate(&run, yaml);
    for (int k = 0; k < KIN; k++) {
        char name[4] = {'k', (char)('0' + k), 0};
        uint64_t pid = k == 0 ? 1 : 4 + (uint64_t)k; // k0, three templates, three children
        for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
            uint64_t stack = kind == FAULT_ANON ? 2 : 0;
            if (faults(&run, (FaultKind)kind, name) != r.faults[k][kind] + stack)
                fail_msg("seed %d: %s has %d %s faults, the reference %d\n%s", (int)seed, name,
                         (int)faults(&run, (FaultKind)kind, name), fault_word((unsigned)kind),
                         (int)(r.faults[k][kind] + stack), yaml);
        }
        assert_int_equal(memory_at(&run, EVENT_MEMORY_RESIDENT, pid, 50000000),
                         4096 * (2 + reference_resident(&r, k, false)));
        assert_int_equal(memory_at(&run, EVENT_MEMORY_SHARED, pid, 50000000),
                         4096 * reference_resident(&r, k, true));
        assert_int_equal(memory_at(&run, EVENT_MEMORY_RESIDENT, pid, run.result.ended.ns), 0);
        assert_int_equal(memory_at(&run, EVENT_MEMORY_SHARED, pid, run.result.ended.ns), 0);
    }
    simulated_free(&run);
}

static void copies_are_those_of_the_reference(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++)
        try_copy_on_write(seed);
}

static void shared_memory_faults_once_a_page_and_process(void **state)
{
    (void)state;
    Simulated run;
    // 64 pages: the parent makes 32 of them; the child finds these and makes 32 more, which the
    // parent then finds.
    simulate(&run,
             "machine: { costs: zero }\n"
             "functions:\n"
             "  child: [ { touch: { block: b } }, { touch: { block: b } }, { sleep: 20ms } ]\n"
             "threads:\n"
             "  - name: a\n    run:\n"
             "      - alloc: { size: 256KiB, as: b, shared: true }\n"
             "      - touch: { block: b, size: 128KiB }\n"
             "      - fork: child\n"
             "      - sleep: 10ms\n"
             "      - touch: { block: b }\n");
    assert_int_equal(faults(&run, FAULT_SHMEM, "a"), 32);
    assert_int_equal(faults(&run, FAULT_MINOR, "child"), 32);
    assert_int_equal(faults(&run, FAULT_SHMEM, "child"), 32);
    assert_int_equal(faults(&run, FAULT_MINOR, "a"), 32);
    assert_int_equal(faults(&run, FAULT_COW, "a") + faults(&run, FAULT_COW, "child"), 0);
    simulated_free(&run);
}

// ---- the machine's memory

static void assert_range(PageRange range, uint32_t first, uint32_t count)
{
    assert_int_equal(range.first, first);
    assert_int_equal(range.count, count);
}

// Ten pages of process 1, which process 2 then has too. 2 gives up the first four, 1 gives up all,
// and 2 what is left: the ten are free again, as one range.
static void runs_are_cut_where_a_part_is_given_up(void **state)
{
    (void)state;
    Memory memory = {0};
    assert_range(memory_take(&memory, 10, 1), 0, 10);
    memory_share(&memory, 0, 2);
    memory_cut(&memory, 0, 4);
    memory_cut(&memory, 0, 4); // it begins there already
    assert_range(memory_run(&memory, 0), 0, 4);
    assert_range(memory_run_with(&memory, 0, 7), 4, 6);
    assert_int_equal(memory_drop(&memory, 0, 2), 1);
    assert_int_equal(memory_refs(&memory, 0), 1);
    assert_int_equal(memory_refs(&memory, 4), 2);
    assert_int_equal(memory_drop(&memory, 0, 1), 0);
    assert_int_equal(memory_drop(&memory, 4, 1), 2);
    assert_int_equal(memory.used, 6);
    assert_int_equal(memory_drop(&memory, 4, 2), 0);
    assert_int_equal(memory.used, 0);
    assert_range(memory_take(&memory, 10, 3), 0, 10);
    memory_free(&memory);
}

// Of 8 pages 4 are free: six at once are new ones. Of the 14 then 8 are free, more than half: now
// nine come in pieces.
static void free_pages_are_used_in_pieces_when_there_are_many(void **state)
{
    (void)state;
    Memory memory = {0};
    assert_range(memory_take(&memory, 4, 1), 0, 4);
    assert_range(memory_take(&memory, 4, 2), 4, 4);
    memory_drop(&memory, 0, 1);
    assert_range(memory_take(&memory, 6, 3), 8, 6);
    memory_drop(&memory, 4, 2);
    assert_range(memory_take(&memory, 9, 4), 0, 8);
    assert_range(memory_take(&memory, 1, 4), 14, 1);
    memory_free(&memory);
}

// ---- stacks and the limit

static void threads_reserve_much_and_touch_little(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run,
             "machine: { costs: zero, memory: 1GiB }\n"
             "threads:\n"
             "  - { name: a, count: 100, run: [ { sleep: 1ms } ] }\n"
             "  - { name: b, stack: 64KiB, stack_touched: 20KiB, run: [ { sleep: 1ms } ] }\n");
    simulated_measure(&run, &metrics);
    const ProcessMetrics *p = simulated_process(&metrics, "main");
    assert_int_equal(p->reserved_max, UINT64_C(800) * MIB + 64 * KIB);
    assert_int_equal(p->resident_max, 100 * 8 * KIB + 20 * KIB);
    metrics_free(&metrics);
    simulated_free(&run);
}

static const char *summary(Simulated *run, Metrics *metrics, HandText *text)
{
    simulated_measure(run, metrics);
    hand_text_open(text);
    report_summary(&(Report){.scenario = &run->scenario, .metrics = metrics}, &text->writer);
    return hand_text_end(text);
}

static void the_largest_must_go(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    HandText text;
    // 4 MiB are 1,024 pages. The sleeper has 512 + 2; at 1 ms the other one (2 of its own) wants
    // 600. 508 are left: 7 batches of 64 fit (448) and 60 more, for the 509th the sleeper, which
    // has most, must go. The one who asked goes on.
    simulate(&run, "machine: { costs: zero, memory: 4MiB }\n"
                   "processes:\n"
                   "  - name: sleeper\n"
                   "    threads: [ { name: s, run: [ { touch: 2MiB }, { sleep: 1s }, exit ] } ]\n"
                   "  - name: greedy\n"
                   "    threads:\n"
                   "      - name: g\n        start: 1ms\n        run:\n"
                   "          - touch: 2400KiB\n"
                   "          - { print: done }\n"
                   "  - name: waiter\n"
                   "    threads: [ { name: w, run: [ { wait_child: greedy } ] } ]\n");
    const char *report = summary(&run, &metrics, &text);
    assert_non_null(strstr(report, "out of memory: at 1 ms g touches what there is not "
                                   "(test.yaml:10); sleeper, which has most, is killed\n"));
    assert_int_equal(simulated_process(&metrics, "sleeper")->status,
                     STATUS_SIGNALLED + SIGNAL_KILL);
    assert_int_equal(simulated_process(&metrics, "greedy")->status, 0);
    assert_int_equal(metrics.processes.oom_kills, 1);
    assert_int_equal(metrics.printed_count, 1);
    assert_int_equal(run.result.ended.ns, 1000000);
    hand_text_free(&text);
    metrics_free(&metrics);
    simulated_free(&run);
}

// 1 MiB are 256 pages, 2 of them the stack's: 254 of the block fit, and the next one, the 257th
// fault, is one too many. Each fault takes 1 us, those of the stack included: it is killed at 257
// us.
static void memory_runs_out_at_the_page_that_does_not_fit(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run, "machine: { costs: { base: zero, pf_anon: 1us }, memory: 1MiB }\n"
                   "threads: [ { name: m, run: [ { touch: 2MiB } ] } ]\n");
    simulated_measure(&run, &metrics);
    const ProcessMetrics *p = simulated_process(&metrics, "main");
    assert_int_equal(p->resident_max, MIB);
    assert_int_equal(p->status, STATUS_SIGNALLED + SIGNAL_KILL);
    assert_int_equal(metrics.processes.oom_kills, 1);
    assert_int_equal(simulated_time_of(&run, EVENT_OUT_OF_MEMORY, "m"), 257000);
    assert_int_equal(run.result.ended.ns, 257000);
    metrics_free(&metrics);
    simulated_free(&run);
    // What fits to the last page stays.
    simulate(&run,
             "machine: { costs: zero, memory: 1MiB }\n"
             "threads: [ { name: m, run: [ { touch: 1012KiB }, { print: fits }, { touch: 4KiB "
             "}, { print: fits } ] } ]\n");
    simulated_measure(&run, &metrics);
    assert_int_equal(metrics.printed_count, 2);
    assert_int_equal(metrics.processes.oom_kills, 0);
    metrics_free(&metrics);
    simulated_free(&run);
}

static void who_asks_for_too_much_may_be_the_largest(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    HandText text;
    simulate(&run, "machine: { costs: zero, memory: 4MiB }\n"
                   "processes:\n"
                   "  - name: small\n"
                   "    threads: [ { name: s, run: [ { touch: 1MiB }, { sleep: 5ms } ] } ]\n"
                   "  - name: large\n"
                   "    threads:\n"
                   "      - name: l\n        start: 1ms\n        run:\n"
                   "          - { compute: 1ms }\n"
                   "          - touch: 64MiB\n"
                   "          - { print: never }\n"
                   "      - { name: other, run: [ { sleep: 1s } ] }\n");
    const char *report = summary(&run, &metrics, &text);
    assert_non_null(strstr(report, "(test.yaml:11); large, which has most"));
    assert_int_equal(metrics.printed_count, 0);
    assert_int_equal(run.result.ended.ns, 5000000);
    assert_int_equal(run.result.end, END_DONE);
    hand_text_free(&text);
    metrics_free(&metrics);
    simulated_free(&run);
}

// A page that is touched takes the simulator 12 bytes: a million of them are more than 5 MB.
static void the_simulator_has_a_limit_too(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero }\nlimits: { memory: 5M }\n"
                   "threads: [ { name: a, run: [ { touch: 4GiB } ] } ]\n");
    assert_int_equal(run.result.end, END_LIMIT);
    assert_int_equal(run.result.limit, LIMIT_MEMORY);
    simulated_free(&run);
}

// ---- nodes, caches and lines

static void far_memory_takes_longer(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    // 256 pages, touched first on core 0: near to it, far from core 1.
    simulate(&run,
             "machine: { cores: 2, nodes: 2, costs: { base: zero, memory_page: 100ns, "
             "memory_page_far: 160ns } }\n"
             "threads:\n"
             "  - name: first\n    affinity: 0\n    run:\n"
             "      - alloc: { size: 1MiB, as: b }\n"
             "      - touch: { block: b }\n"
             "      - touch: { block: b }\n"
             "  - { name: far, affinity: 1, start: 1ms, run: [ { touch: { block: b } } ] }\n");
    simulated_measure(&run, &metrics);
    assert_int_equal(simulated_thread(&run, &metrics, "first")->cpu_user_ns, 2 * 25600);
    assert_int_equal(simulated_thread(&run, &metrics, "far")->cpu_user_ns, 40960);
    metrics_free(&metrics);
    simulated_free(&run);
}

// Two working sets of 640 KiB together in a cache of 512 KiB: each return finds 128 KiB gone, but
// the first times all of it. 64 pages * 250 ns = 16 us, 96 * 250 = 24 us, 32 * 250 = 8 us.
// Turns of 1 ms: a ends behind its third, b too; a runs 3 ms + 16 + 3 * 8 us.
static void a_returning_thread_loads_what_it_lost(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run, "machine: { cores: 1, scheduler: { policy: rr, slice: 1ms }, cache: 512KiB, "
                   "costs: { base: zero, cache_refill: 250ns } }\n"
                   "threads:\n"
                   "  - { name: a, working_set: 256KiB, run: [ { compute: 3ms } ] }\n"
                   "  - { name: b, run: [ { working_set: 384KiB }, { compute: 3ms } ] }\n");
    simulated_measure(&run, &metrics);
    assert_int_equal(simulated_thread(&run, &metrics, "a")->cpu_user_ns, 3040000);
    assert_int_equal(simulated_thread(&run, &metrics, "a")->refill_ns, 40000);
    assert_int_equal(simulated_thread(&run, &metrics, "b")->refill_ns, 48000);
    assert_int_equal(run.result.ended.ns, 6088000);
    metrics_free(&metrics);
    simulated_free(&run);
}

static void sets_that_fit_together_stay(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run, "machine: { cores: 1, scheduler: { policy: rr, slice: 1ms }, cache: 640KiB, "
                   "costs: { base: zero, cache_refill: 250ns } }\n"
                   "threads:\n"
                   "  - { name: a, working_set: 256KiB, run: [ { compute: 3ms } ] }\n"
                   "  - { name: b, working_set: 384KiB, run: [ { compute: 3ms } ] }\n");
    simulated_measure(&run, &metrics);
    assert_int_equal(simulated_thread(&run, &metrics, "a")->refill_ns, 16000);
    assert_int_equal(simulated_thread(&run, &metrics, "b")->refill_ns, 24000);
    metrics_free(&metrics);
    simulated_free(&run);
}

// a's first write, at 0, finds the line free. From then on each waits for the other one's turn: b
// has the line at 60, 180, 300 … ns, a at 120, 240, …, and a write takes 10 ns.
static void a_shared_line_goes_back_and_forth(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run,
             "machine: { cores: 2, costs: { base: zero, line_transfer: 60ns } }\n"
             "threads:\n"
             "  - { name: a, run: [ { write_line: { line: l, times: 100, for: 10ns } } ] }\n"
             "  - { name: b, run: [ { write_line: { line: l, times: 100, for: 10ns } } ] }\n"
             "  - { name: c, start: 1ms, run: [ { write_line: { line: m, times: 100, for: 2ns } } "
             "] }\n");
    simulated_measure(&run, &metrics);
    assert_int_equal(simulated_thread(&run, &metrics, "a")->end_ns, 120 * 99 + 10);
    assert_int_equal(simulated_thread(&run, &metrics, "b")->end_ns, 120 * 99 + 60 + 10);
    assert_int_equal(simulated_thread(&run, &metrics, "a")->lines_moved,
                     99); // the first from memory
    assert_int_equal(simulated_thread(&run, &metrics, "b")->lines_moved, 100);
    // Alone on a line: 2 ns a write.
    assert_int_equal(simulated_thread(&run, &metrics, "c")->cpu_user_ns, 200);
    assert_int_equal(simulated_thread(&run, &metrics, "c")->lines_moved, 0);
    metrics_free(&metrics);
    simulated_free(&run);
}

// ---- interrupts

// 10 ms of work and an interrupt of 2 us with 5 us of softirq each 100 us, from 100 us on. In T the
// thread gets T - 7 us * (interrupts so far): k interrupts when T = 10 ms + 7 us * k and k is T /
// 100 us, rounded down: k = 107, T = 10.749 ms.
static void softirqs_steal_time(void **state)
{
    (void)state;
    Simulated run;
    Metrics metrics;
    simulate(&run, "machine: { cores: 2, costs: zero, interrupts: { every: 100us, core: 1, "
                   "softirq: 5us } }\n"
                   "threads: [ { name: a, affinity: 1, run: [ { compute: 10ms } ] } ]\n");
    simulated_measure(&run, &metrics);
    assert_int_equal(run.result.ended.ns, 10749000);
    assert_int_equal(simulated_thread(&run, &metrics, "a")->cpu_user_ns, 10000000);
    assert_int_equal(metrics.cores[1].interrupt_ns, 107 * 7000);
    assert_int_equal(metrics.cores[1].interrupts, 214);
    assert_int_equal(metrics.cores[0].interrupt_ns, 0);
    metrics_free(&metrics);
    simulated_free(&run);
}

// Interrupts wake nobody: a run that only they keep going is stuck.
static void interrupts_do_not_hide_a_deadlock(void **state)
{
    (void)state;
    Simulated run;
    simulate(&run, "machine: { costs: zero, interrupts: { every: 1ms } }\n"
                   "locks: { l: lock }\n"
                   "threads: [ { name: a, run: [ { lock: l }, { lock: l } ] } ]\n");
    assert_int_equal(run.result.end, END_DEADLOCK);
    simulated_free(&run);
}

static void named_calls_cost_their_rows(void **state)
{
    (void)state;
    Simulated run;
    // getppid 100; read1 100 + 50; open 100 + 800; for: 100 + 2000.
    simulate(&run, "machine: { costs: { base: zero, syscall: 100ns, read1: 50ns, open: 800ns } }\n"
                   "threads: [ { name: a, run: [ { syscall: getppid }, { syscall: read1 }, "
                   "{ syscall: open }, { syscall: { name: stat, for: 2us } } ] } ]\n");
    assert_int_equal(run.result.ended.ns, 100 + 150 + 900 + 2100);
    simulated_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_touch_faults),
        cmocka_unit_test(what_is_there_does_not_fault),
        cmocka_unit_test(reading_first_finds_zeros),
        cmocka_unit_test(memory_is_given_back),
        cmocka_unit_test(faults_come_in_batches),
        cmocka_unit_test(both_sides_copy_what_they_write),
        cmocka_unit_test(copies_are_those_of_the_reference),
        cmocka_unit_test(shared_memory_faults_once_a_page_and_process),
        cmocka_unit_test(runs_are_cut_where_a_part_is_given_up),
        cmocka_unit_test(free_pages_are_used_in_pieces_when_there_are_many),
        cmocka_unit_test(threads_reserve_much_and_touch_little),
        cmocka_unit_test(the_largest_must_go),
        cmocka_unit_test(memory_runs_out_at_the_page_that_does_not_fit),
        cmocka_unit_test(who_asks_for_too_much_may_be_the_largest),
        cmocka_unit_test(the_simulator_has_a_limit_too),
        cmocka_unit_test(far_memory_takes_longer),
        cmocka_unit_test(a_returning_thread_loads_what_it_lost),
        cmocka_unit_test(sets_that_fit_together_stay),
        cmocka_unit_test(a_shared_line_goes_back_and_forth),
        cmocka_unit_test(softirqs_steal_time),
        cmocka_unit_test(interrupts_do_not_hide_a_deadlock),
        cmocka_unit_test(named_calls_cost_their_rows),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
