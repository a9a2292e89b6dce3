// `workload:`: the jobs that a known exercise's program draws (the homework programs of Operating
// Systems: Three Easy Pieces: scheduler.py, mlfq.py, lottery.py and multi.py), from Python's random
// numbers. They become threads job0, job1, … as if the file had said them; everything else checks
// them as such.
//
//   scheduler  a job computes int(maxlen * random()) + 1 units
//   mlfq       int(random() * (maxlen - 1) + 1) units, and after every
//              int(random() * (maxio - 1) + 1) of them, but not after the last, an I/O of `iotime`
//   lottery    int(maxlen * random()) units and int(maxticket * random()) tickets, each drawn again
//              while it is 0; what it draws next are the tickets that win
//   multi      int(random() * maxlen / 10) * 10 units, one if that is 0, and a working set of
//              int(random() * maxset / 10) * 10, which are KiB here
#include "sim/base/mt19937.h"
#include "sim/scenario/loader.h"

#include <inttypes.h>
#include <string.h>

enum { JOBS_MOST = 10000, LENGTH_MOST = 1000000 };

typedef enum Generator {
    GENERATE_SCHEDULER,
    GENERATE_MLFQ,
    GENERATE_LOTTERY,
    GENERATE_MULTI
} Generator;

static const char *const generators[] = {"scheduler", "mlfq", "lottery", "multi"};

enum { GENERATORS = sizeof generators / sizeof generators[0] };

typedef struct Workload {
    Generator generator;
    uint64_t seed, jobs, maxlen, maxio, iotime, maxticket, quantum, maxset;
    int64_t unit_ns;
} Workload;

// ---- reading it

static void load_count(Loader *loader, const Node *map, const char *key, uint64_t most,
                       uint64_t *count)
{
    const Node *node = node_get(map, key);
    if (node != NULL)
        value_count(loader, node, arena_format(&loader->scratch, "'%s'", key), 1, most, count);
}

static bool load_generator(Loader *loader, const Node *node, Workload *workload)
{
    if (node->kind == NODE_TEXT)
        for (int i = 0; i < GENERATORS; i++)
            if (strcmp(generators[i], node->text) == 0) {
                workload->generator = (Generator)i;
                return true;
            }
    return loader_fail(loader, node, loader_suggest(loader, node->text, generators, GENERATORS),
                       "'generate' needs one of %s; found %s",
                       loader_list(loader, generators, GENERATORS), loader_found(loader, node));
}

static bool load_workload(Loader *loader, const Node *map, Workload *workload)
{
    uint32_t errors = loader->diag->errors;
    const Node *generate = node_get(map, "generate"), *seed = node_get(map, "seed"),
               *unit = node_get(map, "unit");
    if (!loader_keys(loader, map, SECTION_WORKLOAD, map->key) || generate == NULL ||
        !load_generator(loader, generate, workload))
        return false;
    bool long_jobs = workload->generator == GENERATE_MLFQ || workload->generator == GENERATE_MULTI;
    workload->maxlen = long_jobs ? 100 : 10;
    if (seed != NULL)
        value_count(loader, seed, "'seed'", 0, UINT64_MAX, &workload->seed);
    if (unit != NULL)
        value_duration(loader, unit, "'unit'", 1, 3600000000000, &workload->unit_ns);
    load_count(loader, map, "jobs", JOBS_MOST, &workload->jobs);
    load_count(loader, map, "maxlen", LENGTH_MOST, &workload->maxlen);
    load_count(loader, map, "maxio", LENGTH_MOST, &workload->maxio);
    load_count(loader, map, "iotime", LENGTH_MOST, &workload->iotime);
    load_count(loader, map, "maxticket", TICKETS_MOST, &workload->maxticket);
    load_count(loader, map, "quantum", LENGTH_MOST, &workload->quantum);
    load_count(loader, map, "maxset", LENGTH_MOST, &workload->maxset);
    // The program would draw for ever.
    if (workload->generator == GENERATE_LOTTERY &&
        (workload->maxlen < 2 || workload->maxticket < 2))
        loader_fail(loader, map->key, NULL,
                    "lottery draws lengths and tickets below their maximum and above 0: 'maxlen' "
                    "and 'maxticket' must be 2 or more");
    return loader->diag->errors == errors;
}

// ---- making the jobs

static uint64_t draw(Mt19937 *mt, uint64_t factor, uint32_t offset, uint64_t *drawn)
{
    ++*drawn;
    return mt19937_scaled(mt, (uint32_t)factor, offset);
}

static uint64_t draw_above_zero(Mt19937 *mt, uint64_t factor, uint64_t *drawn)
{
    uint64_t number;
    while ((number = draw(mt, factor, 0, drawn)) == 0)
        continue;
    return number;
}

static const char *mlfq_job(Arena *arena, const Workload *workload, uint64_t length, uint64_t every)
{
    int64_t unit = workload->unit_ns;
    uint64_t waits = (length - 1) / every;
    const char *rest =
        arena_format(arena, "{ compute: %" PRId64 "ns }", (int64_t)(length - waits * every) * unit);
    if (waits == 0)
        return rest;
    return arena_format(arena,
                        "{ repeat: { times: %" PRIu64 ", do: [ { compute: %" PRId64
                        "ns }, { sleep: %" PRId64 "ns } ] } }, %s",
                        waits, (int64_t)every * unit, (int64_t)workload->iotime * unit, rest);
}

// A tenth of a number, rounded down, and that times ten. The program divides the product of
// floating point by 10.0, which never rounds a quotient up to the next whole number.
static uint64_t draw_tens(Mt19937 *mt, uint64_t factor, uint64_t *drawn)
{
    return draw(mt, factor, 0, drawn) / 10 * 10;
}

static const char *multi_job(Arena *arena, const Workload *workload, uint64_t job, Mt19937 *mt,
                             uint64_t *drawn)
{
    uint64_t length = draw_tens(mt, workload->maxlen, drawn);
    uint64_t kib = draw_tens(mt, workload->maxset, drawn);
    const char *set = kib == 0 ? "" : arena_format(arena, ", working_set: %" PRIu64 "KiB", kib);
    int64_t ns = (int64_t)(length == 0 ? 1 : length) * workload->unit_ns;
    return arena_format(
        arena, "- { name: job%" PRIu64 "%s, run: [ { compute: %" PRId64 "ns } ] }\n", job, set, ns);
}

static const char *make_job(Arena *arena, const Workload *workload, uint64_t job, Mt19937 *mt,
                            uint64_t *drawn)
{
    uint64_t tickets = TICKETS_DEFAULT, length;
    const char *ops = NULL;
    switch (workload->generator) {
    case GENERATE_MULTI:
        return multi_job(arena, workload, job, mt, drawn);
    case GENERATE_MLFQ:
        length = draw(mt, workload->maxlen - 1, 1, drawn);
        ops = mlfq_job(arena, workload, length, draw(mt, workload->maxio - 1, 1, drawn));
        break;
    case GENERATE_LOTTERY:
        length = draw_above_zero(mt, workload->maxlen, drawn);
        tickets = draw_above_zero(mt, workload->maxticket, drawn);
        // lottery.py's clock goes on by whole quanta.
        length = (length + workload->quantum - 1) / workload->quantum * workload->quantum;
        break;
    default:
        length = draw(mt, workload->maxlen, 0, drawn) + 1;
    }
    if (ops == NULL)
        ops =
            arena_format(arena, "{ compute: %" PRId64 "ns }", (int64_t)length * workload->unit_ns);
    return arena_format(arena, "- { name: job%" PRIu64 ", tickets: %" PRIu64 ", run: [ %s ] }\n",
                        job, tickets, ops);
}

// The jobs as a list of threads in the scenario language.
static const char *generate(Arena *arena, const Workload *workload, uint64_t *drawn)
{
    Mt19937 mt;
    mt19937_seed(&mt, workload->seed);
    // Pieces are joined at the end, lest each job copy all before it.
    const char **jobs = ARENA_ARRAY(arena, const char *, workload->jobs);
    size_t bytes = 1;
    for (uint64_t job = 0; job < workload->jobs; job++) {
        jobs[job] = make_job(arena, workload, job, &mt, drawn);
        bytes += strlen(jobs[job]);
    }
    char *text = arena_alloc(arena, bytes), *at = text;
    for (uint64_t job = 0; job < workload->jobs; job++)
        at = stpcpy(at, jobs[job]);
    return text;
}

// Messages about what was made point to `workload:`.
static void place(Node *node, const Node *at)
{
    for (; node != NULL; node = node->next) {
        node->at = at->at;
        node->override = at->override;
        node->start = at->start;
        node->end = at->end;
        place(node->key, at);
        place(node->first, at);
    }
}

// The `threads:` of the root, made if it has none.
static Node *threads_of(Loader *loader, Node *root, const Node *workload)
{
    Node *threads = node_get(root, "threads");
    if (threads != NULL)
        return threads;
    threads = ARENA_NEW(&loader->scratch, Node);
    threads->kind = NODE_LIST;
    threads->key = ARENA_NEW(&loader->scratch, Node);
    threads->key->kind = NODE_TEXT;
    threads->key->text = "threads";
    Node **end = &root->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = threads;
    root->count++;
    place(threads, workload->key);
    return threads;
}

void workload_load(Loader *loader, Node *root)
{
    const Node *node = node_get(root, "workload");
    Workload workload = {.jobs = 3,
                         .maxio = 10,
                         .iotime = 5,
                         .maxticket = 100,
                         .maxset = 200,
                         .quantum = 1,
                         .unit_ns = 1000000};
    if (node == NULL || !loader_map(loader, node, "'workload'") ||
        !load_workload(loader, node, &workload))
        return;
    if (node_get(root, "processes") != NULL) {
        loader_fail(loader, node->key, NULL,
                    "'workload' stands beside 'processes'; it makes the threads of the only "
                    "process");
        return;
    }
    MachineDef *machine = &loader->scenario->machine;
    machine->python_seed = workload.seed;
    if (workload.generator == GENERATE_MULTI)
        machine->unit_ns = workload.unit_ns;
    const char *text = generate(&loader->scratch, &workload, &machine->python_drawn);
    Node *jobs, *threads = threads_of(loader, root, node);
    if (threads->kind != NODE_LIST ||
        !node_read(text, strlen(text), &loader->scratch, &jobs, loader->diag))
        return;
    place(jobs, node->key);
    Node **end = &jobs->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = threads->first;
    threads->first = jobs->first;
    threads->count += jobs->count;
}
