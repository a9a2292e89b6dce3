// Writes the language's reference. What is a list elsewhere (keys, operations, costs, limits,
// metrics, report keys) is expanded here; only the prose between the tables is written here. The
// suite loads every example.
#include "sim/scenario/reference.h"

#include "sim/base/array.h"
#include "sim/scenario/expect_node.h"
#include "sim/scenario/keys.h"
#include "sim/scenario/python_objects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef ARRAY(char) Text;

__attribute__((format(printf, 2, 3))) static void add(Text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    Arena arena = {0};
    for (const char *c = arena_vformat(&arena, format, values); *c != '\0'; c++)
        *ARRAY_PUSH(text) = *c;
    arena_free(&arena);
    va_end(values);
}

// In a table a bar would end the cell.
static void add_cell(Text *text, const char *cell)
{
    for (; *cell != '\0'; cell++)
        if (*cell == '|')
            add(text, "\\|");
        else
            *ARRAY_PUSH(text) = *cell;
}

static const char intro[] =
    "# The scenario language\n\n"
    "<!-- Generated: ringside schema --reference > scenarios/README.md. Do not edit. -->\n\n"
    "A scenario is a text file. It describes a machine, the threads that run on it, and what must\n"
    "come out. `ringside run FILE` simulates it and prints what happened; `ringside check FILE`\n"
    "only reads it and says what is wrong with it, with the line and the column.\n\n"
    "The same scenario gives the same result every time and on every computer, to the nanosecond.\n"
    "Chance comes from `seed:` alone.\n\n"
    "```yaml\n"
    "title: Two jobs take turns on one core\n"
    "lesson: With round robin the short job ends early, and the long one pays little for it.\n"
    "machine: { cores: 1, scheduler: { policy: rr, slice: 10ms }, costs: zero }\n"
    "threads:\n"
    "  - name: long\n"
    "    run: [ { compute: 50ms } ]\n"
    "  - name: short\n"
    "    run: [ { compute: 20ms } ]\n"
    "expect:\n"
    "  - makespan == 70ms\n"
    "  - turnaround(short) == 40ms\n"
    "```\n\n"
    "The turns are long, short, long, short, 10 ms each: the short job ends at 40 ms. The two\n"
    "`expect` lines say so, and a run that comes out otherwise ends with exit status 1.\n\n"
    "A larger one, with a lock, chance, a function, a span and a daemon thread:\n\n"
    "```yaml\n"
    "title: Three clerks share one till\n"
    "lesson: A lock lets one in at a time; the others wait, and their customers with them.\n"
    "machine: { cores: 2, scheduler: eevdf, costs: typical }\n"
    "seed: 7\n"
    "until: 10s\n"
    "processes:\n"
    "  - name: shop\n"
    "    locks: { till: lock }\n"
    "    functions:\n"
    "      serve:\n"
    "        - span:\n"
    "            name: customer\n"
    "            do:\n"
    "              - compute: exp(2ms)\n"
    "              - with: { lock: till, do: [ { compute: 500us } ] }\n"
    "    threads:\n"
    "      - name: clerk\n"
    "        count: 3\n"
    "        run:\n"
    "          - repeat:\n"
    "              times: 20\n"
    "              do:\n"
    "                - call: serve\n"
    "                - sleep: 1ms\n"
    "      - name: guard\n"
    "        daemon: true\n"
    "        run:\n"
    "          - forever: [ { sleep: 20ms }, { mark: round } ]\n"
    "expect:\n"
    "  - count(customer) == 60\n"
    "  - latency(customer).p50 < latency(customer).p99\n"
    "  - lock_hold(till).count == 60 and lock_hold(till).min >= 500us\n"
    "  - turnaround(clerk).max == makespan ± 1%\n"
    "  - utilization.sum <= 2\n"
    "```\n";

static const char values_text[] =
    "\n## Values\n\n"
    "| value | how it is written |\n"
    "|---|---|\n"
    "| duration | a number with its unit: `800ns`, `5us` (or `5µs`), `2.5ms`, `1s`, `3min`, `1h`. "
    "A bare number is an error. At most 10 years, and nothing finer than 1 ns. |\n"
    "| size | bytes with a unit: `512B`, `4KiB`, `64MiB`, `1.5GiB`, `1TiB` |\n"
    "| whole number | `1000`, `1_000` or `1k`; `k`, `M` and `G` are 10³, 10⁶ and 10⁹ |\n"
    "| probability | `30%` or `0.3` |\n"
    "| name | letters, digits, `_` and `-`, a letter first; at most 40 bytes |\n"
    "| text | anything; in quotes when it has a colon, a `#` or a bracket |\n"
    "\n### Distributions\n\n"
    "Where a duration or distribution is due, each time that the operation is done it draws anew.\n"
    "Every thread draws from a stream of its own, so that another thread changes nothing for "
    "it.\n\n"
    "| distribution | example | meaning |\n"
    "|---|---|---|\n";

static const char expect_text[] =
    "\n## Expectations\n\n"
    "Each line of `expect:` is a comparison that must hold when the run has ended:\n\n"
    "```yaml\n"
    "expect:\n"
    "  - makespan == 100ms ± 3%\n"
    "  - turnaround(batch) <= 1.2s\n"
    "  - response(worker).max < 5ms and migrations.sum == 0\n"
    "  - utilization(core 0) + utilization(core 1) <= 1.05\n"
    "  - throughput(request) > 40/s or not (latency(request).p99 < 60ms)\n"
    "  - cpu(worker-1) / cpu(worker-2) == 1 ± 1%\n"
    "  - printed == [\"ready\", \"done\"]\n"
    "```\n\n"
    "- **Comparisons** are `==`, `!=`, `<=`, `<`, `>=` and `>`, joined by `and`, `or` and `not`.\n"
    "- **Calculations** are `+`, `-`, `*`, `/` and parentheses. Both sides must have one unit: a\n"
    "  time is never compared with a bare number. A time over a time is a number; a number over a\n"
    "  time is a rate; a rate times a time is a number.\n"
    "- **Values** are numbers (`1.05`), percentages (`5%` is 0.05), durations (`100ms`), rates\n"
    "  (`400/s`, `2/ms`), and texts in quotes or lists of them.\n"
    "- **Tolerance**: `==` and `!=` may end with `± 3%` (of the right-hand side) or `± 2ms`; `+-`\n"
    "  is the same as `±`. Without one, times are compared to the nanosecond.\n"
    "- **In parentheses** stands what a metric is about: `core 0`; a thread's name, which means "
    "all\n"
    "  threads that its entry makes, or one of them, as in `worker-2`; a lock's name; the name of "
    "a\n"
    "  mark or a span. When two processes use one name, write `process/name`. Left out, it means\n"
    "  every core, thread or lock: `migrations.sum`.\n"
    "- **Several values**: a metric of several threads, or of several waits or passages, has "
    "several\n"
    "  values. A field behind a point says which is meant: `turnaround(worker).max`.\n\n"
    "A text may hold a colon and a space, as in `printed == [\"Task A: done\"]`. Other YAML "
    "tools,\n"
    "editors among them, want such a line in single quotes: `'printed == [\"Task A: done\"]'`.\n\n"
    "| metric | about | unit | meaning |\n"
    "|---|---|---|---|\n";

static const char races_text[] =
    "\n### Lost updates\n\n"
    "An update is a store or an atomic change. A store that writes a copy builds on what its "
    "thread\n"
    "had loaded; what others have stored since then is overwritten without having been seen. "
    "Atomic\n"
    "changes, and stores of a number or of another variable's copy, build on what is there, which\n"
    "they replace on purpose. `lost_updates` counts the updates that the last value does not "
    "build\n"
    "on: when all of them add 1, value + lost updates is the number of updates.\n"
    "\n### Races\n\n"
    "Two accesses of one variable by two threads race when at least one of them is a plain write "
    "and\n"
    "neither happens before the other. `races` counts the pairs of places, that is operations of "
    "the\n"
    "scenario, with such accesses. It is exact for this run; a race that this run's locks happened "
    "to\n"
    "order is not found. What orders two threads:\n\n"
    "- a lock's release and its next taking (readers of an `rwlock` are ordered with its writers, "
    "not\n  among each other);\n"
    "- `release` and `acquire` of a semaphore;\n"
    "- `set` of an event and whoever waits for it, or looks and finds it set, as in\n"
    "  `while: { test: not go, do: [ yield ] }`;\n"
    "- a notification and the waiter that it wakes;\n"
    "- all who come to a barrier and all who leave it;\n"
    "- `put` and `get` of a queue, and where its capacity is bounded `get` and `put`;\n"
    "- `spawn` or `fork` and what the new thread does; what a thread does and the `join` that "
    "waits "
    "for\n  its end; what a process does and the `wait_child` that collects it;\n"
    "- a `write` and the `read` of a pipe, its closing and the end of the file; a message sent "
    "and\n"
    "  received;\n"
    "- an atomic write and a later atomic read of a variable: `compare_and_swap`, `atomic_add`, "
    "and "
    "all\n  accesses of a variable that is declared `atomic`.\n\n"
    "Under Python's GIL, from 3.10 on, an `add` is whole for the other threads of its interpreter: "
    "two\nof them are no race. With a `load` or a `store` they are.\n\n"
    "Sleeping orders nothing, and neither does a test that looks whether a lock is taken or what "
    "is "
    "in\na queue or a semaphore.\n";

static const char threading_text[] =
    "\nIn a process of Python these are the objects of its threading and queue modules, built as "
    "CPython\nbuilds them, from locks. Who has to wait at a condition, a semaphore, an event, a "
    "barrier or a queue\nmakes a lock for that and joins a queue; who notifies releases the first "
    "of these locks; who was woken\ntakes the object's lock again. What follows from that:\n\n"
    "- Who was woken for a semaphore or a queue's item may find that a running thread has taken "
    "it.\n"
    "- A wait whose time is over leaves the queue only with the lock in hand; a notification that "
    "comes\n  before goes to it, and is lost.\n"
    "- A `lock` may be released by any thread. What must not be released, and a wait or a "
    "notification\n  without the lock, raises `error`; in C the run fails.\n"
    "- In 3.14 who has waited for a lock for 1 ms is handed it; before, whoever comes first has "
    "it.\n"
    "- Python 2.7 lets go of the GIL to take a free lock, too; and a wait with a timeout does not "
    "sleep for\n  it, but looks after 1, 2, 4, 8, 16, 32 and then each 50 ms.\n";

static const char run_text[] =
    "\n## What `ringside run --json` prints\n\n"
    "One JSON object. Its keys are stable: a later version may add keys and will not rename any.\n"
    "Times are whole nanoseconds; what does not exist (the response of a thread that never ran) "
    "is\n"
    "`null`.\n";

static const char override_text[] =
    "\n## Changing a scenario for one run\n\n"
    "`--set KEY=VALUE` changes a value without touching the file. The key is a path: keys with\n"
    "points between them, items of a list by their name or their number from 0.\n\n"
    "```sh\n"
    "ringside run FILE --set machine.cores=4 --set machine.scheduler=fifo\n"
    "ringside run FILE --set machine.costs.context_switch=5us --set threads.worker.count=8\n"
    "```\n\n"
    "## Help while typing\n\n"
    "`ringside schema` prints a JSON Schema. Editors that know it (VS Code with the YAML "
    "extension,\n"
    "for one) complete and check a scenario while it is written:\n\n"
    "```sh\n"
    "ringside schema > ringside.schema.json\n"
    "```\n\n"
    "```yaml\n"
    "# yaml-language-server: $schema=ringside.schema.json\n"
    "```\n";

static void add_keys(Text *text, const char *title, KeySection section, const char *prose)
{
    size_t count;
    const KeyInfo *infos = key_infos(&count);
    add(text, "\n### %s\n\n%s", title, prose);
    add(text, "| key | value | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        if (infos[i].section != section)
            continue;
        add(text, "| `%s` | ", infos[i].name);
        add_cell(text, key_type_text(infos[i].type));
        add(text, " | %s | ", infos[i].required ? "required" : infos[i].value);
        add_cell(text, infos[i].text);
        add(text, " |\n");
    }
}

// "- `rr` (`slice`, `queue`): round robin; …"
static void add_scheduler(Text *text, const SchedulerInfo *info)
{
    add(text, "- `%s`", info->name);
    const char *parameter = info->parameters;
    for (size_t length; *parameter != '\0'; parameter += length + (parameter[length] == ' ')) {
        length = strcspn(parameter, " ");
        add(text, "%s`%.*s`", parameter == info->parameters ? " (" : ", ", (int)length, parameter);
    }
    add(text, "%s: %s\n", *info->parameters == '\0' ? "" : ")", info->sentence);
}

static void add_all_keys(Text *text)
{
    add(text, "\n## Keys\n");
    add_keys(
        text, "Scenario", KEYS_SCENARIO,
        "The keys of the file. A scenario with one process may leave `processes` out and give\n"
        "its `threads`, `locks` and `functions` here.\n\n");
    add_keys(text, "Machine", KEYS_MACHINE, "The keys of `machine:`.\n\n");
    add_keys(text, "Scheduler", KEYS_SCHEDULER,
             "`scheduler: rr`, or a map when the slice matters: `scheduler: { policy: rr, slice: "
             "10ms }`.\n\n"
             "Only the parameters in parentheses behind a name go with it.\n\n");
    for (int i = 0; i < SCHEDULER_COUNT; i++)
        add_scheduler(text, scheduler_info((SchedulerKind)i));
    add(text,
        "\nThe time that `sjf` and `stcf` go by is that of the `compute` operations from where "
        "the thread\nstands to its next `sleep`, `join`, `wait`, `barrier`, `acquire`, `get` or "
        "`put`, or to its end;\na random one counts with its mean (lognormal and pareto: their "
        "median), an `if` as its likelier\nbranch, `while` as if its test failed. `estimate` "
        "overrides it.\n");
    add_keys(
        text, "Interrupts", KEYS_DEVICE,
        "`interrupts: { every: 100us, irq: 2us, softirq: 5us }`: a device whose interrupts, and "
        "the\nwork that they leave behind, take time from whoever runs on a core.\n\n");
    add_keys(text, "Process", KEYS_PROCESS, "The keys of an item of `processes:`.\n\n");
    add_keys(text, "Runtime", KEYS_RUNTIME,
             "`runtime: cpython-3.12`, or a map: `runtime: { python: \"3.12\", gil: none }`. The "
             "operations of\nasyncio need a Python that has them.\n\n");
    add_keys(
        text, "Lock", KEYS_LOCK,
        "`locks: { cache: lock }`, or a map: `locks: { table: { kind: rwlock, prefer: writers } "
        "}`.\n\n"
        "- `lock`: a plain one; taken twice by one thread, that thread waits for ever.\n"
        "- `rlock`: re-entrant; its holder may take it again, and must release it as often.\n"
        "- `pi`: as `lock`, with priority inheritance.\n"
        "- `spin`: who waits for it keeps its core busy.\n"
        "- `rwlock`: any number read together, or one writes.\n\n");
    add(text, "A forked process has its own copies of all that its parent's threads synchronise "
              "by, as they are\n"
              "at the fork: a lock that another thread holds then stays held in the child, where "
              "nobody will\n"
              "release it. What is `shared` is there once for all of them. A spawned process "
              "begins with its own.\n");
    add_keys(
        text, "Semaphore", KEYS_SEMAPHORE,
        "`semaphores: { slots: 10 }`, or a map: `semaphores: { slots: { value: 10, shared: true } "
        "}`.\n\n");
    add_keys(text, "Condition", KEYS_CONDITION,
             "`conditions: { ready: cache }`, where `cache` is the lock that goes with it, or a "
             "map.\n\n");
    add_keys(text, "Event", KEYS_EVENT,
             "`events: [ go, stop ]`, which are clear at first; or with maps: `events: [ { name: "
             "go, shared: true "
             "} ]`.\n\n");
    add_keys(text, "Barrier", KEYS_BARRIER,
             "`barriers: { phase: 4 }`, or a map: `barriers: { phase: { threads: 4, shared: true } "
             "}`.\n\n");
    add_keys(text, "Queue", KEYS_QUEUE,
             "`queues: { jobs: 10 }`, or a map: `queues: { jobs: { capacity: 10, order: priority } "
             "}`.\n\n");
    add_keys(text, "asyncio", KEYS_ASYNCIO,
             "`asyncio: { locks: [ cache ], queues: { jobs: 10 } }`: what coroutines wait at. The "
             "operations are those of threads\n(`with`, `acquire`, `wait`, `get`, …); in a "
             "coroutine, on one of these, they await, so that the loop goes on with\nother tasks. "
             "`with` holds a semaphore, too. None of them has a `timeout`: the operation `timeout` "
             "limits a wait. Each\n`asyncio.run` makes its own.\n\n");
    add_keys(
        text, "Variable", KEYS_VARIABLE,
        "`variables: { x: 0 }`, or a map: `variables: { ready: { value: 0, atomic: true } }`.\n\n"
        "Threads share the variables of their process; a forked process has copies. A thread works "
        "on a copy of its own: "
        "`load` fetches it,\n`store` writes it back, and what another thread has stored in "
        "between is lost. A test such as\n`test: x >= 30` loads x first.\n\n");
    add_keys(text, "Connection", KEYS_CONNECTION,
             "`connections: { results: queue }`, or a map: `connections: { results: { kind: queue, "
             "capacity: 10 } "
             "}`.\n\n");
    add_keys(text, "Executor", KEYS_EXECUTOR,
             "`executors: { pool: 5 }`, or a map: `executors: { pool: { threads: 5 } }`.\n\n");
    add_keys(text, "Manager", KEYS_MANAGER, "`managers: { registry: 4 }`, or a map.\n\n");
    add_keys(text, "Pool", KEYS_POOL,
             "`pools: { workers: 4 }`, or a map: `pools: { workers: { processes: 4, start: spawn } "
             "}`.\n\n");
    add_keys(text, "Thread", KEYS_THREAD, "The keys of an item of `threads:`.\n\n");
    add_keys(
        text, "Thread policy", KEYS_POLICY,
        "A thread of its own kind beside those of the machine's scheduler (sched(7)):\n\n"
        "- `normal`: as the scheduler says; the default.\n"
        "- `batch`: under eevdf and cfs, its wake-ups preempt nobody.\n"
        "- `idle`: under eevdf and cfs, it has next to no share.\n"
        "- `fifo 50`, `rr 50`: realtime with a priority from 1 (least) to 99. It runs before "
        "all normal\n  threads, until it blocks or a higher one wakes up; under `rr` it takes "
        "turns of 100 ms with its\n  equals. When normal threads have had less than 50 ms of a "
        "second, they get those.\n"
        "- `{ deadline: { runtime: 5ms, deadline: 10ms, period: 10ms } }`: before those, the "
        "earliest\n  deadline first. What it runs beyond its runtime waits for the next "
        "period.\n\n");
    add_keys(text, "Deadline", KEYS_DEADLINE, "The keys of a thread's `deadline`.\n\n");
    add_keys(
        text, "Workload", KEYS_WORKLOAD,
        "`workload: { generate: scheduler, seed: 7 }` adds threads job0, job1, … with the random "
        "jobs of a\nhomework program of Operating Systems: Three Easy Pieces, so that the run "
        "is the exercise's answer.\n\n"
        "```yaml\n"
        "title: The answer to ./mlfq.py -s 1 -c\n"
        "machine: { scheduler: mlfq, costs: zero }\n"
        "workload: { generate: mlfq, seed: 1 }\n"
        "expect:\n"
        "  - turnaround(job0) == 33ms\n"
        "  - turnaround(job1) == 226ms\n"
        "```\n\n");
}

static void add_dists(Text *text)
{
    add(text, "%s", values_text);
#define DIST(kind, name, parameters, example, meaning)                                             \
    add(text, "| `%s(%s)` | `%s` | %s |\n", name, parameters, example, meaning);
#include "sim/scenario/dists.def"
#undef DIST
}

static const char *field_type_text(FieldType type)
{
    static const char *const texts[FIELD_TYPE_COUNT] = {
        [FIELD_NONE] = "",
        [FIELD_DURATION] = "duration or distribution",
        [FIELD_COUNT] = "whole number, 1 or more",
        [FIELD_CHANCE] = "probability",
        [FIELD_TEXT] = "text",
        [FIELD_NAME] = "text",
        [FIELD_BLOCK] = "list of operations",
        [FIELD_FUNCTION] = "name of a function",
        [FIELD_LOCK] = "name of a lock",
        [FIELD_THREAD] = "name of a thread",
        [FIELD_SPAWNED] = "new name",
        [FIELD_MODE] = "`read` or `write`",
        [FIELD_SEMAPHORE] = "name of a semaphore",
        [FIELD_CONDITION] = "name of a condition",
        [FIELD_EVENT] = "name of an event",
        [FIELD_WAITED] = "name of a condition or an event",
        [FIELD_BARRIER] = "name of a barrier",
        [FIELD_QUEUE] = "name of a queue",
        [FIELD_TEST] = "test",
        [FIELD_VARIABLE] = "name of a variable",
        [FIELD_INTEGER] = "whole number",
        [FIELD_SIZE] = "size",
        [FIELD_CODE] = "whole number, 0 to 255",
        [FIELD_FLAG] = "`true` or `false`",
        [FIELD_SYSCALL] = "name of a system call",
        [FIELD_ACCESS] = "`read` or `write`",
        [FIELD_SIGNAL] = "name of a signal",
        [FIELD_PIPE_END] = "`read` or `write`",
        [FIELD_MEMORY] = "name of a block of memory",
        [FIELD_NEW_MEMORY] = "new name",
        [FIELD_CHILD] = "new name",
        [FIELD_PROCESS] = "name of a process",
        [FIELD_PIPE] = "name of a pipe",
        [FIELD_MESSAGES] = "name of a message queue",
        [FIELD_COROUTINE] = "name of a function",
        [FIELD_NEW_TASK] = "new name",
        [FIELD_TASK_NAME] = "name of a task",
        [FIELD_AWAITED] = "name, or a list of them",
        [FIELD_RETURN_WHEN] = "`first_completed`, `first_exception` or `all_completed`",
        [FIELD_EXCEPTION] = "name of an exception",
        [FIELD_HANDLERS] = "map of an exception to a list of operations",
        [FIELD_START_METHOD] = "`fork` or `spawn`",
        [FIELD_EVENT_LOOP] = "`asyncio` or `libuv`",
        [FIELD_CONNECTION] = "name of a connection",
        [FIELD_POOL] = "name of a pool",
        [FIELD_MANAGER] = "name of a manager",
        [FIELD_EXECUTOR] = "name of an executor",
        [FIELD_NEW_FUTURES] = "new name for futures",
        [FIELD_FUTURES] = "name of futures",
        [FIELD_WORK] = "name of a function, or a list of them",
    };
    return texts[type];
}

static void add_op(Text *text, const OpInfo *info)
{
    add(text, "\n#### `%s`\n\n%s\n\n```yaml\n- %s\n```\n", info->name, info->text, info->example);
    if (info->fields[0].name == NULL)
        return;
    add(text, "\n| field | value | meaning |\n|---|---|---|\n");
    for (int f = 0; f < OP_FIELDS_MAX && info->fields[f].name != NULL; f++) {
        const OpField *field = &info->fields[f];
        bool optional = !(field->flags & FIELD_REQUIRED), brief = field->flags & FIELD_SHORT;
        add(text, "| `%s` | %s%s | ", field->name, field_type_text(field->type),
            optional ? ", optional" : "");
        add_cell(text, field->text);
        add(text, "%s |\n", brief ? "; may be given alone, without its name" : "");
    }
}

static void add_ops(Text *text)
{
    static const char *const groups[][2] = {{"time", "Time"},
                                            {"flow", "Flow and output"},
                                            {"threads", "Threads and locks"},
                                            {"data", "Shared data"},
                                            {"kernel", "System calls"},
                                            {"memory", "Memory"},
                                            {"objects", "Python's objects"},
                                            {"processes", "Processes"},
                                            {"files", "Pipes and messages"},
                                            {"caches", "Caches"},
                                            {"asyncio", "Coroutines and tasks"},
                                            {"node", "Node"},
                                            {"executors", "Executors"},
                                            {"multiprocessing", "multiprocessing"}};
    add(text, "\n## Operations\n\n"
              "A list of operations is done from top to bottom. Each item is an operation's name "
              "with its\nfields; when it has a main field, that may stand alone: `compute: 5ms` is "
              "`compute: { for: 5ms }`.\n");
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        add(text, "\n### %s\n", groups[g][1]);
        for (unsigned code = 0; code < OP_CODE_COUNT; code++)
            if (op_info(code) != NULL && strcmp(op_info(code)->group, groups[g][0]) == 0)
                add_op(text, op_info(code));
        if (strcmp(groups[g][0], "threads") == 0)
            add(text, "%s", threading_text);
    }
}

static void add_metrics(Text *text)
{
    static const char *const subjects[SUBJECT_COUNT] = {
        [SUBJECT_NONE] = "the run",        [SUBJECT_CORE] = "a core",
        [SUBJECT_THREADS] = "threads",     [SUBJECT_LOCK] = "a lock",
        [SUBJECT_NAME] = "a mark or span", [SUBJECT_SYNC] = "a lock, semaphore, …",
        [SUBJECT_PROCESS] = "processes",   [SUBJECT_PIPE] = "a pipe",
        [SUBJECT_VARIABLE] = "a variable"};
    static const char *const units[] = {"number", "time", "rate", "size", "texts"};
    add(text, "%s", expect_text);
    for (int m = 0; m < METRIC_KINDS; m++) {
        const MetricInfo *info = metric_info((MetricId)m);
        const char *subject = m == METRIC_LATENCY ? "a span" : subjects[info->subject];
        add(text, "| `%s` | %s | %s | %s |\n", info->name, subject, units[info->unit], info->text);
    }
    add(text, "\n| field | meaning |\n|---|---|\n");
#define X(id, name, meaning) add(text, "| `.%s` | %s |\n", name, meaning);
    EXPECT_FIELDS(X)
#undef X
    add(text,
        "\nPercentiles are by the nearest rank: of n values in ascending order, p90 is number "
        "0.9 n, rounded\nup. Nothing is interpolated, so a percentile is always a value that "
        "occurred.\n");
    add(text, "%s", races_text);
}

static void add_costs(Text *text)
{
    add_keys(
        text, "Costs", KEYS_COSTS,
        "`costs: typical` is a current server, `costs: zero` the textbook's machine, on which\n"
        "nothing but your operations takes time. A map changes single costs: `costs: { base: "
        "zero,\ncontext_switch: 5us }`. Besides `base` its keys are the names of the second "
        "table.\n\n"
        "That a process ends, and gives back its pages, takes time in a scenario that speaks of "
        "memory,\nprocesses, pipes or an exit code. In one that is about threads alone it takes "
        "none.\n\n");
    add(text, "\n| cost | typical | what it is | how to measure it |\n|---|---|---|---|\n");
    for (int c = 0; c < COST_COUNT; c++) {
        const CostInfo *info = cost_info((CostId)c);
        char typical[32];
        add(text, "| `%s` | %s | ", info->name, duration_text(info->typical_ns, typical));
        add_cell(text, info->text);
        add(text, " | ");
        add_cell(text, info->probe);
        add(text, " |\n");
    }
}

static void add_objects(Text *text)
{
    add(text,
        "\n### Python's memory\n\n"
        "In a scenario that speaks of memory (`machine: { memory: 1GiB }` is enough) Python's "
        "objects take\npages of their process, in bytes each:\n\n"
        "| object | 2.7 | 3.8 | 3.9 | 3.10 | 3.11 | 3.12 | 3.13 | what it is | how to measure it "
        "|\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < PYTHON_OBJECT_COUNT; i++) {
        const PythonObjectInfo *info = python_object_info((PythonObjectId)i);
        add(text, "| %s | ", info->name);
        for (int version = 0; version < PYTHON_VERSIONS; version++) {
            if (info->bytes[version] > 0)
                add(text, "%u | ", info->bytes[version]);
            else
                add(text, "- | ");
        }
        add_cell(text, info->text);
        add(text, " | ");
        add_cell(text, info->probe);
        add(text, " |\n");
    }
    add(text,
        "\nA freed object leaves its room to others; the process keeps the page. The interpreter "
        "itself is\nnot counted, nor are coroutines of asyncio's own besides sleep.\n");
}

static void add_limits(Text *text)
{
    add(text, "\n### Limits\n\n"
              "A run that crosses one of these ends, says which, and keeps what was traced. Raise "
              "them with\n`limits: { events: 5G }`.\n\n"
              "| limit | default | what it bounds |\n|---|---|---|\n");
    char bound[32];
#define X(id, name, value, meaning)                                                                \
    add(text, "| `%s` | %s | %s |\n", name, limit_text(LIMIT_##id, value, bound), meaning);
    LIMITS(X)
#undef X
}

static void add_report_section(Text *text, const char *key, const char *rows)
{
    if (*key == '\0')
        add(text, "\n### The document\n\n");
    else
        add(text, "\n### `%s`\n\nA list, %s.\n\n", key, rows);
    add(text, "| key | type | meaning |\n|---|---|---|\n");
}

static void add_report(Text *text)
{
    add(text, "%s", run_text);
#define REPORT_SECTION(id, key, rows) add_report_section(text, key, rows);
#define REPORT_KEY(section, id, key, type, meaning)                                                \
    add(text, "| `%s` | %s | %s |\n", key, type, meaning);
#include "sim/trace/report_keys.def"
#undef REPORT_KEY
#undef REPORT_SECTION
}

char *reference_text(Arena *arena)
{
    Text text = {0};
    add(&text, "%s", intro);
    add_all_keys(&text);
    add_costs(&text);
    add_objects(&text);
    add_limits(&text);
    add_dists(&text);
    add_ops(&text);
    add_metrics(&text);
    add_report(&text);
    add(&text, "%s", override_text);
    char *copy = arena_text(arena, text.at, text.count);
    ARRAY_FREE(&text);
    return copy;
}
