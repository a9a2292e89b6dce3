#include "sim/scenario/python_text.h"

#include "sim/base/array.h"
#include "sim/base/check.h"
#include "sim/scenario/python_names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct Python {
    const Scenario *scenario;
    ProcessId process;
    Arena *arena;
    Diag *diag;
    ARRAY(char) text;
    int groups;                  // that are open
    int depth;                   // of blocks: four blanks each
    const uint32_t *function_at; // by op index: the FunctionDef (index1) that begins there
    const bool *several;         // by TaskNameDef's index1: it means more than one task
    bool failed;
} Python;

// ---- lines

__attribute__((format(printf, 2, 3))) static void add(Python *python, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(python->arena, format, values);
    va_end(values);
    size_t length = strlen(text), at = python->text.count;
    ARRAY_EXTEND_BY(&python->text, length);
    memcpy(python->text.at + at, text, length);
}

// A line of the current block.
__attribute__((format(printf, 2, 3))) static void line(Python *python, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(python->arena, format, values);
    va_end(values);
    add(python, "%*s%s\n", 4 * python->depth, "", text);
}

// A text as a Python literal; UTF-8 stays as it is.
static const char *literal(Python *python, StringId id)
{
    const char *text = scenario_string(python->scenario, id);
    char *quoted = arena_alloc(python->arena, strlen(text) * 4 + 3), *at = quoted;
    *at++ = '"';
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            at += sprintf(at, "\\%c", *c);
        else if (*c == '\n')
            at += sprintf(at, "\\n");
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            at += sprintf(at, "\\x%02x", (unsigned)*c);
        else
            *at++ = *c;
    }
    *at = '"';
    return quoted;
}

// ---- values

// Seconds, as short as they can be: "0.005".
static const char *seconds(Python *python, int64_t ns)
{
    char *text =
        arena_format(python->arena, "%" PRId64 ".%09" PRId64, ns / 1000000000, ns % 1000000000);
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[--length] = '\0';
    return text;
}

static const char *choice(Python *python, const Dist *dist)
{
    const char *values = "", *weights = "";
    for (uint32_t i = 0; i < dist->choice_count; i++) {
        const DistChoice *one = &python->scenario->choices[dist->choice_first + i];
        const char *comma = i == 0 ? "" : ", ";
        values = arena_format(python->arena, "%s%s%s", values, comma, seconds(python, one->ns));
        weights = arena_format(python->arena, "%s%s%g", weights, comma, (double)one->weight / 1e6);
    }
    return arena_format(python->arena, "random.choices([%s], [%s])[0]", values, weights);
}

// A duration that may be random, in seconds.
static const char *duration(Python *python, uint32_t id)
{
    const Dist *dist = &python->scenario->dists[id - 1];
    const char *a = seconds(python, dist->a);
    double factor = (double)dist->b / 4294967296.0;
    switch (dist->kind) {
    case DIST_EXPONENTIAL:
        return arena_format(python->arena, "random.expovariate(1 / %s)", a);
    case DIST_UNIFORM:
        return arena_format(python->arena, "random.uniform(%s, %s)", a, seconds(python, dist->b));
    case DIST_NORMAL:
        return arena_format(python->arena, "max(0, random.gauss(%s, %s))", a,
                            seconds(python, dist->b));
    case DIST_LOGNORMAL:
        return arena_format(python->arena, "random.lognormvariate(math.log(%s), %g)", a, factor);
    case DIST_PARETO:
        return arena_format(python->arena, "%s * random.paretovariate(%g)", a, factor);
    case DIST_CHOICE:
        return choice(python, dist);
    default:
        return a;
    }
}

static const char *sync_name(Python *python, uint32_t sync)
{
    return python_name(python->scenario, python->arena, PYTHON_SYNC,
                       python->scenario->syncs[sync - 1].name);
}

static const char *variable_of(Python *python, uint32_t variable)
{
    return python_name(python->scenario, python->arena, PYTHON_VARIABLE,
                       python->scenario->variables[variable - 1].name);
}

static const char *task_name_of(Python *python, uint32_t name)
{
    return python_name(python->scenario, python->arena, PYTHON_TASK,
                       python->scenario->task_names[name - 1].name);
}

static const char *function_name(Python *python, const FunctionDef *function)
{
    return python_name(python->scenario, python->arena, PYTHON_FUNCTION, function->name);
}

// The function whose first op is `entry`.
static const FunctionDef *function_at(const Python *python, uint32_t entry)
{
    CHECKF(python->function_at[entry] != 0, "no function begins at %u", entry);
    return &python->scenario->functions[python->function_at[entry] - 1];
}

static const char *exception_of(Python *python, uint32_t exception)
{
    static const char *const words[] = {NULL,
#define X(id, name, python_name) python_name,
                                        EXCEPTIONS(X)
#undef X
    };
    if (exception < EXCEPTION_OWN)
        return words[exception];
    return python_name(python->scenario, python->arena, PYTHON_EXCEPTION,
                       (StringId){exception - EXCEPTION_OWN});
}

// ---- what is awaited

// The arguments of gather and its like: "t1, *workers, handle()". `tasks`: functions are made
// tasks.
static void add_awaited(Python *python, uint32_t awaited, bool tasks)
{
    const Scenario *scenario = python->scenario;
    for (const AwaitedDef *def = &scenario->awaited[awaited - 1];; def++) {
        if (def->name != 0)
            add(python, "%s%s", python->several[def->name] ? "*" : "",
                task_name_of(python, def->name));
        else
            add(python, tasks ? "asyncio.create_task(%s())" : "%s()",
                function_name(python, &scenario->functions[def->function - 1]));
        if (def->last)
            return;
        add(python, ", ");
    }
}

// The beginning of a line and of a call, up to its arguments.
static void begin_line(Python *python, const char *text)
{
    add(python, "%*s%s", 4 * python->depth, "", text);
}

static void write_await(Python *python, const Op *op)
{
    if (op->arg[1] != 0) {
        line(python, "await asyncio.sleep(%s)", duration(python, op->arg[1]));
        return;
    }
    const AwaitedDef *def = &python->scenario->awaited[op->arg[0] - 1];
    if (def->name != 0 && python->several[def->name]) {
        line(python, "for task in %s:", task_name_of(python, def->name));
        line(python, "    await task");
        return;
    }
    begin_line(python, "await ");
    add_awaited(python, op->arg[0], false);
    add(python, "\n");
}

static void write_create_task(Python *python, const Op *op)
{
    const char *function = function_name(python, &python->scenario->functions[op->arg[0] - 1]);
    const char *name = op->arg[1] == 0 ? NULL : task_name_of(python, op->arg[1]);
    bool several = name != NULL && python->several[op->arg[1]];
    const char *owner = "asyncio";
    if (op->arg[CREATE_TASK_GROUP] != 0)
        owner = arena_format(python->arena, "group_%d", python->groups);
    const char *one = arena_format(python->arena, "%s.create_task(%s())", owner, function);
    uint32_t count = op->arg[2] == 0 ? 1 : op->arg[2];
    if (several) {
        line(python, "%s = [%s for _ in range(%u)]", name, one, count);
    } else if (name != NULL) {
        line(python, "%s = %s", name, one);
    } else if (count > 1) { // the loop keeps only weak references
        line(python, "for _ in range(%u):", count);
        line(python, "    kept.append(%s)", one);
    } else {
        line(python, "kept.append(%s)", one);
    }
}

static void write_cancel(Python *python, const Op *op)
{
    const char *name = task_name_of(python, op->arg[0]);
    if (python->several[op->arg[0]]) {
        line(python, "for task in %s:", name);
        line(python, "    task.cancel()");
    } else {
        line(python, "%s.cancel()", name);
    }
}

static void write_block(Python *python, uint32_t first);

static void write_as_completed(Python *python, const Op *op)
{
    begin_line(python, "for task in asyncio.as_completed([");
    add_awaited(python, op->arg[0], true);
    add(python, "]%s%s):\n",
        op->arg[1] == 0 ? "" : ", timeout=", op->arg[1] == 0 ? "" : duration(python, op->arg[1]));
    line(python, "    await task");
    if (op->arg[2] != 0)
        write_block(python, op->arg[2]);
}

static void write_wait(Python *python, const Op *op)
{
    static const char *const when[] = {"", ", return_when=asyncio.FIRST_COMPLETED",
                                       ", return_when=asyncio.FIRST_EXCEPTION",
                                       ", return_when=asyncio.ALL_COMPLETED"};
    const char *timeout =
        op->arg[2] == 0 ? ""
                        : arena_format(python->arena, ", timeout=%s", duration(python, op->arg[2]));
    begin_line(python, "await asyncio.wait([");
    add_awaited(python, op->arg[0], true);
    add(python, "]%s%s)\n", timeout, when[op->arg[1]]);
}

// ---- flow

static uint32_t write_list(Python *python, uint32_t at);

static void write_block(Python *python, uint32_t first)
{
    python->depth++;
    size_t before = python->text.count;
    if (first != 0)
        write_list(python, first);
    if (python->text.count == before)
        line(python, "pass");
    python->depth--;
}

static const char *test(Python *python, uint32_t id)
{
    static const char *const operators[] = {
#define X(id, word) word,
        COMPARISONS(X)
#undef X
    };
    const TestDef *def = &python->scenario->tests[id - 1];
    if (def->variable.index1 != 0)
        return arena_format(python->arena, "%s %s %" PRId64,
                            variable_of(python, def->variable.index1), operators[def->comparison],
                            def->value);
    const SyncDef *sync = &python->scenario->syncs[def->sync.index1 - 1];
    const char *name = sync_name(python, def->sync.index1);
    const char *no = def->negated ? "not " : "";
    if (sync->kind == SYNC_EVENT)
        return arena_format(python->arena, "%s%s.is_set()", no, name);
    if (sync->kind == SYNC_QUEUE)
        return arena_format(python->arena, "%s%s.empty()", def->negated ? "" : "not ", name);
    if (sync->kind == SYNC_SEMAPHORE)
        return arena_format(python->arena, "%s%s._value > 0", no, name);
    return arena_format(python->arena, "%s%s.locked()", no, name);
}

static void write_if(Python *python, const Op *op)
{
    if (op->arg[3] != 0)
        line(python, "if %s:", test(python, op->arg[3]));
    else
        line(python, "if random.random() < %g:", (double)op->arg[0] / 4294967295.0);
    write_block(python, op->arg[1]);
    if (op->arg[2] != 0) {
        line(python, "else:");
        write_block(python, op->arg[2]);
    }
}

static void write_try(Python *python, const Op *op)
{
    const Op *ops = python->scenario->ops;
    line(python, "try:");
    write_block(python, op->arg[0]);
    for (uint32_t at = op->arg[1]; at != 0 && ops[at].code == OP_EXCEPT; at = ops[at].next) {
        line(python, "except %s:", exception_of(python, ops[at].arg[0]));
        write_block(python, ops[at].arg[1]);
    }
    if (op->arg[2] != 0) {
        line(python, "finally:");
        write_block(python, op->arg[2]);
    }
}

static void write_call(Python *python, const Op *op)
{
    const FunctionDef *function = function_at(python, op->arg[0]);
    line(python, "%s%s()", function->coroutine ? "await " : "", function_name(python, function));
}

static void write_spawn(Python *python, const Op *op)
{
    const char *name = python_name(python->scenario, python->arena, PYTHON_THREADS,
                                   python->scenario->threads[op->arg[1] - 1].name);
    const char *function = function_name(python, function_at(python, op->arg[0]));
    line(python, "for _ in range(%u):", op->arg[2] == 0 ? 1 : op->arg[2]);
    line(python, "    %s.append(threading.Thread(target=%s))", name, function);
    line(python, "    %s[-1].start()", name);
}

static void write_join(Python *python, const Op *op)
{
    const char *name = python_name(python->scenario, python->arena, PYTHON_THREADS,
                                   python->scenario->threads[op->arg[0] - 1].name);
    line(python, "for thread in %s:", name);
    line(python, "    thread.join()");
}

static bool has_no_form(Python *python, const Op *op, const char *what)
{
    uint32_t index = (uint32_t)(op - python->scenario->ops);
    python->failed = true;
    return diag_fail(python->diag, python->scenario->op_at[index],
                     "'%s'%s has no Python form in this version of ringside",
                     op_info(op->code)->name, what);
}

static void write_wait_sync(Python *python, const Op *op)
{
    if (op->arg[1] != 0)
        has_no_form(python, op, " with a timeout");
    else
        line(python, "%s.wait()", sync_name(python, op->arg[0]));
}

// ---- one op

static bool write_simple(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_COMPUTE:
        line(python, "compute(%s)", duration(python, arg[0]));
        return true;
    case OP_SLEEP:
        line(python, "time.sleep(%s)", duration(python, arg[0]));
        return true;
    case OP_YIELD:
        line(python, "time.sleep(0)");
        return true;
    case OP_PRINT:
        line(python, "print(%s)", literal(python, (StringId){arg[0]}));
        return true;
    case OP_MARK:
        line(python, "mark(%s)", literal(python, (StringId){arg[0]}));
        return true;
    case OP_RAISE:
        line(python, "raise %s", exception_of(python, arg[0]));
        return true;
    case OP_LOCK:
    case OP_ACQUIRE:
        if (arg[1] != 0 || (op->code == OP_LOCK && arg[2] != 0))
            return has_no_form(python, op, " with this");
        line(python, "%s.acquire()", sync_name(python, arg[0]));
        return true;
    case OP_UNLOCK:
        line(python, "%s.release()", sync_name(python, arg[0]));
        return true;
    case OP_RELEASE:
        line(python, arg[1] > 1 ? "%s.release(%u)" : "%s.release()", sync_name(python, arg[0]),
             arg[1]);
        return true;
    case OP_SET:
        line(python, "%s.set()", sync_name(python, arg[0]));
        return true;
    case OP_CLEAR:
        line(python, "%s.clear()", sync_name(python, arg[0]));
        return true;
    case OP_BARRIER:
        if (arg[1] != 0)
            return has_no_form(python, op, " with this");
        line(python, "%s.wait()", sync_name(python, arg[0]));
        return true;
    case OP_ADD:
        line(python, "%s += %" PRId64, variable_of(python, arg[0]),
             op_has_integer(arg[1]) ? op_integer(arg[1]) : 1);
        return true;
    default:
        return false;
    }
}

static bool write_asyncio(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_ASYNCIO_RUN:
        line(python, "asyncio.run(%s())",
             function_name(python, &python->scenario->functions[arg[0] - 1]));
        return true;
    case OP_AWAIT:
        write_await(python, op);
        return true;
    case OP_CREATE_TASK:
        write_create_task(python, op);
        return true;
    case OP_GATHER:
        begin_line(python, "await asyncio.gather(");
        add_awaited(python, arg[0], false);
        add(python, "%s)\n", arg[1] ? ", return_exceptions=True" : "");
        return true;
    case OP_ASYNCIO_WAIT:
        write_wait(python, op);
        return true;
    case OP_WAIT_FOR:
        begin_line(python, "await asyncio.wait_for(");
        add_awaited(python, arg[0], false);
        add(python, ", %s)\n", duration(python, arg[1]));
        return true;
    case OP_TIMEOUT:
        line(python, "async with asyncio.timeout(%s):", duration(python, arg[0]));
        write_block(python, arg[1]);
        return true;
    case OP_AS_COMPLETED:
        write_as_completed(python, op);
        return true;
    case OP_SHIELD:
        begin_line(python, "await asyncio.shield(");
        add_awaited(python, arg[0], false);
        add(python, ")\n");
        return true;
    case OP_TASK_GROUP:
        python->groups++;
        line(python, "async with asyncio.TaskGroup() as group_%d:", python->groups);
        write_block(python, arg[0]);
        python->groups--;
        return true;
    case OP_CANCEL:
        write_cancel(python, op);
        return true;
    default:
        return false;
    }
}

static void write_op(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    if (write_simple(python, op) || write_asyncio(python, op) || python->failed)
        return;
    switch (op->code) {
    case OP_REPEAT:
        line(python, "for _ in range(%u):", arg[0]);
        write_block(python, arg[1]);
        break;
    case OP_FOREVER:
        line(python, "while True:");
        write_block(python, arg[0]);
        break;
    case OP_WHILE:
        line(python, "while %s:", test(python, arg[0]));
        write_block(python, arg[1]);
        break;
    case OP_IF:
        write_if(python, op);
        break;
    case OP_TRY:
        write_try(python, op);
        break;
    case OP_SPAN:
        line(python, "with span(%s):", literal(python, (StringId){arg[0]}));
        write_block(python, arg[1]);
        break;
    case OP_WITH:
        if (arg[3] != 0) {
            has_no_form(python, op, " with this");
            break;
        }
        line(python, "with %s:", sync_name(python, arg[0]));
        write_block(python, arg[1]);
        break;
    case OP_CALL:
        write_call(python, op);
        break;
    case OP_SPAWN:
        write_spawn(python, op);
        break;
    case OP_JOIN:
        write_join(python, op);
        break;
    case OP_WAIT:
        write_wait_sync(python, op);
        break;
    default:
        has_no_form(python, op, "");
    }
}

// The ops from `at` to the end of their list; returns where that is.
static uint32_t write_list(Python *python, uint32_t at)
{
    const Op *ops = python->scenario->ops;
    for (; ops[at].code != OP_RETURN && ops[at].code != OP_BLOCK_END; at = ops[at].next)
        write_op(python, &ops[at]);
    return at;
}

// ---- the parts of the program

// Names that the list of ops assigns, which are the program's, not the function's.
static void write_globals(Python *python, uint32_t entry)
{
    const Scenario *scenario = python->scenario;
    uint32_t tasks = scenario->task_name_count, all = tasks + scenario->variable_count;
    bool *seen = ARENA_ARRAY(python->arena, bool, all + 1);
    bool any = false;
    for (uint32_t at = entry; scenario->ops[at].code != OP_RETURN; at++) {
        const Op *op = &scenario->ops[at];
        uint32_t name = op->code == OP_CREATE_TASK ? op->arg[1]
                        : op->code == OP_ADD       ? tasks + op->arg[0]
                                                   : 0;
        if (name == 0 || seen[name])
            continue;
        seen[name] = true;
        if (!any)
            begin_line(python, "global ");
        const char *text =
            name <= tasks ? task_name_of(python, name) : variable_of(python, name - tasks);
        add(python, "%s%s", any ? ", " : "", text);
        any = true;
    }
    if (any)
        add(python, "\n");
}

static void write_function(Python *python, const char *name, uint32_t entry, bool coroutine)
{
    add(python, "\n\n%sdef %s():\n", coroutine ? "async " : "", name);
    python->depth = 1;
    write_globals(python, entry);
    python->depth = 0;
    write_block(python, entry);
}

static const char *sync_value(Python *python, const SyncDef *def)
{
    switch (def->kind) {
    case SYNC_RLOCK:
        return "threading.RLock()";
    case SYNC_SEMAPHORE:
        return arena_format(python->arena, "threading.Semaphore(%u)", def->parameter);
    case SYNC_CONDITION:
        return arena_format(python->arena, "threading.Condition(%s)",
                            sync_name(python, def->lock.index1));
    case SYNC_EVENT:
        return "threading.Event()";
    case SYNC_BARRIER:
        return arena_format(python->arena, "threading.Barrier(%u)", def->parameter);
    case SYNC_QUEUE:
        return arena_format(python->arena, "queue.%s(%u)",
                            def->by_priority ? "PriorityQueue" : "Queue", def->parameter);
    default:
        return "threading.Lock()";
    }
}

static const char prelude[] = "import asyncio\n"
                              "import contextlib\n"
                              "import math\n"
                              "import queue\n"
                              "import random\n"
                              "import threading\n"
                              "import time\n"
                              "\n\n"
                              "def compute(seconds):\n"
                              "    \"\"\"Runs for this much CPU time of its thread.\"\"\"\n"
                              "    end = time.thread_time() + seconds\n"
                              "    while time.thread_time() < end:\n"
                              "        pass\n"
                              "\n\n"
                              "def mark(name):\n"
                              "    pass\n"
                              "\n\n"
                              "@contextlib.contextmanager\n"
                              "def span(name):\n"
                              "    yield\n";

// Whether the threads made from this entry are kept in a list: all but a lone main thread are.
static bool uses_list(const Python *python, uint32_t thread)
{
    const ThreadDef *def = &python->scenario->threads[thread];
    uint32_t others = 0;
    for (uint32_t i = 0; i < python->scenario->thread_count; i++)
        others += i != thread && ID_EQUAL(python->scenario->threads[i].process, python->process) &&
                  !python->scenario->threads[i].spawned;
    return def->spawned || def->count > 1 || def->start != 0 || others > 0;
}

static void write_names(Python *python)
{
    const Scenario *scenario = python->scenario;
    const ProcessDef *process = &scenario->processes[python->process.index1 - 1];
    add(python, "\n\nkept = []  # tasks without a name: the loop alone does not keep them\n");
    for (uint32_t i = 0; i < process->sync_count; i++) {
        uint32_t id = process->sync_first + i + 1;
        line(python, "%s = %s", sync_name(python, id),
             sync_value(python, &scenario->syncs[id - 1]));
    }
    for (uint32_t i = 0; i < process->variable_count; i++) {
        uint32_t id = process->variable_first + i + 1;
        line(python, "%s = %" PRId64, variable_of(python, id), scenario->variables[id - 1].value);
    }
    for (uint32_t i = 0; i < scenario->thread_count; i++)
        if (ID_EQUAL(scenario->threads[i].process, python->process) && uses_list(python, i))
            line(python, "%s = []",
                 python_name(scenario, python->arena, PYTHON_THREADS, scenario->threads[i].name));
}

// Exceptions that the scenario names, in the order in which they come.
static void write_exceptions(Python *python)
{
    const Scenario *scenario = python->scenario;
    uint8_t *seen = ARENA_ARRAY(python->arena, uint8_t, scenario->string_count + 1);
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        const Op *op = &scenario->ops[i];
        if ((op->code != OP_RAISE && op->code != OP_EXCEPT) || op->arg[0] < EXCEPTION_OWN)
            continue;
        if (!seen[op->arg[0] - EXCEPTION_OWN])
            add(python, "\n\nclass %s(Exception):\n    pass\n", exception_of(python, op->arg[0]));
        seen[op->arg[0] - EXCEPTION_OWN] = true;
    }
}

static const char *thread_function(Python *python, const ThreadDef *thread)
{
    return python_name(python->scenario, python->arena, PYTHON_THREAD, thread->name);
}

// Starts all threads; a lone one is the program's main thread.
static void write_main(Python *python)
{
    const Scenario *scenario = python->scenario;
    uint32_t count = 0;
    const ThreadDef *only = NULL;
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        if (!ID_EQUAL(thread->process, python->process) || thread->spawned || thread->forked)
            continue;
        count += thread->count + (thread->start != 0);
        only = thread;
    }
    add(python, "\n\ndef run():\n");
    python->depth = 1;
    if (count == 1)
        line(python, "%s()", thread_function(python, only));
    for (uint32_t i = 0; count != 1 && i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        if (!ID_EQUAL(thread->process, python->process) || thread->spawned || thread->forked)
            continue;
        const char *name = python_name(scenario, python->arena, PYTHON_THREADS, thread->name);
        line(python, "for _ in range(%u):", thread->count);
        if (thread->start != 0)
            line(python, "    %s.append(threading.Timer(%s, %s))", name,
                 duration(python, thread->start), thread_function(python, thread));
        else
            line(python, "    %s.append(threading.Thread(target=%s))", name,
                 thread_function(python, thread));
        line(python, "    %s[-1].daemon = %s", name, thread->daemon ? "True" : "False");
        line(python, "    %s[-1].start()", name);
    }
    python->depth = 0;
    add(python, "\n\nif __name__ == \"__main__\":\n    run()\n");
}

static void look_up(Python *python)
{
    const Scenario *scenario = python->scenario;
    uint32_t *function_at_op = ARENA_ARRAY(python->arena, uint32_t, scenario->op_count + 1);
    bool *several = ARENA_ARRAY(python->arena, bool, scenario->task_name_count + 1);
    for (uint32_t i = 0; i < scenario->function_count; i++)
        function_at_op[scenario->functions[i].entry] = i + 1;
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_CREATE_TASK && scenario->ops[i].arg[2] > 1)
            several[scenario->ops[i].arg[1]] = true;
    python->function_at = function_at_op;
    python->several = several;
}

const char *python_text(const Scenario *scenario, ProcessId process, Arena *arena, Diag *diag)
{
    Python python = {.scenario = scenario, .process = process, .arena = arena, .diag = diag};
    look_up(&python);
    for (const char *c = scenario->title; *c != '\0'; c += *c == '\n') {
        size_t length = strcspn(c, "\n");
        add(&python, "# %.*s\n", (int)length, c);
        c += length;
    }
    add(&python, "%s", prelude);
    write_exceptions(&python);
    write_names(&python);
    for (uint32_t i = 0; i < scenario->function_count; i++) {
        const FunctionDef *function = &scenario->functions[i];
        if (ID_EQUAL(function->process, process))
            write_function(&python, function_name(&python, function), function->entry,
                           function->coroutine);
    }
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        if (ID_EQUAL(thread->process, process) && !thread->spawned && !thread->forked)
            write_function(&python, thread_function(&python, thread), thread->entry, false);
    }
    write_main(&python);
    const char *text = python.failed ? NULL : arena_text(arena, python.text.at, python.text.count);
    ARRAY_FREE(&python.text);
    return text;
}
