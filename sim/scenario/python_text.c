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

// What the test looks at of an object that processes share, multiprocessing does not say of all.
static const char *object_test(Python *python, const Op *op, const TestDef *def)
{
    const SyncDef *sync = &python->scenario->syncs[def->sync.index1 - 1];
    const char *name = python_sync(python, def->sync.index1);
    const char *no = def->negated ? "not " : "";
    if (sync->kind == SYNC_EVENT)
        return arena_format(python->arena, "%s%s.is_set()", no, name);
    if (sync->kind == SYNC_QUEUE)
        return arena_format(python->arena, "%s%s.empty()", def->negated ? "" : "not ", name);
    if (sync->kind == SYNC_SEMAPHORE)
        return arena_format(python->arena,
                            sync->shared         ? "%s%s.get_value() > 0"
                            : python->major == 2 ? "%s%s._Semaphore__value > 0"
                                                 : "%s%s._value > 0",
                            no, name);
    if (sync->shared || sync->kind == SYNC_RLOCK)
        python_has_no_form(python, op, "", "this lock does not say whether it is held");
    return arena_format(python->arena, "%s%s.locked()", no, name);
}

static const char *test(Python *python, const Op *op, uint32_t id)
{
    static const char *const operators[] = {
#define X(id, word) word,
        COMPARISONS(X)
#undef X
    };
    const TestDef *def = &python->scenario->tests[id - 1];
    if (def->variable.index1 == 0)
        return object_test(python, op, def);
    return arena_format(python->arena, "%s %s %" PRId64,
                        python_variable(python, def->variable.index1), operators[def->comparison],
                        def->value);
}

static void write_if(Python *python, const Op *op)
{
    if (op->arg[3] != 0)
        python_line(python, "if %s:", test(python, op, op->arg[3]));
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
    case OP_PRINT:
        python_line(python, "print(%s)", python_literal(python, (StringId){arg[0]}));
        return true;
    case OP_MARK:
        python_line(python, "mark(%s)", python_literal(python, (StringId){arg[0]}));
        return true;
    case OP_RAISE:
        python_line(python, "raise %s", python_exception(python, arg[0]));
        return true;
    default:
        return false;
    }
}

static bool write_flow(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_REPEAT:
        python_line(python, "for _ in range(%u):", arg[0]);
        python_block(python, arg[1]);
        return true;
    case OP_FOREVER:
        python_line(python, "while True:");
        python_block(python, arg[0]);
        return true;
    case OP_WHILE:
        python_line(python, "while %s:", test(python, op, arg[0]));
        python_block(python, arg[1]);
        return true;
    case OP_IF:
        write_if(python, op);
        return true;
    case OP_TRY:
        write_try(python, op);
        return true;
    case OP_SPAN:
        python_line(python, "with span(%s):", python_literal(python, (StringId){arg[0]}));
        python_block(python, arg[1]);
        return true;
    case OP_CALL:
        write_call(python, op);
        return true;
    default:
        return false;
    }
}

static void write_op(Python *python, const Op *op)
{
    bool written = python_executor_op(python, op) || python_multiprocessing_op(python, op) ||
                   python_stream_op(python, op) || python_asyncio_op(python, op) ||
                   write_simple(python, op) || write_flow(python, op) ||
                   python_thread_op(python, op) || python_data_op(python, op) ||
                   python_memory_op(python, op) || python_process_op(python, op);
    if (!written)
        python_has_no_form(python, op, "", "it is not one of Python's operations");
}

// The ops from `at` to the end of their list; returns where that is.
static uint32_t write_list(Python *python, uint32_t at)
{
    const Op *ops = python->scenario->ops;
    for (; ops[at].code != OP_RETURN && ops[at].code != OP_BLOCK_END; at = ops[at].next)
        write_op(python, &ops[at]);
    return at;
}

// ---- functions

// The name that the op assigns, which is the program's and not the function's; NULL: none.
static const char *assigned(Python *python, const Op *op)
{
    bool changes = op->code == OP_ADD || op->code == OP_STORE || op->code == OP_ATOMIC_ADD ||
                   op->code == OP_COMPARE_AND_SWAP;
    if (changes) {
        const VariableDef *def = &python->scenario->variables[op->arg[0] - 1];
        // Those are attributes.
        return def->of_thread || def->shared ? NULL : python_variable(python, op->arg[0]);
    }
    uint32_t name = python_named(op);
    return name != 0 ? python_task(python, name) : python_allocated(python, op);
}

static void write_globals(Python *python, uint32_t entry)
{
    const Scenario *scenario = python->scenario;
    ARRAY(const char *) seen = {0};
    for (uint32_t at = entry; scenario->ops[at].code != OP_RETURN; at++) {
        const char *name = assigned(python, &scenario->ops[at]);
        bool again = name == NULL;
        for (size_t i = 0; i < seen.count && !again; i++)
            again = strcmp(seen.at[i], name) == 0;
        if (again)
            continue;
        if (seen.count == 0)
            python_begin_line(python, "global ");
        python_add(python, "%s%s", seen.count == 0 ? "" : ", ", name);
        *ARRAY_PUSH(&seen) = name;
    }
    if (seen.count > 0)
        python_add(python, "\n");
    ARRAY_FREE(&seen);
}

void python_write_function(Python *python, const char *name, uint32_t entry, bool coroutine,
                           const char *before)
{
    python_add(python, "\n\n%sdef %s():\n", coroutine ? "async " : "", name);
    python->entry = entry;
    python->depth = 1;
    write_globals(python, entry);
    if (before != NULL)
        python_line(python, "%s", before);
    python->depth = 0;
    if (before == NULL || python->scenario->ops[entry].code != OP_RETURN)
        python_block(python, entry);
}

// ---- the parts of the program

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

// What a process has at the top of the program.
static void write_names(Python *python)
{
    python_sync_objects(python);
    python_executor_objects(python);
    python_multiprocessing_objects(python);
    python_memory_objects(python);
    python_variables(python);
    python_thread_lists(python);
    python_thread_locals(python);
}

static void write_process(Python *python)
{
    const Scenario *scenario = python->scenario;
    python_add(python, "\n\n");
    write_names(python);
    python_add(python, "\n\n");
    python_asyncio_objects(python);
    for (uint32_t i = 0; i < scenario->function_count; i++) {
        const FunctionDef *function = &scenario->functions[i];
        if (ID_EQUAL(function->process, python->process))
            python_write_function(python, python_function(python, function), function->entry,
                                  function->coroutine, NULL);
    }
    python_thread_functions(python);
    python_write_run(python);
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

// ---- what it is for

static const char *runtime_word(Python *python, const Runtime *runtime)
{
    return arena_format(python->arena, "%u.%u%s", runtime->major, runtime->minor,
                        runtime->free_threaded ? "t" : "");
}

// The CPython of all processes that are Python's; without any, one of today. false, with a message,
// when there is none that can run all of them.
static bool find_version(Python *python)
{
    const Runtime *found = NULL;
    python->major = 3;
    python->minor = 12;
    for (uint32_t id = 1; id <= python->scenario->process_count; id++) {
        const ProcessDef *def = &python->scenario->processes[id - 1];
        const Runtime *runtime = &def->runtime;
        if (def->forked || !python_has(python, (ProcessId){id}))
            continue;
        if (runtime->node)
            return diag_fail(python->diag, def->at, "what Node runs has no Python form%s",
                             python->whole ? "; name another process with --process" : "");
        if (!runtime->python)
            continue;
        if (found != NULL &&
            strcmp(runtime_word(python, found), runtime_word(python, runtime)) != 0)
            return diag_fail(python->diag, def->at,
                             "this process runs in Python %s, another one in %s, and a program in "
                             "one; name one of them with --process",
                             runtime_word(python, runtime), runtime_word(python, found));
        found = runtime;
        python->major = runtime->major;
        python->minor = runtime->minor;
        python->version = runtime_word(python, runtime);
    }
    return true;
}

const char *python_text(const Scenario *scenario, ProcessId process, Arena *arena, Diag *diag)
{
    Python python = {.scenario = scenario, .process = process, .arena = arena, .diag = diag};
    python.whole = process.index1 == 0;
    if (!find_version(&python))
        return NULL;
    look_up(&python);
    write_exceptions(&python);
    python_add(&python, "\n\n");
    python_process_ids(&python);
    python_pipes(&python);
    for (uint32_t id = 1; id <= scenario->process_count; id++) {
        if (scenario->processes[id - 1].forked || !(python.whole || id == process.index1))
            continue;
        python.process = (ProcessId){id};
        write_process(&python);
    }
    if (python.whole)
        python_start_processes(&python);
    python_add(&python, "\n\nif __name__ == \"__main__\":\n    run()\n");
    const char *text = python.failed ? NULL : python_with_helpers(&python);
    ARRAY_FREE(&python.text);
    return text;
}
