#include "sim/scenario/python_text.h"

#include "sim/scenario/python_writer.h"

#include <inttypes.h>
#include <string.h>

// ---- flow

static uint32_t write_list(Python *python, uint32_t at);

void python_block(Python *python, uint32_t first)
{
    python->depth++;
    size_t before = python->text.count;
    if (first != 0)
        write_list(python, first);
    if (python->text.count == before)
        python_line(python, "pass");
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
                            python_variable(python, def->variable.index1),
                            operators[def->comparison], def->value);
    const SyncDef *sync = &python->scenario->syncs[def->sync.index1 - 1];
    const char *name = python_sync(python, def->sync.index1);
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
        python_line(python, "if %s:", test(python, op->arg[3]));
    else
        python_line(python, "if random.random() < %g:", (double)op->arg[0] / 4294967295.0);
    python_block(python, op->arg[1]);
    if (op->arg[2] != 0) {
        python_line(python, "else:");
        python_block(python, op->arg[2]);
    }
}

static void write_try(Python *python, const Op *op)
{
    const Op *ops = python->scenario->ops;
    python_line(python, "try:");
    python_block(python, op->arg[0]);
    for (uint32_t at = op->arg[1]; at != 0 && ops[at].code == OP_EXCEPT; at = ops[at].next) {
        python_line(python, "except %s:", python_exception(python, ops[at].arg[0]));
        python_block(python, ops[at].arg[1]);
    }
    if (op->arg[2] != 0) {
        python_line(python, "finally:");
        python_block(python, op->arg[2]);
    }
}

static void write_call(Python *python, const Op *op)
{
    const FunctionDef *function = python_function_at(python, op->arg[0]);
    python_line(python, "%s%s()", function->coroutine ? "await " : "",
                python_function(python, function));
}

static void write_spawn(Python *python, const Op *op)
{
    const char *name = python_name(python->scenario, python->arena, PYTHON_THREADS,
                                   python->scenario->threads[op->arg[1] - 1].name);
    const char *function = python_function(python, python_function_at(python, op->arg[0]));
    python_line(python, "for _ in range(%u):", op->arg[2] == 0 ? 1 : op->arg[2]);
    python_line(python, "    %s.append(threading.Thread(target=%s))", name, function);
    python_line(python, "    %s[-1].start()", name);
}

static void write_join(Python *python, const Op *op)
{
    const char *name = python_name(python->scenario, python->arena, PYTHON_THREADS,
                                   python->scenario->threads[op->arg[0] - 1].name);
    python_line(python, "for thread in %s:", name);
    python_line(python, "    thread.join()");
}

static void write_wait_sync(Python *python, const Op *op)
{
    if (op->arg[1] != 0)
        python_has_no_form(python, op, " with a timeout");
    else
        python_line(python, "%s.wait()", python_sync(python, op->arg[0]));
}

// ---- one op

static bool write_simple(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_COMPUTE:
        python_line(python, "compute(%s)", python_duration(python, arg[0]));
        return true;
    case OP_NATIVE:
        python_line(python, "native(%s)", python_duration(python, arg[0]));
        return true;
    case OP_SLEEP:
        python_line(python, "time.sleep(%s)", python_duration(python, arg[0]));
        return true;
    case OP_YIELD:
        python_line(python, "time.sleep(0)");
        return true;
    case OP_PRINT:
        python_line(python, "print(%s)", python_literal(python, (StringId){arg[0]}));
        return true;
    case OP_MARK:
        python_line(python, "mark(%s)", python_literal(python, (StringId){arg[0]}));
        return true;
    case OP_RAISE:
        python_line(python, "raise %s", python_exception(python, arg[0]));
        return true;
    case OP_LOCK:
    case OP_ACQUIRE:
        if (arg[1] != 0 || (op->code == OP_LOCK && arg[2] != 0))
            return python_has_no_form(python, op, " with this");
        python_line(python, "%s.acquire()", python_sync(python, arg[0]));
        return true;
    case OP_UNLOCK:
        python_line(python, "%s.release()", python_sync(python, arg[0]));
        return true;
    case OP_RELEASE:
        python_line(python, arg[1] > 1 ? "%s.release(%u)" : "%s.release()",
                    python_sync(python, arg[0]), arg[1]);
        return true;
    case OP_SET:
        python_line(python, "%s.set()", python_sync(python, arg[0]));
        return true;
    case OP_CLEAR:
        python_line(python, "%s.clear()", python_sync(python, arg[0]));
        return true;
    case OP_BARRIER:
        if (arg[1] != 0)
            return python_has_no_form(python, op, " with this");
        python_line(python, "%s.wait()", python_sync(python, arg[0]));
        return true;
    case OP_STORE:
        if (!op_has_integer(arg[1]))
            return python_has_no_form(python, op, " without a value");
        python_line(python, "%s = %" PRId64, python_variable(python, arg[0]), op_integer(arg[1]));
        return true;
    case OP_ADD:
        python_line(python, "%s += %" PRId64, python_variable(python, arg[0]),
                    op_has_integer(arg[1]) ? op_integer(arg[1]) : 1);
        return true;
    default:
        return false;
    }
}

static void write_op(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    if (python_executor_op(python, op) || python_multiprocessing_op(python, op) ||
        python_stream_op(python, op) || python_asyncio_op(python, op) || write_simple(python, op) ||
        python->failed)
        return;
    switch (op->code) {
    case OP_REPEAT:
        python_line(python, "for _ in range(%u):", arg[0]);
        python_block(python, arg[1]);
        break;
    case OP_FOREVER:
        python_line(python, "while True:");
        python_block(python, arg[0]);
        break;
    case OP_WHILE:
        python_line(python, "while %s:", test(python, arg[0]));
        python_block(python, arg[1]);
        break;
    case OP_IF:
        write_if(python, op);
        break;
    case OP_TRY:
        write_try(python, op);
        break;
    case OP_SPAN:
        python_line(python, "with span(%s):", python_literal(python, (StringId){arg[0]}));
        python_block(python, arg[1]);
        break;
    case OP_WITH:
        if (arg[3] != 0) {
            python_has_no_form(python, op, " with this");
            break;
        }
        python_line(python, "with %s:", python_sync(python, arg[0]));
        python_block(python, arg[1]);
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
        python_has_no_form(python, op, "");
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
        uint32_t name =
            op->code == OP_ADD || op->code == OP_STORE ? tasks + op->arg[0] : python_named(op);
        if (name == 0 || seen[name])
            continue;
        seen[name] = true;
        if (name > tasks && scenario->variables[name - tasks - 1].of_thread)
            continue; // an attribute
        if (!any)
            python_begin_line(python, "global ");
        const char *text =
            name <= tasks ? python_task(python, name) : python_variable(python, name - tasks);
        python_add(python, "%s%s", any ? ", " : "", text);
        any = true;
    }
    if (any)
        python_add(python, "\n");
}

static void write_function(Python *python, const char *name, uint32_t entry, bool coroutine)
{
    python_add(python, "\n\n%sdef %s():\n", coroutine ? "async " : "", name);
    python->depth = 1;
    write_globals(python, entry);
    python->depth = 0;
    python_block(python, entry);
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
                            python_sync(python, def->lock.index1));
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
                              "import itertools\n"
                              "import math\n"
                              "import queue\n"
                              "import random\n"
                              "import sys\n"
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

// One call, for which the GIL is released once: many short ones would each have to get it again.
static void write_native(Python *python)
{
    if (python_uses(python, OP_NATIVE))
        python_add(python,
                   "\n\nimport hashlib\n"
                   "\n\n"
                   "def hash_for(rounds):\n"
                   "    begin = time.thread_time()\n"
                   "    hashlib.pbkdf2_hmac(\"sha256\", b\"\", b\"\", rounds)\n"
                   "    return time.thread_time() - begin\n"
                   "\n\n"
                   "hash_round = hash_for(20_000) / 20_000\n"
                   "\n\n"
                   "def native(seconds):\n"
                   "    \"\"\"Runs C code, without the GIL, for about this much CPU time.\"\"\"\n"
                   "    hash_for(max(1, round(seconds / hash_round)))\n");
}

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

// Whose program starts the threads, or the processes, made from it.
static ProcessId process_of(const Python *python, uint32_t thread)
{
    ProcessId process = python->scenario->threads[thread].process;
    return python->scenario->processes[process.index1 - 1].family;
}

static void write_names(Python *python)
{
    const Scenario *scenario = python->scenario;
    const ProcessDef *process = &scenario->processes[python->process.index1 - 1];
    python_add(python,
               "\n\nkept = []  # tasks without a name: the loop alone does not keep them\n");
    for (uint32_t i = 0; i < process->sync_count; i++) {
        uint32_t id = process->sync_first + i + 1;
        if (!scenario->syncs[id - 1].asyncio && !scenario->syncs[id - 1].library)
            python_line(python, "%s = %s", python_sync(python, id),
                        sync_value(python, &scenario->syncs[id - 1]));
    }
    python_executor_objects(python);
    python_stream_objects(python);
    python_multiprocessing_objects(python);
    for (uint32_t i = 0; i < process->variable_count; i++) {
        uint32_t id = process->variable_first + i + 1;
        if (!scenario->variables[id - 1].of_thread)
            python_line(python, "%s = %" PRId64, python_variable(python, id),
                        scenario->variables[id - 1].value);
    }
    python_thread_locals(python);
    for (uint32_t i = 0; i < scenario->thread_count; i++)
        if (ID_EQUAL(process_of(python, i), python->process) && !scenario->threads[i].library &&
            uses_list(python, i))
            python_line(
                python, "%s = []",
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
            python_add(python, "\n\nclass %s(Exception):\n    pass\n",
                       python_exception(python, op->arg[0]));
        seen[op->arg[0] - EXCEPTION_OWN] = true;
    }
}

static const char *thread_function(Python *python, const ThreadDef *thread)
{
    return python_name(python->scenario, python->arena, PYTHON_THREAD, thread->name);
}

// Starts all threads; a lone one is the program's main thread. Else that waits for the others:
// behind its end Python starts no more threads and processes, and shuts executors down.
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
    python_add(python, "\n\ndef run():\n");
    python->depth = 1;
    if (python_uses(python, OP_CALL_AT)) {
        python_line(python, "global begun");
        python_line(python, "begun = time.monotonic()");
    }
    const Runtime *runtime = &scenario->processes[python->process.index1 - 1].runtime;
    if (runtime->python && runtime->switch_interval_ns != SWITCH_INTERVAL_DEFAULT_NS)
        python_line(python, "sys.setswitchinterval(%s)",
                    python_seconds(python, runtime->switch_interval_ns));
    if (count == 1)
        python_line(python, "%s()", thread_function(python, only));
    for (uint32_t i = 0; count != 1 && i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        if (!ID_EQUAL(thread->process, python->process) || thread->spawned || thread->forked)
            continue;
        const char *name = python_name(scenario, python->arena, PYTHON_THREADS, thread->name);
        python_line(python, "for _ in range(%u):", thread->count);
        if (thread->start != 0)
            python_line(python, "    %s.append(threading.Timer(%s, %s))", name,
                        python_duration(python, thread->start), thread_function(python, thread));
        else
            python_line(python, "    %s.append(threading.Thread(target=%s))", name,
                        thread_function(python, thread));
        python_line(python, "    %s[-1].daemon = %s", name, thread->daemon ? "True" : "False");
        python_line(python, "    %s[-1].start()", name);
    }
    for (uint32_t i = 0; count != 1 && i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        if (ID_EQUAL(thread->process, python->process) && !thread->spawned && !thread->forked &&
            !thread->daemon) {
            python_line(python, "for thread in %s:",
                        python_name(scenario, python->arena, PYTHON_THREADS, thread->name));
            python_line(python, "    thread.join()");
        }
    }
    python->depth = 0;
    python_add(python, "\n\nif __name__ == \"__main__\":\n    run()\n");
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
    const ProcessDef *def = &scenario->processes[process.index1 - 1];
    if (def->interpreters > 0)
        python.failed = !diag_fail(diag, def->at,
                                   "a process with several interpreters has no Python form in "
                                   "this version of ringside");
    look_up(&python);
    for (const char *c = scenario->title; *c != '\0'; c += *c == '\n') {
        size_t length = strcspn(c, "\n");
        python_add(&python, "# %.*s\n", (int)length, c);
        c += length;
    }
    python_asyncio_imports(&python);
    python_executor_imports(&python);
    python_stream_imports(&python);
    python_multiprocessing_imports(&python);
    python_add(&python, "%s", prelude);
    write_native(&python);
    write_exceptions(&python);
    python_stream_class(&python);
    write_names(&python);
    python_asyncio_objects(&python);
    for (uint32_t i = 0; i < scenario->function_count; i++) {
        const FunctionDef *function = &scenario->functions[i];
        if (ID_EQUAL(function->process, process))
            write_function(&python, python_function(&python, function), function->entry,
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
