// The loader on good scenarios: values, flattening, names, overrides, limits. What it refuses is
// test_bad.c; numbers and units are test_quantity.c.
#include "sim/scenario/expect.h"
#include "sim/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__})

static Diag diag;
static Scenario scenario;

static int tear_down(void **state)
{
    (void)state;
    scenario_free(&scenario);
    diag_free(&diag);
    return 0;
}

static bool parse_with(const char *text, const char *const *overrides, size_t count)
{
    tear_down(NULL);
    return scenario_parse(&scenario, "t.yaml", text, strlen(text), overrides, count, &diag);
}

static void load_with(const char *text, const char *const *overrides, size_t count)
{
    if (!parse_with(text, overrides, count))
        fail_msg("%s", diag_text(&diag));
}

static void load(const char *text)
{
    load_with(text, NULL, 0);
}

static void assert_text(StringId id, const char *expected)
{
    assert_string_equal(scenario_string(&scenario, id), expected);
}

static void assert_op(uint32_t index, unsigned code, uint32_t next,
                      const uint32_t arg[OP_FIELDS_MAX])
{
    const Op *op = &scenario.ops[index];
    assert_int_equal(op->code, code);
    assert_int_equal(op->next, next);
    for (int i = 0; i < OP_FIELDS_MAX; i++)
        assert_int_equal(op->arg[i], arg[i]);
}
#define ARGS(...) ((const uint32_t[OP_FIELDS_MAX]){__VA_ARGS__})

// --- values -------------------------------------------------------------------------------------

static void what_is_not_said_has_its_default(void **state)
{
    (void)state;
    load("threads:\n  - { name: a, run: [ yield ] }\n");
    assert_string_equal(scenario.title, "");
    assert_string_equal(scenario.overrides, "");
    assert_true(scenario.seed == 1);
    assert_true(scenario.until_ns == 0);
    assert_true(scenario.limits[LIMIT_TASKS] == 4000000);
    assert_int_equal(scenario.machine.cores, 1);
    assert_int_equal(scenario.machine.scheduler, SCHEDULER_EEVDF);
    assert_true(scenario.machine.slice_ns == 0);
    assert_true(scenario.machine.tick_ns == 4000000);
    for (int i = 0; i < COST_COUNT; i++)
        assert_true(scenario.machine.costs[i] == cost_info((CostId)i)->typical_ns);
    assert_int_equal(scenario.process_count, 1);
    assert_text(scenario.processes[0].name, "main");
    const ThreadDef *thread = &scenario.threads[0];
    assert_int_equal(thread->count, 1);
    assert_int_equal(thread->process.index1, 1);
    assert_false(thread->daemon || thread->spawned || thread->several);
    assert_int_equal(thread->nice, 0);
    assert_int_equal(thread->start, 0);
    assert_int_equal(thread->affinity, 0);
}

static void every_value_arrives(void **state)
{
    (void)state;
    load(
        "title: \"A: title\"\nlesson: >\n  Two\n  lines.\nseed: 18446744073709551615\nuntil: 2min\n"
        "limits: { events: 5M, time: 1h }\n"
        "machine:\n  cores: 4\n  tick: 1ms\n  scheduler: { policy: rr, slice: 20ms }\n"
        "  costs: { syscall: 7ns, base: zero }\n"
        "processes:\n"
        "  - name: app\n    runtime: c\n    locks: { cache: lock }\n    threads:\n"
        "      - name: w\n        count: 2k\n        start: exp(5ms)\n        nice: -20\n"
        "        affinity: [ 0, 3 ]\n        slice: 100us\n        run: [ yield ]\n"
        "      - { name: d, daemon: true, affinity: 3, run: [ yield ] }\n"
        "      - { name: e, affinity: [ 3 ], run: [ yield ] }\n");
    assert_string_equal(scenario.title, "A: title");
    assert_string_equal(scenario.lesson, "Two lines.\n");
    assert_true(scenario.seed == UINT64_MAX);
    assert_true(scenario.until_ns == 120000000000);
    assert_true(scenario.limits[LIMIT_EVENTS] == 5000000);
    assert_true(scenario.limits[LIMIT_TIME] == 3600000000000);
    assert_int_equal(scenario.machine.cores, 4);
    assert_true(scenario.machine.tick_ns == 1000000);
    assert_int_equal(scenario.machine.scheduler, SCHEDULER_RR);
    assert_true(scenario.machine.slice_ns == 20000000);
    // The base comes first although it is written last.
    assert_true(scenario.machine.costs[COST_SYSCALL] == 7);
    assert_true(scenario.machine.costs[COST_CONTEXT_SWITCH] == 0);
    assert_int_equal(scenario.sync_count, 1);
    assert_text(scenario.syncs[0].name, "cache");

    const ThreadDef *w = &scenario.threads[0], *d = &scenario.threads[1], *e = &scenario.threads[2];
    assert_int_equal(w->count, 2000);
    assert_int_equal(w->nice, -20);
    assert_true(w->slice_ns == 100000);
    assert_true(w->several && d->daemon);
    const Dist *start = &scenario.dists[w->start - 1];
    assert_int_equal(start->kind, DIST_EXPONENTIAL);
    assert_true(start->a == 5000000);
    const CoreSet *cores = &scenario.core_sets[w->affinity - 1];
    for (int core = 0; core < CORES_MAX; core++)
        assert_int_equal(core_set_has(cores, core), core == 0 || core == 3);
    assert_int_equal(d->affinity, e->affinity); // equal sets are one
    assert_int_equal(w->at.line, 18);
    assert_int_equal(w->at.column, 15);
}

static void round_robin_has_a_slice_of_its_own(void **state)
{
    (void)state;
    load("machine: { scheduler: rr }\nthreads:\n  - { name: a, run: [ yield ] }\n");
    assert_true(scenario.machine.slice_ns == 10000000);
}

static void distributions_have_their_parameters(void **state)
{
    (void)state;
    load("threads:\n  - name: a\n    run:\n"
         "      - compute: uniform(300us, 700us)\n"
         "      - compute: normal(10ms, 2ms)\n"
         "      - compute: lognormal(4ms, 0.5)\n"
         "      - compute: pareto( 1ms , 1.5 )\n"
         "      - compute: choice([1ms, 20ms], [9, 0.5])\n"
         "      - repeat: { times: 2, do: [ { compute: uniform(1ms, 2ms) } ] }\n"
         "      - compute: 2ms\n      - sleep: 2000us\n");
    const Dist *dist = scenario.dists;
    assert_int_equal(dist[0].kind, DIST_UNIFORM);
    assert_true(dist[0].a == 300000 && dist[0].b == 700000);
    assert_int_equal(dist[1].kind, DIST_NORMAL);
    assert_true(dist[1].a == 10000000 && dist[1].b == 2000000);
    assert_int_equal(dist[2].kind, DIST_LOGNORMAL);
    assert_true(dist[2].a == 4000000 && dist[2].b == (int64_t)1 << 31); // 0.5 * 2^32
    assert_int_equal(dist[3].kind, DIST_PARETO);
    assert_true(dist[3].a == 1000000 && dist[3].b == (int64_t)3 << 31); // 1.5 * 2^32
    assert_int_equal(dist[4].kind, DIST_CHOICE);
    assert_int_equal(dist[4].choice_count, 2);
    const DistChoice *choice = &scenario.choices[dist[4].choice_first];
    assert_true(choice[0].ns == 1000000 && choice[0].weight == 9000000);
    assert_true(choice[1].ns == 20000000 && choice[1].weight == 500000);
    // A comma inside parentheses ends no value, not even inside braces.
    assert_int_equal(dist[5].kind, DIST_UNIFORM);
    assert_true(dist[5].a == 1000000 && dist[5].b == 2000000);
    // 2ms and 2000us are one distribution.
    assert_int_equal(scenario.dist_count, 7);
}

// --- flattening ---------------------------------------------------------------------------------

static void blocks_follow_their_owner(void **state)
{
    (void)state;
    load("locks: { l: lock }\n"
         "threads:\n"
         "  - name: a\n"
         "    run:\n"
         "      - repeat:\n"
         "          times: 3\n"
         "          do:\n"
         "            - compute: 1ms\n"
         "            - if:\n"
         "                chance: 100%\n"
         "                then: [ yield ]\n"
         "                else: []\n"
         "            - with: { lock: l, do: [ exit ] }\n"
         "      - print: done\n"
         "      - if: { chance: 0, then: [] }\n");
    // Ops: 0 return, 1 repeat, 2 compute, 3 if, 4 yield, 5 end, 6 end, 7 with, 8 exit, 9 end,
    // 10 end of repeat, 11 print, 12 if, 13 end, 14 return.
    assert_int_equal(scenario.op_count, 15);
    assert_int_equal(scenario.threads[0].entry, 1);
    assert_op(0, OP_RETURN, 1, ARGS(0));
    assert_op(1, OP_REPEAT, 11, ARGS(3, 2));
    assert_op(2, OP_COMPUTE, 3, ARGS(1));
    assert_op(3, OP_IF, 7, ARGS(UINT32_MAX, 4, 6));
    assert_op(4, OP_YIELD, 5, ARGS(0));
    assert_op(5, OP_BLOCK_END, 6, ARGS(3));
    assert_op(6, OP_BLOCK_END, 7, ARGS(3, 1)); // of `else`
    assert_op(7, OP_WITH, 10, ARGS(1, 8));
    assert_op(8, OP_EXIT, 9, ARGS(0));
    assert_op(9, OP_BLOCK_END, 10, ARGS(7));
    assert_op(10, OP_BLOCK_END, 11, ARGS(1));
    assert_int_equal(scenario.ops[11].code, OP_PRINT);
    assert_text((StringId){scenario.ops[11].arg[0]}, "done");
    assert_op(12, OP_IF, 14, ARGS(0, 13, 0)); // no else: 0
    assert_op(13, OP_BLOCK_END, 14, ARGS(12));
    assert_int_equal(scenario.ops[14].code, OP_RETURN);
    assert_int_equal(scenario.op_at[4].line, 11);
    assert_int_equal(scenario.op_at[4].column, 25);
}

static void functions_may_be_named_before_they_come(void **state)
{
    (void)state;
    load("functions:\n"
         "  ping: [ { compute: 1ms }, { call: pong } ]\n" // 1 compute, 2 call, 3 return
         "  pong: [ { call: ping } ]\n"                   // 4 call, 5 return
         "threads:\n"
         "  - { name: a, run: pong }\n"
         "  - { name: b, run: [ { call: { function: ping } } ] }\n"); // 6 call, 7 return
    assert_int_equal(scenario.op_count, 8);
    assert_op(2, OP_CALL, 3, ARGS(4));
    assert_op(4, OP_CALL, 5, ARGS(1));
    assert_op(6, OP_CALL, 7, ARGS(1));
    assert_int_equal(scenario.threads[0].entry, 4);
    assert_int_equal(scenario.threads[1].entry, 6);
}

static void spawns_make_templates(void **state)
{
    (void)state;
    load("processes:\n"
         "  - name: p\n"
         "    functions: { f: [ yield ], g: [ { join: late } ] }\n" // f at 1, g at 3
         "    threads:\n"
         "      - name: main\n"
         "        run:\n"
         "          - spawn: f\n"                              // 5
         "          - spawn: { run: f, as: pair, count: 2 }\n" // 6
         "          - spawn: { run: g, as: late }\n"           // 7
         "          - spawn: { run: f, as: twice }\n"          // 8
         "          - spawn: { run: f, as: twice }\n"          // 9
         "          - repeat: { times: 2, do: [ { spawn: { run: f, as: looped } } ] }\n"
         "          - join: f\n"
         "  - name: q\n    threads: [ { name: f, run: [ yield ] } ]\n");
    // Threads: main, f, pair, late, twice, looped of p; f of q.
    static const char *const names[] = {"main", "f", "pair", "late", "twice", "looped", "f"};
    assert_int_equal(scenario.thread_count, 7);
    for (uint32_t i = 0; i < 7; i++)
        assert_text(scenario.threads[i].name, names[i]);
    assert_op(5, OP_SPAWN, 6, ARGS(1, 2, 0)); // run f, threads 2, count not given
    assert_op(6, OP_SPAWN, 7, ARGS(1, 3, 2));
    assert_op(7, OP_SPAWN, 8, ARGS(3, 4, 0));
    assert_op(8, OP_SPAWN, 9, ARGS(1, 5, 0));
    assert_op(9, OP_SPAWN, 10, ARGS(1, 5, 0)); // shares the template
    assert_op(3, OP_JOIN, 4, ARGS(4));         // in g, before the spawn of `late`
    for (uint32_t i = 1; i < 6; i++) {
        assert_true(scenario.threads[i].spawned);
        assert_int_equal(scenario.threads[i].count, 0);
        assert_int_equal(scenario.threads[i].entry, i == 3 ? 3 : 1);
        // Numbered names where there can be several: by count, by two spawns, in a loop.
        assert_int_equal(scenario.threads[i].several, i == 2 || i == 4 || i == 5);
    }
    char name[96];
    assert_string_equal(task_name(&scenario, (ThreadDefId){1}, 1, name), "main");
    assert_string_equal(task_name(&scenario, (ThreadDefId){2}, 1, name), "p/f");
    assert_string_equal(task_name(&scenario, (ThreadDefId){2}, 2, name), "p/f-2");
    assert_string_equal(task_name(&scenario, (ThreadDefId){3}, 1, name), "pair-1");
    assert_string_equal(task_name(&scenario, (ThreadDefId){7}, 1, name), "q/f");
    assert_string_equal(task_name(&scenario, (ThreadDefId){0}, 1, name), "?");
    assert_string_equal(task_name(&scenario, (ThreadDefId){8}, 1, name), "?");
}

static void names_belong_to_their_process(void **state)
{
    (void)state;
    load("processes:\n"
         "  - name: p\n    locks: { l: lock }\n    functions: { f: [ { lock: l } ] }\n"
         "    threads: [ { name: a, run: f } ]\n"
         "  - name: q\n    locks: { l: lock }\n    functions: { f: [ { lock: l } ] }\n"
         "    threads: [ { name: a, run: f } ]\n");
    assert_int_equal(scenario.sync_count, 2);
    assert_int_equal(scenario.syncs[1].process.index1, 2);
    assert_int_equal(scenario.ops[scenario.threads[0].entry].arg[0], 1);
    assert_int_equal(scenario.ops[scenario.threads[1].entry].arg[0], 2);
    assert_int_equal(scenario.syncs[0].name.index1, scenario.syncs[1].name.index1);
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    // 40 bytes each: "process/thread-4294967295" has 40 + 1 + 40 + 1 + 10 = 92.
    static const char long_name[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmn";
    char text[600], name[96], expected[96];
    snprintf(text, sizeof text,
             "processes:\n  - name: %s\n    threads: [ { name: %s, run: [ yield ] } ]\n"
             "  - name: b\n    threads: [ { name: %s, run: [ yield ] } ]\n",
             long_name, long_name, long_name);
    load(text);
    snprintf(expected, sizeof expected, "%s/%s-4294967295", long_name, long_name);
    assert_string_equal(task_name(&scenario, (ThreadDefId){1}, UINT32_MAX, name), expected);
}

static void every_row_has_an_example_that_loads(void **state)
{
    (void)state;
    for (unsigned code = 0; code < OP_CODE_COUNT; code++) {
        const OpInfo *info = op_info(code);
        if (info == NULL || strcmp(info->group, "asyncio") == 0 ||
            strcmp(info->group, "node") == 0 || strcmp(info->group, "objects") == 0 ||
            strcmp(info->group, "multiprocessing") == 0 || strcmp(info->group, "executors") == 0)
            continue; // those of Python stand elsewhere: test_schema.c
        char text[1000];
        // Names that the examples use.
        snprintf(text, sizeof text,
                 "locks: { cache: lock }\nsemaphores: { slots: 2 }\nconditions: { ready: cache }\n"
                 "events: [ go ]\nbarriers: { phase: 2 }\nqueues: { jobs: 10 }\npipes: [ line "
                 "]\nmessage_queues: { letters: 10 }\n"
                 "variables: { x: 0 }\nfunctions: { handle: [ yield ], work: [ yield ] }\n"
                 "threads:\n  - name: %s\n    run: [ { alloc: { size: 1MiB, as: buffer } }, { "
                 "fork: { run: "
                 "work, as: child } }, { timer: { after: 1ms, run: work, as: bell } } ]\n  - name: "
                 "main\n    run:\n      - %s\n",
                 strstr(info->example, "as: helper") ? "other" : "helper", info->example);
        load(text);
        assert_int_equal(scenario.ops[scenario.threads[1].entry].code, code);
    }
    assert_null(op_info(OP_RETURN));
    assert_null(op_info(OP_BLOCK_END));
    assert_null(op_info(OP_EXCEPT));
    assert_null(op_info(OP_CODE_COUNT));
}

// --- expectations -------------------------------------------------------------------------------

static void expectations_may_hold_colons_in_quotes(void **state)
{
    (void)state;
    load("threads:\n  - { name: a, run: [ { print: \"a: b # c\" } ] }\nexpect:\n"
         "  - makespan == 100ms \xC2\xB1 3%   # a comment\n"
         "  - printed == [\"a: b # c\", \"d: e\"]\n"
         "  - 'makespan <= 5ms'\n"
         "  - makespan\n    <= 6ms\n");
    assert_int_equal(scenario.expect_count, 4);
    assert_string_equal(scenario.expects[0].text, "makespan == 100ms \xC2\xB1 3%");
    assert_string_equal(scenario.expects[1].text, "printed == [\"a: b # c\", \"d: e\"]");
    assert_string_equal(scenario.expects[2].text, "makespan <= 5ms");
    assert_string_equal(scenario.expects[3].text, "makespan <= 6ms");
    assert_int_equal(scenario.expects[1].at.line, 5);
    assert_int_equal(scenario.expects[1].at.column, 5);
}

// --- overrides ----------------------------------------------------------------------------------

static const char app[] = "machine: { cores: 2, costs: zero, scheduler: rr }\n"
                          "processes:\n"
                          "  - name: web\n"
                          "    threads:\n"
                          "      - { name: loop, run: [ yield ] }\n"
                          "      - { name: worker, count: 2, run: [ { compute: 5ms } ] }\n";

static void overrides_change_what_is_there(void **state)
{
    (void)state;
    load_with(app,
              LIST("machine.cores=4", "processes.web.threads.worker.count=3",
                   "processes.0.threads.0.nice=5", "processes.web.threads.worker.run.0.compute=1us",
                   "seed=7", "until=2s", "machine.scheduler.slice=50ms", "machine.costs.tick=3us",
                   "limits.tasks=9"),
              9);
    assert_int_equal(scenario.machine.cores, 4);
    assert_int_equal(scenario.threads[1].count, 3);
    assert_int_equal(scenario.threads[0].nice, 5);
    assert_true(scenario.seed == 7);
    assert_true(scenario.until_ns == 2000000000);
    assert_int_equal(scenario.machine.scheduler, SCHEDULER_RR); // as written, now with a slice
    assert_true(scenario.machine.slice_ns == 50000000);
    assert_true(scenario.machine.costs[COST_TICK] == 3000); // zero as written, but for this one
    assert_true(scenario.machine.costs[COST_SYSCALL] == 0);
    assert_true(scenario.limits[LIMIT_TASKS] == 9);
    const Op *compute = &scenario.ops[scenario.threads[1].entry];
    assert_true(scenario.dists[compute->arg[0] - 1].a == 1000);
    assert_true(strncmp(scenario.overrides, "machine.cores=4\n", 16) == 0);
    assert_non_null(strstr(scenario.overrides, "\nseed=7\n"));
}

static void the_last_override_wins_and_maps_are_values(void **state)
{
    (void)state;
    load_with(app,
              LIST("machine.cores=3", "machine={cores: 8, scheduler: fifo}", "machine.cores=9"), 3);
    assert_int_equal(scenario.machine.cores, 9);
    assert_int_equal(scenario.machine.scheduler, SCHEDULER_FIFO);
    assert_true(scenario.machine.costs[COST_SYSCALL] > 0); // the whole map was replaced
}

static void overrides_make_the_maps_that_have_defaults(void **state)
{
    (void)state;
    load_with("threads:\n  - { name: a, run: [ yield ] }\n",
              LIST("machine.scheduler.slice=3ms", "machine.costs.tick=1us", "limits.time=1s",
                   "threads.a.count=5"),
              4);
    assert_int_equal(scenario.machine.scheduler, SCHEDULER_EEVDF);
    assert_true(scenario.machine.slice_ns == 3000000);
    assert_true(scenario.machine.costs[COST_TICK] == 1000);
    assert_true(scenario.machine.costs[COST_SYSCALL] == cost_info(COST_SYSCALL)->typical_ns);
    assert_true(scenario.limits[LIMIT_TIME] == 1000000000);
    assert_int_equal(scenario.threads[0].count, 5);
}

// --- sizes --------------------------------------------------------------------------------------

static void a_million_threads_are_one_definition(void **state)
{
    (void)state;
    load("threads:\n  - { name: a, count: 1000000, run: [ { sleep: 1ms }, { compute: 1ms } ] }\n");
    assert_int_equal(scenario.threads[0].count, 1000000);
    assert_int_equal(scenario.thread_count, 1);
    assert_int_equal(scenario.dist_count, 1);
    assert_true(scenario.arena.bytes < 1 << 20);
}

// A thread with `count` times the same op.
static char *many_ops(const char *op, size_t count)
{
    static const char head[] = "threads:\n- name: a\n  run:\n";
    char *text = malloc(sizeof head + count * (strlen(op) + 5));
    assert_non_null(text);
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(stpcpy(stpcpy(at, "  - "), op), "\n");
    return text;
}

static void a_million_ops_is_the_limit(void **state)
{
    (void)state;
    // 1,000,000 with the return at the beginning and the one at the end.
    char *text = many_ops("yield", 999998);
    bool good = parse_with(text, NULL, 0);
    free(text);
    assert_true(good);
    assert_int_equal(scenario.op_count, 1000000);
    text = many_ops("yield", 999999);
    good = parse_with(text, NULL, 0);
    free(text);
    assert_false(good);
    assert_int_equal(diag.errors, 1);
    assert_non_null(strstr(diag_text(&diag), "more than 1000000 operations"));
}

static void a_file_of_nothing_but_mistakes_is_answered(void **state)
{
    (void)state;
    char *text = many_ops("yeild", 200000);
    bool good = parse_with(text, NULL, 0);
    free(text);
    assert_false(good);
    assert_int_equal(diag.errors, 200000);
    assert_non_null(strstr(diag_text(&diag), "and 199980 more errors"));
    assert_true(diag.arena.bytes < 8 << 20);
}

static void too_large_is_refused(void **state)
{
    (void)state;
    size_t size = ((size_t)16 << 20) + 1;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '#', size);
    text[size] = '\0';
    bool good = parse_with(text, NULL, 0);
    free(text);
    assert_false(good);
    assert_string_equal(diag_text(&diag), "t.yaml: error: the file is larger than 16 MiB\n");
}

static void a_missing_file_is_a_message(void **state)
{
    (void)state;
    tear_down(NULL);
    assert_false(scenario_load(&scenario, "/nowhere/x.yaml", NULL, 0, &diag));
    assert_string_equal(diag_text(&diag),
                        "error: cannot open '/nowhere/x.yaml': No such file or directory\n");
    assert_false(scenario_load(&scenario, "/", NULL, 0, &diag));
    assert_non_null(strstr(diag_text(&diag), "cannot read '/': Is a directory"));
}

static void messages_outlive_their_scenario(void **state)
{
    (void)state;
    tear_down(NULL);
    char *text = strdup("threads:\n  - { name: a, run: [ { compute: 5 } ] }\n");
    assert_false(scenario_parse(&scenario, "t.yaml", text, strlen(text), NULL, 0, &diag));
    scenario_free(&scenario);
    free(text);
    assert_string_equal(diag_text(&diag),
                        "t.yaml:2:34: error: 'compute' needs a duration with a unit (ns, us, ms, "
                        "s); found '5'\n"
                        "    2 |   - { name: a, run: [ { compute: 5 } ] }\n"
                        "      |                                  ^ did you mean 5ms?\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(every_value_arrives),
        cmocka_unit_test(round_robin_has_a_slice_of_its_own),
        cmocka_unit_test(distributions_have_their_parameters),
        cmocka_unit_test(blocks_follow_their_owner),
        cmocka_unit_test(functions_may_be_named_before_they_come),
        cmocka_unit_test(spawns_make_templates),
        cmocka_unit_test(names_belong_to_their_process),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(every_row_has_an_example_that_loads),
        cmocka_unit_test(expectations_may_hold_colons_in_quotes),
        cmocka_unit_test(overrides_change_what_is_there),
        cmocka_unit_test(the_last_override_wins_and_maps_are_values),
        cmocka_unit_test(overrides_make_the_maps_that_have_defaults),
        cmocka_unit_test(a_million_threads_are_one_definition),
        cmocka_unit_test(a_million_ops_is_the_limit),
        cmocka_unit_test(a_file_of_nothing_but_mistakes_is_answered),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(a_missing_file_is_a_message),
        cmocka_unit_test(messages_outlive_their_scenario),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
