// The schema against a small validator and every scenario that ships; the reference against the
// committed file, and every example in it against the loader and the machine.
#include "sim/analysis/report.h"
#include "sim/base/array.h"
#include "sim/scenario/keys.h"
#include "sim/scenario/node.h"
#include "sim/scenario/reference.h"
#include "sim/scenario/schema.h"
#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fts.h>
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Arena arena;
static json_t *schema;
static const char *reference;

static int open_texts(void **state)
{
    (void)state;
    json_error_t error;
    schema = json_loads(schema_text(&arena), JSON_REJECT_DUPLICATES, &error);
    reference = reference_text(&arena);
    if (schema == NULL)
        print_error("line %d: %s\n", error.line, error.text);
    return schema == NULL;
}

static int close_texts(void **state)
{
    (void)state;
    json_decref(schema);
    arena_free(&arena);
    return 0;
}

// -- A validator of the keywords that the schema uses -------------------------------------------

static bool valid(const json_t *rule, const json_t *value);

static bool has_type(const char *type, const json_t *value)
{
    static const char *const names[] = {"object", "array",   "string",  "integer",
                                        "number", "boolean", "boolean", "null"};
    return strcmp(type, names[json_typeof(value)]) == 0 ||
           (strcmp(type, "number") == 0 && json_is_integer(value));
}

static bool valid_type(const json_t *types, const json_t *value)
{
    if (json_is_string(types))
        return has_type(json_string_value(types), value);
    for (size_t i = 0; i < json_array_size(types); i++)
        if (has_type(json_string_value(json_array_get(types, i)), value))
            return true;
    return false;
}

static bool valid_pattern(const char *pattern, const json_t *value)
{
    regex_t regex;
    if (!json_is_string(value))
        return true;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool good = regexec(&regex, json_string_value(value), 0, NULL, 0) == 0;
    regfree(&regex);
    return good;
}

static bool valid_any(const json_t *rules, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(rules); i++)
        if (valid(json_array_get(rules, i), value))
            return true;
    return false;
}

static bool valid_object(const json_t *rule, json_t *value)
{
    const json_t *properties = json_object_get(rule, "properties");
    const json_t *others = json_object_get(rule, "additionalProperties");
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item)
    {
        const json_t *property = json_object_get(properties, key);
        if (property != NULL ? !valid(property, item)
                             : json_is_false(others) || (others != NULL && !valid(others, item)))
            return false;
    }
    const json_t *required = json_object_get(rule, "required");
    for (size_t i = 0; i < json_array_size(required); i++)
        if (json_object_get(value, json_string_value(json_array_get(required, i))) == NULL)
            return false;
    return true;
}

static bool valid_array(const json_t *items, const json_t *value)
{
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        if (!valid(items, json_array_get(value, i)))
            return false;
    return true;
}

static bool is_one_of(const json_t *choices, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(choices); i++)
        if (json_equal(json_array_get(choices, i), value))
            return true;
    return false;
}

static const json_t *referred(const char *path)
{
    assert_memory_equal(path, "#/$defs/", 8);
    const json_t *rule = json_object_get(json_object_get(schema, "$defs"), path + 8);
    if (rule == NULL)
        fail_msg("no %s", path);
    return rule;
}

// One keyword of a rule; those that hold for objects are checked together at "properties" and
// "additionalProperties". An unknown keyword is a mistake of the schema.
static bool valid_keyword(const json_t *rule, const char *keyword, const json_t *wanted,
                          const json_t *value)
{
    static const char *const silent[] = {"description", "title", "$schema", "$defs", "required"};
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        if (strcmp(keyword, silent[i]) == 0)
            return true;
    if (strcmp(keyword, "$ref") == 0)
        return valid(referred(json_string_value(wanted)), value);
    if (strcmp(keyword, "anyOf") == 0)
        return valid_any(wanted, value);
    if (strcmp(keyword, "enum") == 0)
        return is_one_of(wanted, value);
    if (strcmp(keyword, "type") == 0)
        return valid_type(wanted, value);
    if (strcmp(keyword, "pattern") == 0)
        return valid_pattern(json_string_value(wanted), value);
    if (strcmp(keyword, "minimum") == 0)
        return !json_is_number(value) || json_number_value(value) >= json_number_value(wanted);
    if (strcmp(keyword, "maximum") == 0)
        return !json_is_number(value) || json_number_value(value) <= json_number_value(wanted);
    if (strcmp(keyword, "minProperties") == 0)
        return !json_is_object(value) ||
               json_object_size(value) >= (size_t)json_integer_value(wanted);
    if (strcmp(keyword, "maxProperties") == 0)
        return !json_is_object(value) ||
               json_object_size(value) <= (size_t)json_integer_value(wanted);
    if (strcmp(keyword, "items") == 0)
        return valid_array(wanted, value);
    if (strcmp(keyword, "properties") != 0 && strcmp(keyword, "additionalProperties") != 0)
        fail_msg("keyword %s", keyword);
    return !json_is_object(value) || valid_object(rule, (json_t *)value);
}

static bool valid(const json_t *rule, const json_t *value)
{
    const char *keyword;
    json_t *wanted;
    json_object_foreach((json_t *)rule, keyword, wanted)
    {
        if (!valid_keyword(rule, keyword, wanted, value))
            return false;
    }
    return true;
}

// -- From YAML to JSON, by the core schema of YAML 1.2 -------------------------------------------

static json_t *scalar_json(const Node *node)
{
    char *end;
    if (!node->plain)
        return json_string(node->text);
    if (node_is_null(node))
        return json_null();
    if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
        return json_boolean(node->text[0] == 't');
    if (strspn(node->text, "+-.0123456789eE") != strlen(node->text))
        return json_string(node->text);
    long long whole = strtoll(node->text, &end, 10);
    if (*end == '\0')
        return json_integer(whole);
    double number = strtod(node->text, &end);
    return *end == '\0' ? json_real(number) : json_string(node->text);
}

static json_t *node_json(const Node *node)
{
    if (node->kind == NODE_TEXT)
        return scalar_json(node);
    json_t *json = node->kind == NODE_LIST ? json_array() : json_object();
    for (const Node *child = node->first; child != NULL; child = child->next)
        if (node->kind == NODE_LIST)
            json_array_append_new(json, node_json(child));
        else
            json_object_set_new(json, child->key->text, node_json(child));
    return json;
}

static bool yaml_is_valid(const char *yaml)
{
    Arena scratch = {0};
    Diag diag = {.source = yaml};
    Node *root;
    if (!node_read(yaml, strlen(yaml), &scratch, &root, &diag))
        fail_msg("%s\n%s", yaml, diag_text(&diag));
    json_t *json = node_json(root);
    bool good = valid(schema, json);
    json_decref(json);
    arena_free(&scratch);
    diag_free(&diag);
    return good;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    ARRAY(char) text = {0};
    for (int c = getc(file); c != EOF; c = getc(file))
        *ARRAY_PUSH(&text) = (char)c;
    *ARRAY_PUSH(&text) = '\0';
    fclose(file);
    char *copy = arena_text(&arena, text.at, text.count);
    ARRAY_FREE(&text);
    return copy;
}

static const char *format(const char *pattern, ...)
{
    va_list values;
    va_start(values, pattern);
    const char *text = arena_vformat(&arena, pattern, values);
    va_end(values);
    return text;
}

// -- The schema ---------------------------------------------------------------------------------

// Whether every $ref of a rule leads somewhere.
static void check_references(json_t *rule)
{
    const char *key;
    json_t *value;
    size_t index;
    if (json_is_array(rule))
        json_array_foreach(rule, index, value)
        {
            check_references(value);
        }
    json_object_foreach(rule, key, value)
    {
        if (strcmp(key, "$ref") == 0 && json_is_string(value))
            referred(json_string_value(value));
        check_references(value);
    }
}

static void test_schema_is_whole(void **state)
{
    (void)state;
    assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    check_references(schema);
    size_t count;
    const KeyInfo *infos = key_infos(&count);
    for (size_t i = 0; i < count; i++)
        if (infos[i].section == KEYS_SCENARIO)
            assert_non_null(json_object_get(json_object_get(schema, "properties"), infos[i].name));
}

static void test_shipped_scenarios_are_valid(void **state)
{
    (void)state;
    char *folders[] = {(char *)RINGSIDE_SOURCE_DIR "/scenarios", NULL};
    FTS *tree = fts_open(folders, FTS_LOGICAL, NULL);
    assert_non_null(tree);
    for (FTSENT *entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
        const char *dot = strrchr(entry->fts_name, '.');
        if (entry->fts_info != FTS_F || dot == NULL || strcmp(dot, ".yaml") != 0)
            continue;
        if (!yaml_is_valid(read_file(entry->fts_path)))
            fail_msg("the schema refuses %s", entry->fts_path);
    }
    fts_close(tree);
}

static void test_wrong_scenarios_are_not(void **state)
{
    (void)state;
    static const char *const good[] = {
        "threads: [ { name: a, run: [ yield ] } ]",
        "machine: { cores: 4, scheduler: fifo, tick: 1ms, costs: { base: zero, syscall: 1us } }",
        "limits: { events: 5G, time: 3h, tasks: 1_000 }\nuntil: 2.5 s\nseed: 0",
        "threads: [ { name: a, affinity: [ 0, 3 ], nice: -20, daemon: true, run: [] } ]",
        "machine: { scheduler: { policy: mlfq, slice: [10ms, 20ms], allotment: 2, boost: 1s } }",
        "threads: [ { name: a, policy: rr 99, tickets: 5, estimate: 2ms, run: [] } ]",
        "threads: [ { name: a, policy: { deadline: { runtime: 5ms, period: 1s } }, run: [] } ]",
        "workload: { generate: mlfq, seed: 7, jobs: 4, maxio: 20 }",
    };
    static const char *const bad[] = {
        "thread: []",
        "machine: { core: 2 }",
        "machine: { cores: 0 }",
        "machine: { scheduler: cfss }",
        "machine: { scheduler: { policy: rr, queue: shared } }",
        "threads: [ { name: a, policy: fifo, run: [ yield ] } ]",
        "threads: [ { name: a, policy: { deadline: { runtime: 5ms } }, run: [ yield ] } ]",
        "workload: { seed: 1 }",
        "machine: { scheduler: { slice: 1ms } }", // no policy
        "machine: { costs: { sycall: 1us } }",
        "limits: { event: 5 }",
        "until: 5",
        "until: exp(5ms)", // not here
        "threads: [ { run: [ yield ] } ]",
        "threads: [ { name: a, nice: 20, run: [ yield ] } ]",
        "threads: [ { name: a, daemon: maybe, run: [ yield ] } ]",
        "threads: [ { name: a, run: [ yeild ] } ]",
        "threads: [ { name: a, run: [ compute ] } ]",
        "threads: [ { name: a, run: [ { compute: 5 } ] } ]",
        "threads: [ { name: a, run: [ { compute: gamma(5ms) } ] } ]",
        "threads: [ { name: a, run: [ { compute: 5ms, sleep: 1ms } ] } ]",
        "threads: [ { name: a, run: [ { repeat: { times: 3 } } ] } ]",
        "threads: [ { name: a, run: [ { if: { chance: 2, then: [] } } ] } ]",
        "processes: [ { name: a, locks: { l: mutex }, threads: [] } ]",
        "expect: makespan < 1s",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!yaml_is_valid(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (yaml_is_valid(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

// -- The reference ------------------------------------------------------------------------------

static void test_reference_is_current(void **state)
{
    (void)state;
    const char *committed = read_file(RINGSIDE_SOURCE_DIR "/scenarios/README.md");
    if (committed == NULL || strcmp(committed, reference) != 0)
        fail_msg("scenarios/README.md is stale; run: ringside schema --reference > "
                 "scenarios/README.md");
}

// Loads a scenario, which must give neither errors nor warnings and be valid by the schema too.
static void check_loads(const char *yaml)
{
    Scenario scenario;
    Diag diag = {0};
    if (!scenario_parse(&scenario, "example.yaml", yaml, strlen(yaml), NULL, 0, &diag) ||
        diag.warnings > 0)
        fail_msg("%s\n%s", yaml, diag_text(&diag));
    scenario_free(&scenario);
    diag_free(&diag);
    if (!yaml_is_valid(yaml))
        fail_msg("the schema refuses:\n%s", yaml);
}

// Runs a scenario; its expectations must hold.
static void check_runs(const char *yaml)
{
    Simulated run;
    Metrics metrics;
    simulate(&run, yaml);
    simulated_measure(&run, &metrics);
    Report report = {.scenario = &run.scenario, .metrics = &metrics};
    if (report_expectations(&report, &arena) != 0)
        for (uint32_t i = 0; i < run.scenario.expect_count; i++)
            if (!report.expects[i].holds)
                fail_msg("%s\nfound: %s", report.expects[i].expect->text, report.expects[i].found);
    metrics_free(&metrics);
    simulated_free(&run);
}

// The scenarios of the reference load, run and keep what they promise; the list of expectations
// loads behind a scenario that has its names; the rest are single ops.
static void test_reference_examples(void **state)
{
    (void)state;
    static const char names[] =
        "machine: { cores: 2 }\n"
        "threads:\n"
        "  - { name: batch, run: [ { span: { name: request, do: [ { compute: 1ms } ] } } ] }\n"
        "  - { name: worker, count: 2, run: [ { compute: 1ms } ] }\n";
    int scenarios = 0, lists = 0;
    for (const char *at = reference; (at = strstr(at, "```yaml\n")) != NULL;) {
        at += 8;
        const char *end = strstr(at, "```");
        assert_non_null(end);
        const char *block = arena_text(&arena, at, (size_t)(end - at));
        if (strncmp(block, "title:", 6) == 0) {
            check_loads(block);
            check_runs(block);
            scenarios++;
        } else if (strncmp(block, "expect:", 7) == 0) {
            check_loads(format("%s%s", names, block));
            lists++;
        }
        at = end + 3;
    }
    assert_int_equal(scenarios, 3);
    assert_int_equal(lists, 1);
}

// The same for an op of a coroutine.
static void check_asyncio_op(const char *op)
{
    bool runs = strstr(op, "asyncio.run") == op;
    if (strstr(op, "reschedule") == op)
        op = format("timeout: { after: 1ms, do: [ { %s } ] }", op);
    check_loads(format("runtime: cpython-3.13\n"
                       "asyncio: { queues: { jobs: 10 } }\npipes: [ line ]\n"
                       "functions:\n"
                       "  handle: [ { compute: 1ms } ]\n"
                       "  work: [ { await: { sleep: 1ms } } ]\n"
                       "  tidy: [ { compute: 1ms } ]\n"
                       "  main: [ { create_task: { run: handle, as: request } }, { %s } ]\n"
                       "threads: [ { name: main, run: [ { %s } ] } ]\n",
                       runs ? "await: handle" : op, runs ? op : "asyncio.run: main"));
}

static void check_objects_op(const char *op)
{
    check_loads(format("runtime: cpython-3.12\n"
                       "threads:\n"
                       "  - name: main\n"
                       "    run: [ { new_objects: { count: 10, as: cache } }, %s%s%s ]\n",
                       strchr(op, ':') != NULL ? "{ " : "", op,
                       strchr(op, ':') != NULL ? " }" : ""));
}

static void check_executor_op(const char *op)
{
    check_loads(format("runtime: cpython-3.12\n"
                       "executors: { pool: 5 }\n"
                       "functions: { work: [ { compute: 1ms } ] }\n"
                       "threads:\n"
                       "  - name: main\n"
                       "    run: [ { submit: { to: pool, run: work, as: jobs } }, { %s } ]\n",
                       op));
}

static void check_multiprocessing_op(const char *op)
{
    check_loads(format(
        "runtime: cpython-3.12\n"
        "connections: { results: queue }\n"
        "pools: { workers: 2 }\n"
        "managers: { registry: 2 }\n"
        "functions: { work: [ { compute: 1ms } ] }\n"
        "until: 1s\n"
        "threads:\n"
        "  - name: main\n"
        "    run: [ %s{ %s } ]\n",
        strstr(op, "join_process") == op ? "{ start_process: { run: work, as: child } }, " : "",
        op));
}

static void check_node_op(const char *op)
{
    bool clears = strncmp(op, "clear_", strlen("clear_")) == 0;
    check_loads(format("runtime: node\nfunctions: { handle: [ yield ], work: [ %s{ %s } ] }\n"
                       "threads: [ { name: main, run: [ { node.run: work } ] } ]\n",
                       clears ? "{ set_interval: { every: 1ms, run: handle, as: tick } }, "
                                "{ set_immediate: { run: handle, as: later } }, "
                              : "",
                       op));
}

// A scenario around one op: it has the names that the examples use.
static void check_op(const char *op)
{
    const char *prefix = "";
    if (strstr(op, "join") == op)
        prefix = "{ spawn: { run: work, as: helper } }, ";
    else if (strstr(op, "cancel_timer") == op)
        prefix = "{ timer: { after: 1ms, run: work, as: bell } }, ";
    else if (strstr(op, "unlock") == op)
        prefix = "{ lock: cache }, ";
    else if (strstr(op, "free") == op || strstr(op, "touch: { block") == op)
        prefix = "{ alloc: { size: 64MiB, as: buffer } }, ";
    else if (strstr(op, "kill") == op || strstr(op, "wait_child") == op)
        prefix = "{ fork: { run: work, as: child } }, ";
    const char *suffix = strstr(op, "lock") == op ? ", { unlock: cache }" : "";
    bool map = strchr(op, ':') != NULL;
    check_loads(format("locks: { cache: lock }\nsemaphores: { slots: 2 }\n"
                       "conditions: { ready: cache }\nevents: [ go ]\nbarriers: { phase: 2 }\n"
                       "queues: { jobs: 10 }\npipes: [ line ]\nmessage_queues: { letters: 10 "
                       "}\nvariables: { x: 0 }\n"
                       "functions: { handle: [ { compute: 1ms } ], work: [ { compute: 1ms } ] }\n"
                       "until: 1s\n"
                       "threads:\n"
                       "  - name: main\n"
                       "    run: [ %s%s%s%s%s ]\n",
                       prefix, map ? "{ " : "", op, map ? " }" : "", suffix));
}

static void test_op_examples(void **state)
{
    (void)state;
    for (unsigned code = 0; code < OP_CODE_COUNT; code++) {
        const OpInfo *info = op_info(code);
        if (info == NULL)
            continue;
        void (*check)(const char *) = strcmp(info->group, "asyncio") == 0 ? check_asyncio_op
                                      : strcmp(info->group, "node") == 0  ? check_node_op
                                      : strcmp(info->group, "multiprocessing") == 0
                                          ? check_multiprocessing_op
                                      : strcmp(info->group, "executors") == 0 ? check_executor_op
                                      : strcmp(info->group, "objects") == 0   ? check_objects_op
                                                                              : check_op;
        check(info->example);
        assert_non_null(strstr(reference, format("#### `%s`\n", info->name)));
        // `compute: 5ms` may also be written with the name of its field.
        for (int f = 0; f < OP_FIELDS_MAX && info->fields[f].name != NULL; f++)
            if ((info->fields[f].flags & FIELD_SHORT) &&
                strchr(info->example, '{') != info->example + strlen(info->name) + 2)
                check(format("%s: { %s: %s }", info->name, info->fields[f].name,
                             info->example + strlen(info->name) + 2));
    }
}

static void test_dist_examples(void **state)
{
    (void)state;
    bool seen[DIST_CHOICE + 1] = {[DIST_CONSTANT] = true};
    static const struct {
        DistKind kind;
        const char *example;
    } dists[] = {
#define DIST(kind, name, parameters, example, text) {DIST_##kind, example},
#include "sim/scenario/dists.def"
#undef DIST
    };
    for (size_t i = 0; i < sizeof dists / sizeof dists[0]; i++) {
        const char *yaml =
            format("threads: [ { name: a, run: [ { compute: \"%s\" } ] } ]", dists[i].example);
        check_loads(yaml);
        Scenario scenario;
        Diag diag = {0};
        assert_true(scenario_parse(&scenario, "d.yaml", yaml, strlen(yaml), NULL, 0, &diag));
        assert_int_equal(scenario.dist_count, 1);
        assert_int_equal(scenario.dists[0].kind, dists[i].kind);
        seen[dists[i].kind] = true;
        scenario_free(&scenario);
        diag_free(&diag);
    }
    for (int kind = 0; kind <= DIST_CHOICE; kind++)
        assert_true(seen[kind]);
}

// Every key of the language, the limits and the costs, in three files that must load.
static void test_every_key_loads(void **state)
{
    (void)state;
    static const char first[] =
        "title: t\nlesson: l\nseed: 3\nmessage_queues: { m: 3 }\nuntil: 1s\nlimits: { events: 10k, "
        "time: 2h }\n"
        "machine: { cores: 2, scheduler: { policy: eevdf, slice: 3ms }, tick: 1ms, costs: zero, "
        "memory: 4GiB, nodes: 2, cache: 1MiB, "
        "interrupts: { every: exp(1ms), core: 1, irq: 2us, softirq: 5us } }\n"
        "processes:\n"
        "  - name: p\n    runtime: c\n    pipes: [ u ]\n    locks: { l: { kind: lock, shared: true "
        "}, "
        "w: { kind: rwlock, prefer: writers } }\n"
        "    semaphores: { s: 0, z: { value: 0, shared: true } }\n"
        "    conditions: { c: { lock: l, spurious: 10%, shared: true } }\n"
        "    events: [ e, { name: g, shared: true } ]\n"
        "    barriers: { b: 2, y: { threads: 3, shared: true } }\n"
        "    queues: { q: 3, u: unbounded, p: { capacity: 4, order: priority, shared: true } }\n"
        "    variables: { v: -1, a: { value: 1, atomic: true, shared: true, line: both } }\n"
        "    functions: { f: [ yield ] }\n"
        "    threads:\n"
        "      - { name: t, count: 2, start: exp(1ms), nice: 5, affinity: [ 0, 1 ], slice: 1ms, "
        "working_set: 64KiB, stack: 1MiB, stack_touched: 16KiB, run: [ { call: f }, { with: { "
        "lock: l, do: [ yield ] } } ] }\n"
        "      - { name: d, daemon: true, affinity: 1, run: [ { call: f } ] }\n"
        "expect: [ makespan < 1s ]\n";
    static const char second[] =
        "locks: { l: lock, r: rlock, s: spin, w: rwlock, i: pi }\n"
        "semaphores: { n: 1 }\nconditions: { c: l, d: r }\nevents: [ e ]\n"
        "barriers: { b: 1 }\nqueues: { q: { order: fifo } }\nvariables: { x: 3 }\n"
        "functions: { f: [ { lock: l }, { unlock: l } "
        "] }\nthreads: [ { name: t, run: [ { call: f } ] } ]\n";
    const char *third = "threads: [ { name: t, run: [ yield ] } ]\nmachine: { costs: { base: zero";
    for (int c = 0; c < COST_COUNT; c++)
        third = format("%s, %s: 1us", third, cost_info((CostId)c)->name);
    check_loads(first);
    check_loads(second);
    // What the reference says of quotes.
    check_loads("threads: [ { name: a, run: [ { compute: uniform(1ms, 2ms) } ] } ]");
    check_loads("threads: [ { name: a, run: [ yield ] } ]\nexpect:\n  - printed == [\"A: b\"]\n"
                "  - 'printed == [\"A: b\"]'\n");
    check_loads(format("%s } }\n", third));
    static const char fourth[] =
        "machine: { scheduler: { policy: mlfq, queue: global, levels: 2, slice: [1ms, 2ms], "
        "allotment: 2, boost: 1s, stay: true, io: head } }\n"
        "workload: { generate: mlfq, seed: 7, jobs: 2, unit: 1us, maxlen: 9, maxio: 3, iotime: 2 "
        "}\n"
        "threads:\n"
        "  - { name: f, policy: fifo 1, run: [ yield ] }\n"
        "  - { name: d, policy: { deadline: { runtime: 1ms, deadline: 2ms, period: 3ms } }, run: "
        "[] }\n";
    static const char fifth[] =
        "machine: { scheduler: { policy: lottery, slice: 2ms, draws: python } }\n"
        "workload: { generate: lottery, maxticket: 20, quantum: 2 }\n"
        "threads: [ { name: t, tickets: 9, run: [ yield ] } ]\n";
    static const char sixth[] = "machine: { scheduler: { policy: rr, align: true } }\n"
                                "threads: [ { name: t, estimate: 9ms, run: [ yield ] } ]\n";
    static const char seventh[] =
        "machine: { cores: 2, cache: 100KiB, warm_rate: 2, warm_up: 5ms, scheduler: { policy: "
        "multi, peek: 30ms, shuffle: true, draws: python } }\n"
        "workload: { generate: multi, maxset: 100 }\n";
    static const char eighth[] =
        "processes:\n"
        "  - name: p\n"
        "    runtime: { python: 3.13t, gil: none, switch_interval: 1ms, steal: 50% }\n"
        "    asyncio: { locks: [ l ], semaphores: { s: { value: 1, bounded: true } }, conditions: "
        "{ c: l }, events: [ e ], barriers: { b: 2 }, queues: { q: 3 } }\n"
        "    executors: { e: { threads: 2 }, f: { processes: 2, start: spawn } }\n"
        "    connections: { line: pipe, l: { kind: queue, capacity: 3 } }\n"
        "    pools: { a: 2, b: { processes: 2, start: fork } }\n"
        "    managers: { m: 2, n: { clients: 2, start: spawn } }\n"
        "    variables: { v: { thread_local: true } }\n"
        "    threads: [ { name: t, run: [ yield ] } ]\n"
        "  - name: old\n"
        "    runtime: { python: 2.7, check_interval: 2us }\n"
        "    threads: [ { name: t, run: [ yield ] } ]\n"
        "  - name: several\n"
        "    runtime: cpython-3.12\n"
        "    threads: [ { name: t, interpreter: one, run: [ yield ] } ]\n";
    const char *others = format("%s%s%s%s%s", fourth, fifth, sixth, seventh, eighth);
    check_loads(fourth);
    check_loads(fifth);
    check_loads(sixth);
    check_loads(seventh);
    check_loads(eighth);
    // Together they name every key there is.
    size_t count;
    const KeyInfo *infos = key_infos(&count);
    for (size_t i = 0; i < count; i++)
        if (strstr(first, format("%s:", infos[i].name)) == NULL &&
            strstr(others, format("%s:", infos[i].name)) == NULL &&
            strstr(third, format("%s:", infos[i].name)) == NULL)
            fail_msg("no example of the key %s", infos[i].name);
}

// The overrides of the reference's example.
static void test_override_examples(void **state)
{
    (void)state;
    static const char *const overrides[] = {"machine.cores=4", "machine.scheduler=fifo",
                                            "machine.costs.context_switch=5us",
                                            "threads.worker.count=8"};
    static const char yaml[] = "threads: [ { name: worker, run: [ yield ] } ]";
    Scenario scenario;
    Diag diag = {0};
    if (!scenario_parse(&scenario, "o.yaml", yaml, strlen(yaml), overrides, 4, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_int_equal(scenario.machine.cores, 4);
    assert_int_equal(scenario.machine.scheduler, SCHEDULER_FIFO);
    assert_int_equal(scenario.machine.costs[COST_CONTEXT_SWITCH], 5000);
    assert_int_equal(scenario.threads[0].count, 8);
    for (size_t i = 0; i < 4; i++)
        assert_non_null(strstr(reference, format("--set %s", overrides[i])));
    scenario_free(&scenario);
    diag_free(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_is_whole),
        cmocka_unit_test(test_shipped_scenarios_are_valid),
        cmocka_unit_test(test_wrong_scenarios_are_not),
        cmocka_unit_test(test_reference_is_current),
        cmocka_unit_test(test_reference_examples),
        cmocka_unit_test(test_op_examples),
        cmocka_unit_test(test_dist_examples),
        cmocka_unit_test(test_every_key_loads),
        cmocka_unit_test(test_override_examples),
    };
    return cmocka_run_group_tests(tests, open_texts, close_texts);
}
