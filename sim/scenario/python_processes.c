// Processes in the program that `ringside python` writes: those that fork makes, signals, and a
// program of several processes.
#include "sim/scenario/python_writer.h"

#include "sim/trace/record.h"

#include <string.h>

static const char another_program[] =
    "it would be another program; 'fork' and 'start_process' have one";

// ---- children

static void write_fork(Python *python, const Op *op)
{
    python_loop(python, op->arg[2]);
    python_line(python, "%s.append(fork(%s))", python_threads(python, op->arg[1]),
                python_function_name(python, op->arg[0]));
    python_loop_end(python, op->arg[2]);
}

uint32_t python_main_thread(const Python *python, uint32_t process)
{
    for (uint32_t i = 0; i < python->scenario->thread_count; i++)
        if (python->scenario->threads[i].forked &&
            python->scenario->threads[i].process.index1 == process)
            return i + 1;
    return 0;
}

bool python_is_child(const Python *python, uint32_t process)
{
    const ProcessDef *def = &python->scenario->processes[process - 1];
    if (!def->forked || !ID_EQUAL(def->family, python->process))
        return false;
    // Those of a pool or an executor are known to it alone.
    return !python->scenario->threads[python_main_thread(python, process) - 1].library;
}

bool python_no_child(Python *python, const Op *op)
{
    return python_has_no_form(python, op, " of what is no child of this process",
                              "only who has started it knows it");
}

bool python_starts(const Python *python, uint32_t thread)
{
    for (uint32_t i = 0; i < python->scenario->op_count; i++)
        if (python->scenario->ops[i].code == OP_START_PROCESS &&
            python->scenario->ops[i].arg[1] == thread)
            return true;
    return false;
}

static bool write_wait_child(Python *python, const Op *op)
{
    if (op->arg[0] != 0 && !python_is_child(python, op->arg[0]))
        return python_no_child(python, op);
    if (op->arg[0] != 0) {
        uint32_t thread = python_main_thread(python, op->arg[0]);
        python_line(python, python_starts(python, thread) ? "%s.pop(0).join()" : "wait_child(%s)",
                    python_threads(python, thread));
        return true;
    }
    python_line(python, "try:");
    python_line(python, "    os.wait()");
    python_line(python, "except OSError:  # it has no child");
    python_line(python, "    pass");
    return true;
}

// ---- signals

// How manieth of the program's processes it is.
static uint32_t number_of(const Python *python, uint32_t process)
{
    uint32_t number = 0;
    for (uint32_t id = 1; python->whole && id < process; id++)
        number += !python->scenario->processes[id - 1].forked;
    return number;
}

static bool write_kill(Python *python, const Op *op)
{
    const char *name = op->arg[1] == 0 ? "TERM" : signal_name(op->arg[1] - 1);
    const ProcessDef *target = &python->scenario->processes[op->arg[0] - 1];
    if (!python_has(python, (ProcessId){op->arg[0]}))
        return python_has_no_form(python, op, " to another process",
                                  "a program of this process alone does not know it");
    if (!target->forked) {
        python_line(python, "os.kill(process_ids[%u], signal.SIG%s)", number_of(python, op->arg[0]),
                    name);
        return true;
    }
    if (!python_is_child(python, op->arg[0]))
        return python_no_child(python, op);
    python_line(python, "send_signal(%s, signal.SIG%s)",
                python_threads(python, python_main_thread(python, op->arg[0])), name);
    return true;
}

static bool write_on_signal(Python *python, const Op *op)
{
    const char *name = signal_name(op->arg[0] - 1);
    if (op->arg[1] == 0)
        python_line(python, "signal.signal(signal.SIG%s, signal.SIG_IGN)", name);
    else
        python_line(python, "signal.signal(signal.SIG%s, lambda *_: %s())", name,
                    python_function_name(python, op->arg[1]));
    return true;
}

// ---- one op

bool python_process_op(Python *python, const Op *op)
{
    switch (op->code) {
    case OP_FORK:
        write_fork(python, op);
        return true;
    case OP_WAIT_CHILD:
        return write_wait_child(python, op);
    case OP_KILL:
        return write_kill(python, op);
    case OP_ON_SIGNAL:
        return write_on_signal(python, op);
    case OP_PAUSE:
        python_line(python, "signal.pause()");
        return true;
    case OP_SPAWN_PROCESS:
    case OP_EXEC:
        return python_has_no_form(python, op, "", another_program);
    case OP_SEND_MESSAGE:
    case OP_RECEIVE_MESSAGE:
        return python_has_no_form(python, op, "",
                                  "Python's library does not know the kernel's message queues");
    case OP_WORKING_SET:
    case OP_WRITE_LINE:
        return python_has_no_form(python, op, "",
                                  "a program of Python does not choose its objects' cache lines");
    default:
        return false;
    }
}

// ---- a program of several processes

// Whether somebody sends a signal to a process that the scenario declares.
static bool knows_processes(const Python *python)
{
    for (uint32_t i = 0; i < python->scenario->op_count; i++) {
        const Op *op = &python->scenario->ops[i];
        if (op->code == OP_KILL && !python->scenario->processes[op->arg[0] - 1].forked)
            return true;
    }
    return false;
}

void python_process_ids(Python *python)
{
    uint32_t count = number_of(python, python->scenario->process_count + 1);
    if (!knows_processes(python))
        return;
    python->numbered = python->whole;
    if (python->whole)
        python_line(python, "process_ids = multiprocessing.RawArray(\"i\", %u)", count);
    else
        python_line(python, "process_ids = [os.getpid()]");
}

void python_start_processes(Python *python)
{
    size_t before = python->text.count;
    python_add(python, "\n\ndef close_pipes():\n");
    python->depth = 1;
    size_t head = python->text.count;
    python->process = (ProcessId){0};
    python_close_unused(python);
    python->depth = 0;
    python->closes = python->text.count > head;
    if (!python->closes)
        python->text.count = before;
    python_add(python, "\n\ndef run():\n    start_processes([");
    const char *comma = "";
    for (uint32_t id = 1; id <= python->scenario->process_count; id++) {
        if (python->scenario->processes[id - 1].forked)
            continue;
        python->process = (ProcessId){id};
        python_add(python, "%s%s", comma, python_own(python, "run"));
        comma = ", ";
    }
    python_add(python, "])\n");
}
