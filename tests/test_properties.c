// What holds in every run, tried on random scenarios: the laws of trace_laws.h, the metrics against
// an independent count, the same seed twice, and a thread added that must not change what the
// others draw. RINGSIDE_SEEDS says how many scenarios (1000); RINGSIDE_SEED=N tries only that one
// and shows it. The hash over all traces that it prints must be the same whatever compiled it; with
// RINGSIDE_TRACES=HASH it is compared.
#include "tests/program_walk.h"
#include "tests/random_scenario.h"
#include "tests/simulate.h"
#include "tests/trace_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static RandomScenario scenario;
static LawsReport laws;
static TraceRecord *records; // of the last run, in one piece
static size_t record_count, record_room;

static void keep_records(const Simulated *run)
{
    record_count = run->memory.count;
    if (record_room < record_count) {
        record_room = record_count * 2;
        free(records);
        records = malloc(record_room * sizeof *records);
        assert_non_null(records);
    }
    for (size_t i = 0; i < record_count; i++)
        records[i] = *memory_sink_at(&run->memory, i);
}

// Runs the scenario's text; a message that stops it names the seed and shows the text.
static void run_text(Simulated *run, uint64_t seed, const char *yaml)
{
    *run = (Simulated){0};
    Diag diag = {.path = "random.yaml", .source = yaml};
    TraceSink *sinks[] = {&run->memory.sink};
    Trace trace;
    if (!scenario_parse(&run->scenario, "random.yaml", yaml, strlen(yaml), NULL, 0, &diag))
        fail_msg("seed %llu does not load: %s", (unsigned long long)seed, diag_text(&diag));
    memory_sink_open(&run->memory, 50000000);
    trace_open(&trace, sinks, 1);
    if (!ringside_run(&run->scenario, &trace, &run->result, &diag))
        fail_msg("seed %llu does not run: %s\n%s", (unsigned long long)seed, diag_text(&diag),
                 yaml);
    trace_close(&trace);
    diag_free(&diag);
}

#define EXPECT(condition, seed, ...)                                                               \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error(__VA_ARGS__);                                                              \
            fail_msg("\nseed %llu:\n%s", (unsigned long long)(seed), scenario.yaml);               \
        }                                                                                          \
    } while (0)

// ---- one scenario

// The metrics are the library's own fold; the laws count the same times another way.
static void expect_metrics_agree(const Simulated *run, uint64_t seed)
{
    static Metrics metrics;
    simulated_measure(run, &metrics);
    int64_t user = 0, kernel = 0, interrupt = 0, idle = 0;
    for (uint32_t i = 0; i < metrics.core_count; i++) {
        const CoreMetrics *core = &metrics.cores[i];
        user += core->user_ns;
        kernel += core->kernel_ns;
        interrupt += core->interrupt_ns;
        idle += core->idle_ns;
        EXPECT(core->user_ns + core->kernel_ns + core->interrupt_ns + core->idle_ns ==
                   run->result.ended.ns,
               seed, "the metrics of core %u do not add up", i);
    }
    EXPECT(user == laws.user_ns && kernel == laws.kernel_ns && interrupt == laws.interrupt_ns &&
               idle == laws.idle_ns,
           seed, "the metrics of the cores differ from the count");
    for (uint32_t i = 1; i <= run->result.tasks; i++) {
        const ThreadMetrics *thread = metrics_thread(&metrics, i);
        EXPECT(thread != NULL && thread->cpu_user_ns == laws.tasks[i].user_ns &&
                   thread->cpu_kernel_ns == laws.tasks[i].kernel_ns,
               seed,
               "the metrics of task %u differ from the count: %lld and %lld, not %lld and %lld", i,
               (long long)thread->cpu_user_ns, (long long)thread->cpu_kernel_ns,
               (long long)laws.tasks[i].user_ns, (long long)laws.tasks[i].kernel_ns);
    }
    metrics_free(&metrics);
}

static void expect_same_again(const Simulated *run, uint64_t seed)
{
    HashSink hash;
    hash_sink_open(&hash);
    TraceSink *sinks[] = {&hash.sink};
    Trace trace;
    RunResult result;
    Diag diag = {0};
    trace_open(&trace, sinks, 1);
    assert_true(ringside_run(&run->scenario, &trace, &result, &diag));
    trace_close(&trace);
    diag_free(&diag);
    EXPECT(hash_sink_value(&hash) == simulated_hash(run) && result.events == run->result.events &&
               result.end == run->result.end,
           seed, "the second run differs");
}

static bool has_kind(EventKind kind)
{
    for (size_t i = 0; i < record_count; i++)
        if (records[i].kind == kind)
            return true;
    return false;
}

static void expect_end(const Simulated *run, uint64_t seed)
{
    // Daemons that go on for ever may outlive a deadlock. They may also starve the others of a
    // lock: it is not handed over, and on a full core they can come first each time.
    bool for_ever = strstr(scenario.yaml, "forever") != NULL;
    EXPECT(run->result.end != END_LIMIT || (for_ever && run->result.limit == LIMIT_EVENTS), seed,
           "a limit ends it: %s", limit_name(run->result.limit));
    if (scenario.may_deadlock)
        return;
    EXPECT(run->result.end != END_DEADLOCK && !has_kind(EVENT_DEADLOCK), seed,
           "a deadlock, where locks are taken in order and joins go one way");
    if (scenario.ends && !for_ever)
        EXPECT(run->result.end == END_DONE, seed, "it does not come to its end");
}

// What a task of this name shows of its program, as text.
static void deeds(const Simulated *run, uint32_t def, uint32_t instance, char *text, size_t bytes)
{
    uint32_t task = 0;
    size_t at = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < run->memory.count && at + 64 < bytes; i++) {
        const TraceRecord *record = memory_sink_at(&run->memory, i);
        if (record->kind == EVENT_TASK_CREATED && record->a == def &&
            created_instance(record->b) == instance)
            task = record->task;
        if (task != 0 && record->task == task && program_walk_shows(record))
            at += (size_t)snprintf(text + at, bytes - at, "%u:%llu ", record->kind,
                                   record->kind == EVENT_TIMER_SET ? (unsigned long long)record->a
                                                                   : 0);
    }
}

static uint32_t def_named(const Scenario *in, const char *process, const char *thread)
{
    for (uint32_t i = 0; i < in->thread_count; i++) {
        const ThreadDef *def = &in->threads[i];
        StringId of = in->processes[def->process.index1 - 1].name;
        if (strcmp(scenario_string(in, def->name), thread) == 0 &&
            strcmp(scenario_string(in, of), process) == 0)
            return i + 1;
    }
    return 0;
}

// With one more thread, in front of all others, each thread still draws what it drew. Where they
// run, and how far they come before the end, may change: so one is the other's beginning.
static void expect_draws_stay(const Simulated *run, uint64_t seed)
{
    static char yaml[RANDOM_SCENARIO_BYTES + 256], before[1 << 16], after[1 << 16];
    size_t at = scenario.first_thread;
    snprintf(yaml, sizeof yaml,
             "%.*s      - { name: extra, nice: 5, run: [ { compute: 3ms }, { "
             "sleep: 1ms }, { compute: 2ms } ] }\n%s",
             (int)at, scenario.yaml, scenario.yaml + at);
    Simulated with;
    run_text(&with, seed, yaml);
    for (uint32_t i = 0; i < run->scenario.thread_count; i++) {
        const ThreadDef *def = &run->scenario.threads[i];
        const char *process =
            scenario_string(&run->scenario, run->scenario.processes[def->process.index1 - 1].name);
        const char *thread = scenario_string(&run->scenario, def->name);
        uint32_t other = def_named(&with.scenario, process, thread);
        EXPECT(other != 0, seed, "thread %s is gone", thread);
        for (uint32_t instance = 1; instance <= 2; instance++) {
            deeds(run, i + 1, instance, before, sizeof before);
            deeds(&with, other, instance, after, sizeof after);
            size_t length = strlen(before) < strlen(after) ? strlen(before) : strlen(after);
            EXPECT(memcmp(before, after, length) == 0, seed,
                   "with another thread, %s-%u of %s does something else", thread, instance,
                   process);
        }
    }
    simulated_free(&with);
}

static uint64_t kinds_seen[EVENT_KIND_COUNT], ops_seen[OP_CODE_COUNT], ends_seen[END_REASON_COUNT],
    reasons_seen[SWITCH_REASON_COUNT], calls_seen[SYSCALL_COUNT], irqs_seen[IRQ_COUNT],
    moves_seen[MIGRATION_REASON_COUNT];

static void note_what_was_seen(const Simulated *run)
{
    ends_seen[run->result.end]++;
    for (uint32_t i = 0; i < run->scenario.op_count; i++)
        ops_seen[run->scenario.ops[i].code]++;
    for (size_t i = 0; i < record_count; i++) {
        const TraceRecord *record = &records[i];
        kinds_seen[record->kind]++;
        if (record->kind == EVENT_SWITCH_OUT)
            reasons_seen[record->a]++;
        if (record->kind == EVENT_KERNEL_ENTER)
            calls_seen[record->a]++;
        if (record->kind == EVENT_IRQ)
            irqs_seen[record->a]++;
        if (record->kind == EVENT_MIGRATED)
            moves_seen[record->b]++;
    }
}

static uint64_t all_traces; // one hash over the hashes of all runs

static void try_seed(uint64_t seed)
{
    random_scenario(&scenario, seed);
    Simulated run;
    run_text(&run, seed, scenario.yaml);
    keep_records(&run);
    trace_laws(&run.scenario, records, record_count, &run.result, &laws);
    EXPECT(laws.hold, seed, "%s", laws.violated);
    expect_end(&run, seed);
    expect_metrics_agree(&run, seed);
    expect_same_again(&run, seed);
    expect_draws_stay(&run, seed);
    note_what_was_seen(&run);
    all_traces = (all_traces ^ simulated_hash(&run)) * 0x100000001b3u;
    simulated_free(&run);
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL || text[0] == '\0' ? otherwise : strtoull(text, NULL, 10);
}

static void laws_hold_in_random_scenarios(void **state)
{
    (void)state;
    uint64_t only = number_from("RINGSIDE_SEED", 0);
    if (only != 0) {
        random_scenario(&scenario, only);
        print_message("%s", scenario.yaml);
        try_seed(only);
        return;
    }
    uint64_t seeds = number_from("RINGSIDE_SEEDS", 1000);
    for (uint64_t seed = 1; seed <= seeds; seed++)
        try_seed(seed);
    char hash[17];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)all_traces);
    print_message("traces of %llu seeds: %s\n", (unsigned long long)seeds, hash);
    const char *expected = getenv("RINGSIDE_TRACES");
    if (expected != NULL)
        assert_string_equal(hash, expected);
}

// The scenarios are worth the trying only if they reach all that the generator knows of.
static void nothing_is_left_untried(void **state)
{
    (void)state;
    if (number_from("RINGSIDE_SEED", 0) != 0 || number_from("RINGSIDE_SEEDS", 1000) < 200)
        skip();
    static const EventKind kinds[] = {
        EVENT_TASK_CREATED, EVENT_TASK_EXITED, EVENT_TASK_KILLED,   EVENT_ENQUEUED,
        EVENT_SWITCH_IN,    EVENT_SWITCH_OUT,  EVENT_WAKEUP,        EVENT_MIGRATED,
        EVENT_KERNEL_ENTER, EVENT_KERNEL_EXIT, EVENT_IRQ,           EVENT_TIMER_SET,
        EVENT_LOCK_WAIT,    EVENT_LOCK_TAKEN,  EVENT_LOCK_RELEASED, EVENT_JOIN_WAIT,
        EVENT_PRINT,        EVENT_MARK,        EVENT_SPAN_BEGIN,    EVENT_SPAN_END,
        EVENT_DEADLOCK,     EVENT_RUN_END};
    static const OpCode ops[] = {OP_COMPUTE, OP_SLEEP, OP_YIELD,  OP_REPEAT, OP_FOREVER, OP_CALL,
                                 OP_IF,      OP_EXIT,  OP_PRINT,  OP_MARK,   OP_SPAN,    OP_SPAWN,
                                 OP_JOIN,    OP_LOCK,  OP_UNLOCK, OP_WITH};
    static const SwitchReason reasons[] = {
        SWITCH_PREEMPTED_TICK, SWITCH_PREEMPTED_WAKEUP, SWITCH_PREEMPTED_SLICE, SWITCH_YIELDED,
        SWITCH_BLOCKED_SLEEP,  SWITCH_BLOCKED_LOCK,     SWITCH_BLOCKED_JOIN,    SWITCH_EXITED};
    static const SyscallId calls[] = {
        SYSCALL_CLOCK_NANOSLEEP, SYSCALL_SCHED_YIELD, SYSCALL_FUTEX_WAIT, SYSCALL_FUTEX_WAKE,
        SYSCALL_CLONE,           SYSCALL_EXIT,        SYSCALL_WRITE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds_seen[kinds[i]] == 0)
            fail_msg("no run has a record %s", event_info(kinds[i])->id);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (ops_seen[ops[i]] == 0)
            fail_msg("no program has the op %s", op_info(ops[i])->name);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons_seen[reasons[i]] == 0)
            fail_msg("no thread leaves a core: %s", switch_reason_word(reasons[i]));
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (calls_seen[calls[i]] == 0)
            fail_msg("no thread calls %s", syscall_name(calls[i]));
    assert_true(irqs_seen[IRQ_TICK] > 0 && irqs_seen[IRQ_TIMER] > 0);
    assert_true(moves_seen[MIGRATION_WAKEUP] > 0 && moves_seen[MIGRATION_BALANCE] > 0 &&
                moves_seen[MIGRATION_NEW_IDLE] > 0);
    assert_true(ends_seen[END_DONE] > 0 && ends_seen[END_UNTIL] > 0 && ends_seen[END_DEADLOCK] > 0);
}

// ---- the laws themselves

// A law that nothing can break proves nothing: traces damaged in one place, of all kinds.
typedef enum Damage {
    DROP,       // a record is missing
    DOUBLE,     // a record is there twice
    SWAP,       // two neighbours are exchanged
    EARLIER,    // a record has a time before the last one's
    OTHER_CORE, // it happens on another core
    OTHER_TASK, // to another task
    OTHER_A,    // its first argument is one more
    DAMAGE_COUNT
} Damage;

// Returns whether anything was changed.
static bool damage(TraceRecord *copy, size_t *count, size_t at, Damage kind, uint32_t cores)
{
    switch (kind) {
    case DROP:
        memmove(&copy[at], &copy[at + 1], (*count - at - 1) * sizeof *copy);
        --*count;
        return true;
    case DOUBLE:
        memmove(&copy[at + 1], &copy[at], (*count - at) * sizeof *copy);
        ++*count;
        return true;
    case SWAP: {
        if (memcmp(&copy[at], &copy[at + 1], sizeof *copy) == 0)
            return false;
        TraceRecord first = copy[at];
        copy[at] = copy[at + 1];
        copy[at + 1] = first;
        return true;
    }
    case EARLIER:
        if (at == 0 || copy[at - 1].time_ns == 0)
            return false;
        copy[at].time_ns = copy[at - 1].time_ns - 1;
        return true;
    case OTHER_CORE:
        if (copy[at].core == CORE_NONE || cores == 1)
            return false;
        copy[at].core = (int16_t)((copy[at].core + 1) % (int)cores);
        return true;
    case OTHER_TASK:
        if (copy[at].task < 2)
            return false;
        copy[at].task--;
        return true;
    default:
        copy[at].a++;
        return true;
    }
}

static bool says_more(size_t at)
{
    for (size_t i = at + 1; i < record_count; i++)
        if (records[i].task == records[at].task && program_walk_shows(&records[i]))
            return true;
    return false;
}

// Damage that leaves a valid trace of another run, or changes what no law speaks of.
static bool may_pass(size_t at, Damage kind)
{
    const TraceRecord *record = &records[at];
    ArgType type = event_info(record->kind)->arg[0].type;
    switch (kind) {
    case DROP: // of the last deed that is heard of; how often interrupts come is no law
        return record->kind == EVENT_IRQ || !says_more(at);
    case DOUBLE:
    case OTHER_CORE:
        return record->kind == EVENT_IRQ;
    case SWAP: // what two tasks do may come in either order; one may be woken while it leaves
        return record->task != records[at + 1].task || record->kind == EVENT_IRQ ||
               (record->kind == EVENT_SWITCH_OUT &&
                (records[at + 1].kind == EVENT_WAKEUP || records[at + 1].kind == EVENT_DEADLOCK));
    case OTHER_A: // two threads may do the same, and of two reasons to preempt both may hold
        return type == ARG_NONE || type == ARG_VTIME || record->kind == EVENT_IRQ ||
               record->kind == EVENT_TASK_CREATED || !says_more(at) ||
               (record->kind == EVENT_SWITCH_OUT && record->a == SWITCH_PREEMPTED_TICK);
    default:
        return false;
    }
}

static void damage_is_noticed(void **state)
{
    (void)state;
    uint64_t tried[DAMAGE_COUNT] = {0}, missed[DAMAGE_COUNT] = {0};
    Rng rng = rng_make(7, 7);
    static TraceRecord copy[20000];
    uint64_t seeds = number_from("RINGSIDE_SEEDS", 1000) / 20;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        random_scenario(&scenario, seed);
        Simulated run;
        run_text(&run, seed, scenario.yaml);
        keep_records(&run);
        for (int round = 0; round < 40 && record_count > 2 && record_count < 19999; round++) {
            Damage kind = (Damage)rng_below(&rng, DAMAGE_COUNT);
            size_t at = (size_t)rng_below(&rng, record_count - 1), count = record_count;
            memcpy(copy, records, record_count * sizeof *copy);
            if (!damage(copy, &count, at, kind, run.scenario.machine.cores) || may_pass(at, kind))
                continue;
            trace_laws(&run.scenario, copy, count, &run.result, &laws);
            tried[kind]++;
            missed[kind] += laws.hold;
        }
        simulated_free(&run);
    }
    // A few traces are as valid as before for reasons that may_pass does not know of.
    for (int kind = 0; kind < DAMAGE_COUNT; kind++)
        if (missed[kind] * 100 > tried[kind])
            fail_msg("of %llu damages of kind %d, %llu go unnoticed",
                     (unsigned long long)tried[kind], kind, (unsigned long long)missed[kind]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laws_hold_in_random_scenarios),
        cmocka_unit_test(nothing_is_left_untried),
        cmocka_unit_test(damage_is_noticed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(records);
    return failed;
}
