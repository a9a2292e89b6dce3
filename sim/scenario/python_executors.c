// Executors and what is awaited of them, and timers, in the program that `ringside python` writes.
// The names of futures are attributes of a threading.local: each thread has its own, as in a
// scenario.
#include "sim/scenario/python_writer.h"

// Besides the loops' own.
static bool has_executors(const Python *python)
{
    for (uint32_t i = 0; i < python->scenario->executor_count; i++) {
        const ExecutorDef *def = &python->scenario->executors[i];
        if (ID_EQUAL(def->process, python->process) && !def->is_default)
            return true;
    }
    return false;
}

static const char *executor_name(Python *python, uint32_t executor)
{
    return python_sync(python, python->scenario->executors[executor - 1].queue.index1);
}

static const char *futures_name(Python *python, uint32_t name)
{
    return python_name(python, PYTHON_SYNC, python->scenario->future_names[name - 1].name);
}

void python_executor_objects(Python *python)
{
    const Scenario *scenario = python->scenario;
    if (!has_executors(python))
        return;
    if (!python_mentions(python, "futures = "))
        python_line(python, "futures = threading.local()  # each thread has its own");
    for (uint32_t i = 0; i < scenario->executor_count; i++) {
        const ExecutorDef *def = &scenario->executors[i];
        if (!ID_EQUAL(def->process, python->process) || def->is_default)
            continue;
        if (def->processes)
            python_line(python, "%s = ProcessPoolExecutor(%u, multiprocessing.get_context(\"%s\"))",
                        executor_name(python, i + 1), def->workers, python_method(def->start));
        else
            python_line(python, "%s = ThreadPoolExecutor(%u)", executor_name(python, i + 1),
                        def->workers);
    }
}

static void write_submit(Python *python, const Op *op)
{
    const char *executor = executor_name(python, op->arg[0]);
    const char *function = python_function_name(python, op->arg[1]);
    uint32_t count = op->arg[3] == 0 ? 1 : op->arg[3];
    if (op->arg[2] != 0 && count == 1) {
        python_line(python, "futures.%s = [%s.submit(%s)]", futures_name(python, op->arg[2]),
                    executor, function);
        return;
    }
    if (op->arg[2] != 0) {
        python_line(python, "futures.%s = [%s.submit(%s) for _ in range(%u)]",
                    futures_name(python, op->arg[2]), executor, function, count);
        return;
    }
    if (count > 1)
        python_line(python, "for _ in range(%u):", count);
    python_line(python, "%s%s.submit(%s)", count > 1 ? "    " : "", executor, function);
}

// Up to 3.10 a future of an executor has an exception of its own for this.
static void write_result(Python *python, const Op *op)
{
    bool own = op->arg[1] != 0 && python->minor < 11;
    python_line(python, "for future in futures.%s:", futures_name(python, op->arg[0]));
    python->depth++;
    if (own)
        python_line(python, "try:");
    python_line(python, "%sfuture.result(%s)", own ? "    " : "",
                op->arg[1] != 0 ? python_duration(python, op->arg[1]) : "");
    if (own) {
        python_line(python, "except FutureTimeout:");
        python_line(python, "    raise asyncio.TimeoutError from None");
    }
    python->depth--;
}

bool python_executor_op(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_SUBMIT:
        write_submit(python, op);
        return true;
    case OP_RESULT:
        write_result(python, op);
        return true;
    case OP_SHUTDOWN:
        python_line(python, "%s.shutdown(%s)", executor_name(python, arg[0]),
                    arg[1] != 0 ? "cancel_futures=True" : "");
        return true;
    case OP_TIMER:
        python_line(python, "%s.append(threading.Timer(%s, %s))", python_threads(python, arg[2]),
                    python_duration(python, arg[0]), python_function_name(python, arg[1]));
        python_line(python, "%s[-1].start()", python_threads(python, arg[2]));
        return true;
    case OP_CANCEL_TIMER:
        python_line(python, "for thread in %s:", python_threads(python, arg[0]));
        python_line(python, "    thread.cancel()");
        return true;
    case OP_AWAIT: // other things that it awaits are asyncio's
        if (arg[2] != 0)
            python_line(python, "await asyncio.to_thread(%s)",
                        python_function_name(python, arg[2]));
        else if (arg[3] != 0)
            python_line(python, "await asyncio.get_running_loop().run_in_executor(%s, %s)",
                        arg[4] != 0 ? executor_name(python, arg[4]) : "None",
                        python_function_name(python, arg[3]));
        return arg[2] != 0 || arg[3] != 0;
    default:
        return false;
    }
}
