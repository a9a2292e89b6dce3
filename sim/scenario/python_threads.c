// Threads, and the locks and their like that they synchronise by, in the program that
// `ringside python` writes. What forked processes share is multiprocessing's.
#include "sim/scenario/python_writer.h"

#include <inttypes.h>

static const char no_timeout[] = "in Python 2.7 it has no timeout";

// ---- objects

// What Python's library lacks; NULL: it has it.
static const char *missing(const Python *python, const SyncDef *def)
{
    if (def->kind == SYNC_PI)
        return "Python has no lock that hands priorities on";
    if (def->kind == SYNC_SPIN)
        return "Python has no spin lock";
    if (def->kind == SYNC_RWLOCK)
        return "Python's library has no lock for readers and writers";
    if (def->kind == SYNC_CONDITION && def->spurious != 0)
        return "Python's conditions do not wake up for no reason";
    if (def->kind == SYNC_BARRIER && python->major == 2)
        return "Python 2.7 has no barriers";
    if (def->kind == SYNC_QUEUE && def->shared && def->by_priority)
        return "multiprocessing has no queue by priority";
    return NULL;
}

static const char *value_of(Python *python, const SyncDef *def)
{
    const char *module = def->shared ? "multiprocessing" : "threading";
    switch (def->kind) {
    case SYNC_RLOCK:
        return arena_format(python->arena, "%s.RLock()", module);
    case SYNC_SEMAPHORE:
        return arena_format(python->arena, "%s.Semaphore(%u)", module, def->parameter);
    case SYNC_CONDITION:
        return arena_format(python->arena, "%s.Condition(%s)", module,
                            python_sync(python, def->lock.index1));
    case SYNC_EVENT:
        return arena_format(python->arena, "%s.Event()", module);
    case SYNC_BARRIER:
        return arena_format(python->arena, "%s.Barrier(%u)", module, def->parameter);
    case SYNC_QUEUE:
        return arena_format(python->arena, "%s.%s(%s)", def->shared ? module : "queue",
                            def->by_priority ? "PriorityQueue" : "Queue",
                            python_capacity(python, def->parameter));
    default:
        return arena_format(python->arena, "%s.Lock()", module);
    }
}

void python_sync_objects(Python *python)
{
    const Scenario *scenario = python->scenario;
    const ProcessDef *process = python_process(python);
    bool ordered = false;
    for (uint32_t i = 0; i < process->sync_count; i++) {
        uint32_t id = process->sync_first + i + 1;
        const SyncDef *def = &scenario->syncs[id - 1];
        if (def->asyncio || def->library)
            continue;
        const char *why = missing(python, def);
        if (why != NULL) {
            python_has_none(
                python, def->at,
                arena_format(python->arena, "'%s'", scenario_string(scenario, def->name)), why);
            continue;
        }
        ordered |= def->by_priority;
        python_line(python, "%s = %s", python_sync(python, id), value_of(python, def));
    }
    if (ordered && !python_mentions(python, "order = "))
        python_line(python, "order = itertools.count()  # of items of one priority");
}

// Whether the threads made from this entry are kept in a list: all but a lone main thread are.
static bool uses_list(const Python *python, uint32_t thread)
{
    const ThreadDef *def = &python->scenario->threads[thread];
    uint32_t others = 0;
    for (uint32_t i = 0; i < python->scenario->thread_count; i++)
        others += i != thread && ID_EQUAL(python->scenario->threads[i].process, python->process) &&
                  !python->scenario->threads[i].spawned;
    return def->spawned || def->forked || def->count > 1 || def->start != 0 || others > 0;
}

void python_thread_lists(Python *python)
{
    const Scenario *scenario = python->scenario;
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *def = &scenario->threads[i];
        ProcessId family = scenario->processes[def->process.index1 - 1].family;
        if (ID_EQUAL(family, python->process) && !def->library && uses_list(python, i))
            python_line(python, "%s = []", python_threads(python, i + 1));
    }
}

// ---- threads

static void write_spawn(Python *python, const Op *op)
{
    const char *name = python_threads(python, op->arg[1]);
    python_loop(python, op->arg[2]);
    python_line(python, "%s.append(threading.Thread(target=%s))", name,
                python_function_name(python, op->arg[0]));
    python_line(python, "%s[-1].start()", name);
    python_loop_end(python, op->arg[2]);
}

static void write_join(Python *python, const Op *op)
{
    python_line(python, "for thread in %s:", python_threads(python, op->arg[0]));
    python_line(python, "    thread.join()");
}

// ---- waiting for a limited time

static void write_else(Python *python, uint32_t otherwise)
{
    if (otherwise == 0)
        return;
    python_line(python, "else:");
    python_block(python, otherwise);
}

// `acquire` of a lock or a semaphore.
static bool write_acquire(Python *python, const Op *op, uint32_t timeout, uint32_t otherwise)
{
    const char *name = python_sync(python, op->arg[0]);
    if (timeout == 0) {
        python_line(python, "%s.acquire()", name);
        return true;
    }
    if (python->major == 2)
        return python_has_no_form(python, op, " with a timeout", no_timeout);
    const char *call = arena_format(python->arena, "%s.acquire(timeout=%s)", name,
                                    python_duration(python, timeout));
    python_line(python, otherwise != 0 ? "if not %s:" : "%s", call);
    if (otherwise != 0)
        python_block(python, otherwise);
    return true;
}

static bool write_with(Python *python, const Op *op)
{
    const char *name = python_sync(python, op->arg[0]);
    if (op->arg[3] == 0) {
        python_line(python, "with %s:", name);
        python_block(python, op->arg[1]);
        return true;
    }
    if (python->major == 2)
        return python_has_no_form(python, op, " with a timeout", no_timeout);
    python_line(python, "if %s.acquire(timeout=%s):", name, python_duration(python, op->arg[3]));
    python->depth++;
    python_line(python, "try:");
    python_block(python, op->arg[1]);
    python_line(python, "finally:");
    python_line(python, "    %s.release()", name);
    python->depth--;
    write_else(python, op->arg[4]);
    return true;
}

// A condition or an event. In 2.7 a condition's wait does not say how it ended.
static bool write_wait(Python *python, const Op *op)
{
    const char *name = python_sync(python, op->arg[0]);
    const char *time = op->arg[1] == 0 ? "" : python_duration(python, op->arg[1]);
    if (op->arg[2] == 0) {
        python_line(python, "%s.wait(%s)", name, time);
        return true;
    }
    if (python->major == 2 && python->scenario->syncs[op->arg[0] - 1].kind == SYNC_CONDITION)
        return python_has_no_form(
            python, op, " with 'else'",
            "in Python 2.7 a condition does not say whether the time is over");
    python_line(python, "if not %s.wait(%s):", name, time);
    python_block(python, op->arg[2]);
    return true;
}

// Whether the time of some wait at this barrier may be over, which breaks it for all.
static bool may_break(const Python *python, uint32_t barrier)
{
    for (uint32_t i = 0; i < python->scenario->op_count; i++) {
        const Op *op = &python->scenario->ops[i];
        if (op->code == OP_BARRIER && op->arg[0] == barrier && op->arg[1] != 0)
            return true;
    }
    return false;
}

static void write_barrier(Python *python, const Op *op)
{
    const char *name = python_sync(python, op->arg[0]);
    const char *time = op->arg[1] == 0 ? "" : python_duration(python, op->arg[1]);
    if (!may_break(python, op->arg[0])) {
        python_line(python, "%s.wait()", name);
        return;
    }
    python_line(python, "try:");
    python_line(python, "    %s.wait(%s)", name, time);
    python_line(python, "except threading.BrokenBarrierError:");
    python_block(python, op->arg[2]);
}

// ---- semaphores and queues

// Several at once are there from 3.9 on.
static void write_release(Python *python, const Op *op)
{
    const char *name = python_sync(python, op->arg[0]);
    bool shared = python->scenario->syncs[op->arg[0] - 1].shared;
    if (op->arg[1] <= 1) {
        python_line(python, "%s.release()", name);
    } else if (python->minor >= 9 && python->major == 3 && !shared) {
        python_line(python, "%s.release(%u)", name, op->arg[1]);
    } else {
        python_line(python, "for _ in range(%u):", op->arg[1]);
        python_line(python, "    %s.release()", name);
    }
}

static void write_put(Python *python, const Op *op)
{
    const char *item = op->arg[1] == 0 ? "None" : python_function_name(python, op->arg[1]);
    const char *name = python_sync(python, op->arg[0]);
    if (python->scenario->syncs[op->arg[0] - 1].by_priority)
        item = arena_format(python->arena, "(%u, next(order), %s)", op->arg[2], item);
    if (op->arg[3] == 0) {
        python_line(python, "%s.put(%s)", name, item);
        return;
    }
    python_line(python, "try:");
    python_line(python, "    %s.put(%s, timeout=%s)", name, item,
                python_duration(python, op->arg[3]));
    python_line(python, "except queue.Full:");
    python_line(python, "    pass");
}

static void write_get(Python *python, const Op *op)
{
    const char *name = python_sync(python, op->arg[0]);
    bool acts = python_carries_functions(python, op->arg[0]);
    if (op->arg[1] == 0) {
        python_line(python, acts ? "carry_out(%s.get())" : "%s.get()", name);
        return;
    }
    python_line(python, "try:");
    python_line(python, "    %s%s.get(timeout=%s)", acts ? "item = " : "", name,
                python_duration(python, op->arg[1]));
    python_line(python, "except queue.Empty:");
    python_block(python, op->arg[2]);
    if (acts) {
        python_line(python, "else:");
        python_line(python, "    carry_out(item)");
    }
}

// ---- one op

static bool write_object_op(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_LOCK: // `mode` is of locks that Python has not
        return write_acquire(python, op, arg[2], arg[3]);
    case OP_ACQUIRE:
        return write_acquire(python, op, arg[1], arg[2]);
    case OP_UNLOCK:
        python_line(python, "%s.release()", python_sync(python, arg[0]));
        return true;
    case OP_WITH:
        return write_with(python, op);
    case OP_WAIT:
        return write_wait(python, op);
    case OP_BARRIER:
        write_barrier(python, op);
        return true;
    case OP_RELEASE:
        write_release(python, op);
        return true;
    case OP_NOTIFY:
        python_line(python, arg[1] > 1 ? "%s.notify(%u)" : "%s.notify()",
                    python_sync(python, arg[0]), arg[1]);
        return true;
    case OP_NOTIFY_ALL:
        python_line(python, "%s.notify_all()", python_sync(python, arg[0]));
        return true;
    case OP_SET:
        python_line(python, "%s.set()", python_sync(python, arg[0]));
        return true;
    case OP_CLEAR:
        python_line(python, "%s.clear()", python_sync(python, arg[0]));
        return true;
    case OP_PUT:
        write_put(python, op);
        return true;
    case OP_GET:
        write_get(python, op);
        return true;
    default:
        return false;
    }
}

bool python_thread_op(Python *python, const Op *op)
{
    switch (op->code) {
    case OP_SPAWN:
        write_spawn(python, op);
        return true;
    case OP_JOIN:
        write_join(python, op);
        return true;
    case OP_YIELD:
        python_line(python, "time.sleep(0)");
        return true;
    case OP_EXIT:
        if (op->arg[0] == 0)
            python_line(python, "sys.exit()");
        else
            python_line(python, "exit_process(%u)", op->arg[0] - 1);
        return true;
    default:
        return write_object_op(python, op);
    }
}
