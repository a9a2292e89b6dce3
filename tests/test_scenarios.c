// The scenarios that ship: every file of scenarios/<chapter>/ is run, its expect: lines must hold,
// and each of them must be able to fail. What the lines say is the scenario's business, with its
// arithmetic beside it; nothing here knows any of them.
#include "sim/analysis/metrics.h"
#include "sim/base/array.h"
#include "sim/ringside.h"
#include "sim/scenario/expect.h"
#include "sim/trace/sinks.h"
#include "tests/slow_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <inttypes.h>

// ---- finding them

typedef ARRAY(char *) Paths;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Appends "folder/name" of every entry whose name ends in `ending` and does not begin with a dot.
static void list_folder(Paths *paths, const char *folder, const char *ending)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name), tail = strlen(ending);
        if (entry->d_name[0] == '.' || length < tail ||
            strcmp(entry->d_name + length - tail, ending) != 0)
            continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        *ARRAY_PUSH(paths) = strdup(path);
    }
    closedir(directory);
    if (paths->count > 0)
        qsort(paths->at, paths->count, sizeof *paths->at, by_text);
}

static void paths_free(Paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->at[i]);
    ARRAY_FREE(paths);
}

static Paths find_scenarios(void)
{
    Paths chapters = {0}, scenarios = {0};
    list_folder(&chapters, RINGSIDE_SOURCE_DIR "/scenarios", "");
    for (size_t i = 0; i < chapters.count; i++)
        list_folder(&scenarios, chapters.at[i], ".yaml");
    paths_free(&chapters);
    return scenarios;
}

// The path from the folder of the chapters on, for messages.
static const char *short_name(const char *path)
{
    return path + strlen(RINGSIDE_SOURCE_DIR "/scenarios/");
}

// ---- running one

typedef struct Change Change;

typedef struct Run {
    Scenario scenario;
    RunResult result;
    Metrics metrics; // open when `ran`
    uint64_t hash;
    bool loaded, ran;
    char message[1024]; // why it did not load or run
} Run;

// Something about a scenario that an expectation may depend on: an override, as a person would
// give it, or a change of the compiled scenario.
struct Change {
    const char *name;
    const char *override;
    void (*apply)(Scenario *scenario);
};

static void run_open(Run *run, const char *path, const Change *change)
{
    memset(run, 0, sizeof *run);
    Diag diag = {0};
    const char *override = change == NULL ? NULL : change->override;
    run->loaded = scenario_load(&run->scenario, path, &override, override != NULL, &diag);
    if (run->loaded) {
        if (change != NULL) {
            // A changed scenario may go on for ever.
            run->scenario.limits[LIMIT_EVENTS] = 4000000;
            run->scenario.limits[LIMIT_TIME] = INT64_C(1000) * 1000 * 1000 * 1000;
        }
        if (change != NULL && change->apply != NULL)
            change->apply(&run->scenario);
        HashSink hash;
        hash_sink_open(&hash);
        metrics_open(&run->metrics, &run->scenario);
        TraceSink *sinks[] = {&hash.sink, &run->metrics.sink};
        Trace trace;
        trace_open(&trace, sinks, 2);
        run->ran = ringside_run(&run->scenario, &trace, &run->result, &diag);
        trace_close(&trace);
        metrics_finish(&run->metrics, &run->result);
        run->hash = hash_sink_value(&hash);
    }
    if (!run->ran)
        snprintf(run->message, sizeof run->message, "%s", diag_text(&diag));
    diag_free(&diag);
}

static void run_close(Run *run)
{
    if (run->loaded) {
        metrics_free(&run->metrics);
        scenario_free(&run->scenario);
    }
}

// Opens and requires that it ran.
static void run_shipped(Run *run, const char *path)
{
    run_open(run, path, NULL);
    if (run->ran)
        return;
    char message[1024];
    memcpy(message, run->message, sizeof message);
    run_close(run);
    fail_msg("%s", message);
}

static bool line_holds(Run *run, uint32_t line, Arena *arena, const char **found)
{
    ExpectSource source = metrics_expect_source(&run->metrics);
    return expect_holds(&run->scenario, &run->scenario.expects[line], &source, arena, found);
}

// ---- what must be so of every scenario

static void test_says_what_it_teaches(void **state)
{
    const char *path = *state;
    Run run;
    run_shipped(&run, path);
    const Scenario *scenario = &run.scenario;
    bool titled = scenario->title != NULL && scenario->title[0] != '\0';
    bool taught = scenario->lesson != NULL && strlen(scenario->lesson) >= 20;
    uint32_t expects = scenario->expect_count;
    run_close(&run);
    if (!titled)
        fail_msg("%s has no title", short_name(path));
    if (!taught)
        fail_msg("%s has no lesson", short_name(path));
    if (expects == 0)
        fail_msg("%s has no expect: line", short_name(path));
}

static void test_expectations_hold(void **state)
{
    const char *path = *state;
    Run run;
    run_shipped(&run, path);
    Arena arena = {0};
    int broken = 0;
    bool expects_deadlock = false;
    for (uint32_t i = 0; i < run.scenario.expect_count; i++) {
        const Expect *expect = &run.scenario.expects[i];
        const char *found = "";
        expects_deadlock = expects_deadlock || strstr(expect->text, "deadlocked") != NULL;
        if (line_holds(&run, i, &arena, &found))
            continue;
        broken++;
        print_error("%s:%u: %s\n    found %s\n", short_name(path), expect->at.line, expect->text,
                    found);
    }
    EndReason end = run.result.end;
    bool ends_at_until = run.scenario.until_ns != 0;
    arena_free(&arena);
    run_close(&run);
    assert_int_equal(broken, 0);
    // An end that nobody announced is a mistake of the scenario, or of the machine.
    if (end == END_LIMIT || (end == END_UNTIL && !ends_at_until) ||
        (end == END_DEADLOCK && !expects_deadlock))
        fail_msg("%s: the run ends unexpectedly: %s", short_name(path), end_reason_text(end));
}

// On every core, time is user, kernel, interrupt or idle; what the cores gave, the threads got.
// Returns how many of these sums are wrong.
static int wrong_sums(const Run *run, const char *path)
{
    int wrong = 0;
    int64_t makespan_ns = metrics_makespan_ns(&run->metrics);
    int64_t threads_ns = 0, cores_ns = 0;
    for (uint32_t i = 0; i < run->metrics.core_count; i++) {
        const CoreMetrics *core = &run->metrics.cores[i];
        int64_t total = core->user_ns + core->kernel_ns + core->interrupt_ns + core->idle_ns;
        cores_ns += core->user_ns + core->kernel_ns;
        if (total == makespan_ns)
            continue;
        wrong++;
        print_error("%s: core %u has %" PRId64 " ns of %" PRId64 "\n", short_name(path), i, total,
                    makespan_ns);
    }
    for (uint32_t id = 1; id <= run->metrics.threads.id_max; id++) {
        const ThreadMetrics *thread = metrics_thread(&run->metrics, id);
        if (thread != NULL)
            threads_ns += thread->cpu_user_ns + thread->cpu_kernel_ns;
    }
    if (threads_ns != cores_ns) {
        wrong++;
        print_error("%s: the threads had %" PRId64 " ns, the cores gave %" PRId64 "\n",
                    short_name(path), threads_ns, cores_ns);
    }
    return wrong;
}

// The same run twice is the same trace, and its times add up.
static void test_is_exact(void **state)
{
    const char *path = *state;
    Run run, again;
    run_shipped(&run, path);
    run_shipped(&again, path);
    uint64_t hash = run.hash, hash_again = again.hash;
    int wrong = wrong_sums(&run, path);
    run_close(&run);
    run_close(&again);
    assert_true(hash == hash_again);
    assert_int_equal(wrong, 0);
}

// Also where everything costs something, whatever costs the scenario itself asks for.
static void test_adds_up_with_typical_costs(void **state)
{
    static const Change typical = {"typical costs", "machine.costs=typical", NULL};
    const char *path = *state;
    Run run;
    run_open(&run, path, &typical);
    int wrong = run.ran ? wrong_sums(&run, path) : 1;
    bool cut_short = run.ran && run.result.end == END_LIMIT;
    if (!run.ran)
        print_error("%s\n", run.message);
    run_close(&run);
    assert_int_equal(wrong, 0);
    assert_false(cut_short);
}

// ---- what could be otherwise

static void scale_durations(Scenario *scenario, uint32_t first, uint32_t last, int64_t by,
                            int64_t over)
{
    for (uint32_t i = first; i <= last && i < scenario->dist_count; i++) {
        Dist *dist = &scenario->dists[i];
        dist->a = dist->a * by / over;
        if (dist->kind == DIST_UNIFORM || dist->kind == DIST_NORMAL)
            dist->b = dist->b * by / over;
    }
}

static void double_durations(Scenario *scenario)
{
    scale_durations(scenario, 0, UINT32_MAX, 2, 1);
}

static void halve_durations(Scenario *scenario)
{
    scale_durations(scenario, 0, UINT32_MAX, 1, 2);
}

static void lengthen_first(Scenario *scenario)
{
    scale_durations(scenario, 0, 0, 10, 1);
}

static void lengthen_last(Scenario *scenario)
{
    scale_durations(scenario, scenario->dist_count - 1, UINT32_MAX, 10, 1);
}

static void add_rounds(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_REPEAT)
            scenario->ops[i].arg[0]++;
}

static void add_threads(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        ThreadDef *thread = &scenario->threads[i];
        if (thread->spawned)
            continue;
        thread->count++;
        thread->several = true;
    }
}

static void forget_preferences(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        scenario->threads[i].nice = 0;
        scenario->threads[i].affinity = 0;
        scenario->threads[i].slice_ns = 0;
    }
}

static void flip_daemons(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->thread_count; i++)
        scenario->threads[i].daemon = !scenario->threads[i].daemon;
}

static void share_one_lock(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code == OP_LOCK || op->code == OP_UNLOCK || op->code == OP_WITH)
            op->arg[0] = 1;
    }
}

// `with` becomes a block, `lock` and `unlock` a condition that never holds.
static void take_no_locks(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code == OP_WITH) {
            op->code = OP_REPEAT;
            op->arg[0] = 1;
        } else if (op->code == OP_LOCK || op->code == OP_UNLOCK) {
            op->code = OP_IF;
            op->arg[0] = 0;
        }
    }
}

// Semaphores, barriers and queues of another size; one without a bound gets one.
static void widen_objects(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->sync_count; i++)
        scenario->syncs[i].parameter += 3;
}

static void narrow_objects(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->sync_count; i++)
        if (scenario->syncs[i].parameter > 1)
            scenario->syncs[i].parameter--;
}

// Queues by age, a rwlock that prefers the others, wake-ups only for a reason.
static void change_preferences(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->sync_count; i++) {
        scenario->syncs[i].by_priority = false;
        scenario->syncs[i].spurious = 0;
        scenario->syncs[i].prefer_writers = !scenario->syncs[i].prefer_writers;
    }
}

static void plain_locks(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->sync_count; i++)
        if (sync_is_lock(scenario->syncs[i].kind))
            scenario->syncs[i].kind = SYNC_LOCK;
}

// `while` does not look, and does its ops once.
static void do_not_look(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code == OP_WHILE) {
            op->code = OP_REPEAT;
            op->arg[0] = 1;
        }
    }
}

// Nobody wakes anybody: `set`, `release` and the notifications do something else.
static void wake_nobody(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code != OP_SET && op->code != OP_RELEASE && op->code != OP_NOTIFY &&
            op->code != OP_NOTIFY_ALL)
            continue;
        op->code = OP_IF; // a condition that never holds
        op->asyncio = false;
        memset(op->arg, 0, sizeof op->arg);
    }
}

// What is in cycles is not, and the other way round; nothing is frozen.
static void turn_objects(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code == OP_NEW_OBJECTS)
            op->arg[2] = op->arg[2] == 0;
        else if (op->code == OP_GC_FREEZE)
            op->code = OP_GC_DISABLE;
    }
}

static void double_costs(Scenario *scenario)
{
    for (int i = 0; i < COST_COUNT; i++)
        scenario->machine.costs[i] *= 2;
}

static void make_atomic(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->variable_count; i++)
        scenario->variables[i].atomic = true;
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_ADD)
            scenario->ops[i].code = OP_ATOMIC_ADD;
}

// A swap becomes an addition of what it would have added, which may be nothing.
static void make_plain(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->variable_count; i++)
        scenario->variables[i].atomic = false;
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code == OP_COMPARE_AND_SWAP)
            op->arg[1] = op->arg[3];
        if (op->code == OP_COMPARE_AND_SWAP || op->code == OP_ATOMIC_ADD)
            op->code = OP_ADD;
    }
}

static void double_sizes(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->size_count; i++)
        scenario->sizes[i] *= 2;
    scenario->machine.memory_pages *= 4;
}

// Writers of streams do not wait for their buffers.
static void drain_nothing(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code != OP_WRITER_DRAIN)
            continue;
        op->code = OP_IF; // a condition that never holds
        memset(op->arg, 0, sizeof op->arg);
    }
}

static void start_one_child(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_FORK || scenario->ops[i].code == OP_SPAWN_PROCESS)
            scenario->ops[i].arg[2] = 1;
}

// What would be killed goes on.
static void send_no_signals(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        Op *op = &scenario->ops[i];
        if (op->code == OP_KILL)
            op->arg[1] = SIGNAL_CHLD + 1;
    }
}

// The build of CPython with a GIL becomes one without, and the other way round.
static void flip_gil(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->process_count; i++) {
        Runtime *runtime = &scenario->processes[i].runtime;
        if (runtime->python)
            runtime->has_gil = !runtime->has_gil;
    }
}

static void widen_executors(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->executor_count; i++)
        scenario->executors[i].workers++;
}

static void narrow_executors(Scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->executor_count; i++)
        scenario->executors[i].workers -= scenario->executors[i].workers > 1;
}

static const Change changes[] = {
    {"one more round of every repeat", NULL, add_rounds},
    {"durations doubled", NULL, double_durations},
    {"durations halved", NULL, halve_durations},
    {"one core", "machine.cores=1", NULL},
    {"two cores", "machine.cores=2", NULL},
    {"sixteen cores", "machine.cores=16", NULL},
    {"FIFO", "machine.scheduler=fifo", NULL},
    {"round robin", "machine.scheduler=rr", NULL},
    {"EEVDF", "machine.scheduler=eevdf", NULL},
    {"no costs", "machine.costs=zero", NULL},
    {"typical costs", "machine.costs=typical", NULL},
    {"objects turned", NULL, turn_objects},
    {"costs doubled", NULL, double_costs},
    {"a tick of 1 ms", "machine.tick=1ms", NULL},
    {"a tick of 10 ms", "machine.tick=10ms", NULL},
    {"the first duration ten times as long", NULL, lengthen_first},
    {"the last duration ten times as long", NULL, lengthen_last},
    {"one more thread of every entry", NULL, add_threads},
    {"no nice level, affinity or slice", NULL, forget_preferences},
    {"daemons and others swapped", NULL, flip_daemons},
    {"one lock for all", NULL, share_one_lock},
    {"no locks", NULL, take_no_locks},
    {"variables that are atomic", NULL, make_atomic},
    {"nothing that is atomic", NULL, make_plain},
    {"larger semaphores, barriers and queues", NULL, widen_objects},
    {"smaller semaphores, barriers and queues", NULL, narrow_objects},
    {"other preferences", NULL, change_preferences},
    {"plain locks", NULL, plain_locks},
    {"loops that do not look", NULL, do_not_look},
    {"nobody wakes anybody", NULL, wake_nobody},
    {"sizes doubled", NULL, double_sizes},
    {"streams that are not drained", NULL, drain_nothing},
    {"one child of every fork", NULL, start_one_child},
    {"no signals", NULL, send_no_signals},
    {"the other kind of interpreter", NULL, flip_gil},
    {"a thread more in every executor", NULL, widen_executors},
    {"a thread fewer in every executor", NULL, narrow_executors},
};

enum { CHANGES = sizeof changes / sizeof changes[0], LINES_MAX = 64 };

// Whether the line compared two values. One that asks for a value that there is not, or for one of
// several, has not been refuted.
static bool compared(const char *found)
{
    return strstr(found, "expected") != NULL;
}

// An expectation that holds whatever the machine does checks nothing. So each line must be false
// after at least one of the changes, which are the same for every scenario.
static void test_every_line_can_fail(void **state)
{
    const char *path = *state;
    bool failed[LINES_MAX] = {false};
    char text[LINES_MAX][256];
    uint32_t lines = 0, left = 1;
    for (size_t i = 0; i < CHANGES && left > 0; i++) {
        Run run;
        run_open(&run, path, &changes[i]);
        // It has no such core, unlocks what another thread has locked, or goes on for ever.
        if (!run.ran || run.result.end == END_LIMIT) {
            run_close(&run);
            continue;
        }
        lines = run.scenario.expect_count < LINES_MAX ? run.scenario.expect_count : LINES_MAX;
        left = 0;
        Arena arena = {0};
        for (uint32_t line = 0; line < lines; line++) {
            const char *found;
            snprintf(text[line], sizeof text[line], "%s", run.scenario.expects[line].text);
            if (!line_holds(&run, line, &arena, &found) && compared(found))
                failed[line] = true;
            left += !failed[line];
        }
        arena_free(&arena);
        run_close(&run);
    }
    for (uint32_t line = 0; line < lines; line++)
        if (!failed[line])
            print_error("%s: %s\n    holds after every change\n", short_name(path), text[line]);
    assert_true(lines > 0);
    assert_int_equal(left, 0);
}

// ---- all of them

static void test_there_are_enough(void **state)
{
    const Paths *paths = *state;
    assert_true(paths->count >= 120);
}

int main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } kinds[] = {
        {"says what it teaches", test_says_what_it_teaches},
        {"expectations hold", test_expectations_hold},
        {"is exact", test_is_exact},
        {"adds up with typical costs", test_adds_up_with_typical_costs},
        {"every line can fail", test_every_line_can_fail},
    };
    enum { KINDS = sizeof kinds / sizeof kinds[0] };

    Paths paths = find_scenarios();
    struct CMUnitTest *tests = calloc(paths.count * KINDS + 1, sizeof *tests);
    Paths names = {0};
    size_t count = 0;
    tests[count++] = (struct CMUnitTest){"there are enough scenarios", test_there_are_enough, NULL,
                                         NULL, &paths};
    for (size_t i = 0; i < paths.count; i++) {
        for (size_t kind = 0; kind < KINDS; kind++) {
            if (kinds[kind].function == test_every_line_can_fail && i % SLOW_BUILD_STRIDE != 0)
                continue;
            char name[512];
            snprintf(name, sizeof name, "%s: %s", short_name(paths.at[i]), kinds[kind].name);
            *ARRAY_PUSH(&names) = strdup(name);
            tests[count++] = (struct CMUnitTest){names.at[names.count - 1], kinds[kind].function,
                                                 NULL, NULL, paths.at[i]};
        }
    }
    int failures = _cmocka_run_group_tests("scenarios", tests, count, NULL, NULL);
    free(tests);
    paths_free(&names);
    paths_free(&paths);
    return failures;
}
