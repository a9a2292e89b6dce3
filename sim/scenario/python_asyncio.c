// Ops of asyncio, as Python.
#include "sim/scenario/python_writer.h"

// ---- what is awaited

// The arguments of gather and its like: "t1, *workers, handle()". `tasks`: functions are made
// tasks.
static void add_awaited(Python *python, uint32_t awaited, bool tasks)
{
    const Scenario *scenario = python->scenario;
    for (const AwaitedDef *def = &scenario->awaited[awaited - 1];; def++) {
        if (def->name != 0)
            python_add(python, "%s%s", python->several[def->name] ? "*" : "",
                       python_task(python, def->name));
        else
            python_add(python, tasks ? "asyncio.create_task(%s())" : "%s()",
                       python_function(python, &scenario->functions[def->function - 1]));
        if (def->last)
            return;
        python_add(python, ", ");
    }
}

static void write_await(Python *python, const Op *op)
{
    if (op->arg[1] != 0) {
        python_line(python, "await asyncio.sleep(%s)", python_duration(python, op->arg[1]));
        return;
    }
    const AwaitedDef *def = &python->scenario->awaited[op->arg[0] - 1];
    if (def->name != 0 && python->several[def->name]) {
        python_line(python, "for task in %s:", python_task(python, def->name));
        python_line(python, "    await task");
        return;
    }
    python_begin_line(python, "await ");
    add_awaited(python, op->arg[0], false);
    python_add(python, "\n");
}

static void write_create_task(Python *python, const Op *op)
{
    const char *function = python_function(python, &python->scenario->functions[op->arg[0] - 1]);
    const char *name = op->arg[1] == 0 ? NULL : python_task(python, op->arg[1]);
    bool several = name != NULL && python->several[op->arg[1]];
    const char *owner = "asyncio";
    if (op->arg[CREATE_TASK_GROUP] != 0)
        owner = arena_format(python->arena, "group_%d", python->groups);
    const char *one = arena_format(python->arena, "%s.create_task(%s())", owner, function);
    uint32_t count = op->arg[2] == 0 ? 1 : op->arg[2];
    if (several) {
        python_line(python, "%s = [%s for _ in range(%u)]", name, one, count);
    } else if (name != NULL) {
        python_line(python, "%s = %s", name, one);
    } else if (count > 1) { // the loop keeps only weak references
        python_line(python, "for _ in range(%u):", count);
        python_line(python, "    kept.append(%s)", one);
    } else {
        python_line(python, "kept.append(%s)", one);
    }
}

static void write_cancel(Python *python, const Op *op)
{
    const char *name = python_task(python, op->arg[0]);
    if (python->several[op->arg[0]]) {
        python_line(python, "for task in %s:", name);
        python_line(python, "    task.cancel()");
    } else {
        python_line(python, "%s.cancel()", name);
    }
}

static void write_as_completed(Python *python, const Op *op)
{
    python_begin_line(python, "for task in asyncio.as_completed([");
    add_awaited(python, op->arg[0], true);
    python_add(python, "]%s%s):\n", op->arg[1] == 0 ? "" : ", timeout=",
               op->arg[1] == 0 ? "" : python_duration(python, op->arg[1]));
    python_line(python, "    await task");
    if (op->arg[2] != 0)
        python_block(python, op->arg[2]);
}

static void write_wait(Python *python, const Op *op)
{
    static const char *const when[] = {"", ", return_when=asyncio.FIRST_COMPLETED",
                                       ", return_when=asyncio.FIRST_EXCEPTION",
                                       ", return_when=asyncio.ALL_COMPLETED"};
    const char *timeout = op->arg[2] == 0 ? ""
                                          : arena_format(python->arena, ", timeout=%s",
                                                         python_duration(python, op->arg[2]));
    python_begin_line(python, "await asyncio.wait([");
    add_awaited(python, op->arg[0], true);
    python_add(python, "]%s%s)\n", timeout, when[op->arg[1]]);
}

// ---- asyncio's objects

static void write_put(Python *python, const Op *op)
{
    const SyncDef *queue = &python->scenario->syncs[op->arg[0] - 1];
    const char *name = python_sync(python, op->arg[0]), *item = "None";
    if (op->arg[1] != 0)
        item = python_function(python, python_function_at(python, op->arg[1]));
    if (queue->by_priority)
        python_line(python, "await %s.put((%u, next(order), %s))", name, op->arg[2], item);
    else
        python_line(python, "await %s.put(%s)", name, item);
}

static void write_release(Python *python, const Op *op)
{
    if (op->arg[1] > 1)
        python_line(python, "for _ in range(%u):", op->arg[1]);
    python_line(python, op->arg[1] > 1 ? "    %s.release()" : "%s.release()",
                python_sync(python, op->arg[0]));
}

// An op on one of asyncio's objects.
static bool write_object_op(Python *python, const Op *op)
{
    const char *name = python_sync(python, op->arg[0]);
    switch (op->code) {
    case OP_LOCK:
    case OP_ACQUIRE:
        python_line(python, "await %s.acquire()", name);
        return true;
    case OP_WITH:
        python_line(python, "async with %s:", name);
        python_block(python, op->arg[1]);
        return true;
    case OP_WAIT:
    case OP_BARRIER:
        python_line(python, "await %s.wait()", name);
        return true;
    case OP_RELEASE:
        write_release(python, op);
        return true;
    case OP_NOTIFY:
        python_line(python, op->arg[1] > 1 ? "%s.notify(%u)" : "%s.notify()", name, op->arg[1]);
        return true;
    case OP_NOTIFY_ALL:
        python_line(python, "%s.notify_all()", name);
        return true;
    case OP_PUT:
        write_put(python, op);
        return true;
    case OP_GET:
        python_line(python,
                    python_carries_functions(python, op->arg[0]) ? "await perform(await %s.get())"
                                                                 : "await %s.get()",
                    name);
        return true;
    case OP_TASK_DONE:
        python_line(python, "%s.task_done()", name);
        return true;
    case OP_QUEUE_JOIN:
        python_line(python, "await %s.join()", name);
        return true;
    case OP_QUEUE_SHUTDOWN:
        python_line(python, "%s.shutdown(%s)", name, op->arg[1] != 0 ? "immediate=True" : "");
        return true;
    default:
        return false; // as for threads
    }
}

static const char *object_value(Python *python, const SyncDef *def)
{
    switch (def->kind) {
    case SYNC_SEMAPHORE:
        return arena_format(python->arena, "asyncio.%sSemaphore(%u)", def->bounded ? "Bounded" : "",
                            def->parameter);
    case SYNC_CONDITION:
        return arena_format(python->arena, "asyncio.Condition(%s)",
                            python_sync(python, def->lock.index1));
    case SYNC_EVENT:
        return "asyncio.Event()";
    case SYNC_BARRIER:
        return arena_format(python->arena, "asyncio.Barrier(%u)", def->parameter);
    case SYNC_QUEUE:
        return arena_format(python->arena, "asyncio.%s(%s)",
                            def->by_priority ? "PriorityQueue" : "Queue",
                            python_capacity(python, def->parameter));
    default:
        return "asyncio.Lock()";
    }
}

static void write_objects(Python *python)
{
    const ProcessDef *process = &python->scenario->processes[python->process.index1 - 1];
    for (uint32_t id = process->sync_first + 1; id <= process->sync_first + process->sync_count;
         id++) {
        const SyncDef *def = &python->scenario->syncs[id - 1];
        if (def->asyncio)
            python_line(python, "%s = %s", python_sync(python, id), object_value(python, def));
    }
}

// Whether this thread's list runs a loop once, and no other thread does: then its objects may be
// made before. Up to 3.9 they belong to the loop that is there when they are made.
static bool makes_objects_early(const Python *python)
{
    const Scenario *scenario = python->scenario;
    uint32_t runs = 0;
    if (python->minor < 10)
        return false;
    for (uint32_t i = 0; i < scenario->op_count; i++)
        runs += scenario->ops[i].code == OP_ASYNCIO_RUN;
    for (uint32_t i = 0; i < scenario->thread_count && runs == 1; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        bool again = thread->count > 1 || thread->spawned || thread->forked;
        for (uint32_t at = thread->entry; scenario->ops[at].code != OP_RETURN && !again; at++) {
            uint16_t code = scenario->ops[at].code;
            if (code == OP_ASYNCIO_RUN)
                return true;
            again = code == OP_REPEAT || code == OP_FOREVER || code == OP_WHILE;
        }
    }
    return false;
}

// What the program's objects need: any at all, one that goes by priority, items with functions.
static void look_at_objects(const Python *python, bool *any, bool *ordered, bool *performed)
{
    const ProcessDef *process = &python->scenario->processes[python->process.index1 - 1];
    for (uint32_t i = process->sync_first; i < process->sync_first + process->sync_count; i++) {
        const SyncDef *def = &python->scenario->syncs[i];
        *any = *any || def->asyncio;
        *ordered = *ordered || (def->asyncio && def->by_priority);
        *performed = *performed || (def->asyncio && def->kind == SYNC_QUEUE &&
                                    python_carries_functions(python, i + 1));
    }
}

// A coroutine that makes them, and then does what asyncio.run was to run. Other threads call the
// loop by its name.
static void write_begin(Python *python)
{
    const ProcessDef *process = &python->scenario->processes[python->process.index1 - 1];
    python_add(python,
               "\n\nasync def %s(main):\n"
               "    \"\"\"asyncio's objects belong to the loop that makes them.\"\"\"\n",
               python_own(python, "begin"));
    python->depth = 1;
    python_begin_line(python, "global loop");
    for (uint32_t id = process->sync_first + 1; id <= process->sync_first + process->sync_count;
         id++)
        if (python->scenario->syncs[id - 1].asyncio)
            python_add(python, ", %s", python_sync(python, id));
    python_add(python, "\n");
    python_line(python, "loop = asyncio.get_running_loop()");
    write_objects(python);
    python_line(python, "await main()");
    python->depth = 0;
}

// ---- asyncio.run

static bool runs_eager(const Python *python)
{
    const Scenario *scenario = python->scenario;
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_ASYNCIO_RUN && scenario->ops[i].arg[ASYNCIO_RUN_EAGER] != 0)
            return true;
    return false;
}

static void write_eager(Python *python)
{
    if (runs_eager(python))
        python_add(python,
                   "\n\nasync def %s(main):\n"
                   "    \"\"\"Tasks begin as they are made.\"\"\"\n"
                   "    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)\n"
                   "    await main\n",
                   python_own(python, "eager"));
}

static void write_run(Python *python, const uint32_t arg[])
{
    const char *main =
        arena_format(python->arena, python->begins ? "%s(%s)" : "%s%s()",
                     python->begins ? python_own(python, "begin") : "",
                     python_function(python, &python->scenario->functions[arg[0] - 1]));
    if (arg[ASYNCIO_RUN_EAGER] != 0)
        main = arena_format(python->arena, "%s(%s)", python_own(python, "eager"), main);
    python_line(python, "%s.run(%s%s)",
                arg[ASYNCIO_RUN_LOOP] == EVENT_LOOP_LIBUV ? "uvloop" : "asyncio", main,
                arg[1] != 0 ? ", debug=True" : "");
}

// ---- objects

void python_asyncio_objects(Python *python)
{
    bool any = false, ordered = false, performed = false;
    look_at_objects(python, &any, &ordered, &performed);
    if (ordered && !python_mentions(python, "order = "))
        python_line(python, "order = itertools.count()  # of items of one priority");
    bool threadsafe = python_uses(python, OP_CALL_SOON_THREADSAFE);
    python->begins = threadsafe || (any && !makes_objects_early(python));
    if (python->begins)
        write_begin(python);
    else
        write_objects(python);
    write_eager(python);
    if (performed && !python_mentions(python, "perform(item)"))
        python_add(python, "\n\nasync def perform(item):\n"
                           "    \"\"\"Does what an item of a queue says.\"\"\"\n"
                           "    action = item[-1] if isinstance(item, tuple) else item\n"
                           "    if asyncio.iscoroutinefunction(action):\n"
                           "        await action()\n"
                           "    elif action is not None:\n"
                           "        action()\n");
}

// ---- timeout

// What the `timeout` at index `op` is called; NULL when nothing reschedules it.
static const char *limit_name(const Python *python, uint32_t op)
{
    const Scenario *scenario = python->scenario;
    uint32_t number = 0;
    bool named = false;
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        number += i <= op && scenario->ops[i].code == OP_TIMEOUT;
        named = named || (scenario->ops[i].code == OP_RESCHEDULE &&
                          scenario->ops[i].arg[RESCHEDULE_TIMEOUT] == op);
    }
    return named ? arena_format(python->arena, "limit_%u", number) : NULL;
}

static void write_timeout(Python *python, const Op *op)
{
    const char *name = limit_name(python, (uint32_t)(op - python->scenario->ops));
    python_line(python, "async with asyncio.timeout(%s)%s%s:", python_duration(python, op->arg[0]),
                name != NULL ? " as " : "", name != NULL ? name : "");
    python_block(python, op->arg[1]);
}

// ---- callbacks

static void write_call_op(Python *python, const Op *op)
{
    uint32_t soon = op->code == OP_CALL_SOON, name = op->arg[soon ? 1 : 2];
    const char *function =
        python_function(python, python_function_at(python, op->arg[soon ? 0 : 1]));
    const char *text =
        op->code == OP_CALL_SOON    ? arena_format(python->arena, "call_soon(%s)", function)
        : op->code == OP_CALL_LATER ? arena_format(python->arena, "call_later(%s, %s)",
                                                   python_duration(python, op->arg[0]), function)
                                    : arena_format(python->arena, "call_at(begun + %s, %s)",
                                                   python_duration(python, op->arg[0]), function);
    if (name != 0)
        python_line(python, "%s = asyncio.get_running_loop().%s", python_task(python, name), text);
    else
        python_line(python, "asyncio.get_running_loop().%s", text);
}

uint32_t python_named(const Op *op)
{
    switch (op->code) {
    case OP_CREATE_TASK:
    case OP_CALL_SOON:
        return op->arg[1];
    case OP_CALL_LATER:
    case OP_CALL_AT:
        return op->arg[2];
    default:
        return 0;
    }
}

// ---- one op

bool python_asyncio_op(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    if (op->asyncio && write_object_op(python, op))
        return true;
    switch (op->code) {
    case OP_CALL_SOON:
    case OP_CALL_LATER:
    case OP_CALL_AT:
        write_call_op(python, op);
        return true;
    case OP_CALL_SOON_THREADSAFE:
        python_line(python, "loop.call_soon_threadsafe(%s)",
                    python_function(python, python_function_at(python, arg[0])));
        return true;
    case OP_ASYNCIO_RUN:
        write_run(python, arg);
        return true;
    case OP_AWAIT:
        write_await(python, op);
        return true;
    case OP_CREATE_TASK:
        write_create_task(python, op);
        return true;
    case OP_GATHER:
        python_begin_line(python, "await asyncio.gather(");
        add_awaited(python, arg[0], false);
        python_add(python, "%s)\n", arg[1] ? ", return_exceptions=True" : "");
        return true;
    case OP_ASYNCIO_WAIT:
        write_wait(python, op);
        return true;
    case OP_WAIT_FOR:
        python_begin_line(python, "await asyncio.wait_for(");
        add_awaited(python, arg[0], false);
        python_add(python, ", %s)\n", python_duration(python, arg[1]));
        return true;
    case OP_TIMEOUT:
        write_timeout(python, op);
        return true;
    case OP_RESCHEDULE:
        python_line(python, "%s.reschedule(asyncio.get_running_loop().time() + %s)",
                    limit_name(python, arg[RESCHEDULE_TIMEOUT]), python_duration(python, arg[0]));
        return true;
    case OP_AS_COMPLETED:
        write_as_completed(python, op);
        return true;
    case OP_SHIELD:
        python_begin_line(python, "await asyncio.shield(");
        add_awaited(python, arg[0], false);
        python_add(python, ")\n");
        return true;
    case OP_TASK_GROUP:
        python->groups++;
        python_line(python, "async with asyncio.TaskGroup() as group_%d:", python->groups);
        python_block(python, arg[0]);
        python->groups--;
        return true;
    case OP_CANCEL:
        write_cancel(python, op);
        return true;
    default:
        return false;
    }
}
