// The functions that start the threads of a process, and of its interpreters, in the program that
// `ringside python` writes.
#include "sim/scenario/python_writer.h"

static const char *thread_function(Python *python, const ThreadDef *thread)
{
    return python_name(python, PYTHON_THREAD, thread->name);
}

static bool is_main(const Python *python, const ThreadDef *thread)
{
    return ID_EQUAL(thread->process, python->process) && !thread->spawned && !thread->forked &&
           !thread->library;
}

// ---- the threads' own functions

static const char *cores_of(Python *python, uint32_t set)
{
    const char *text = "", *comma = "";
    for (int core = 0; core < CORES_MAX; core++) {
        if (!core_set_has(&python->scenario->core_sets[set - 1], core))
            continue;
        text = arena_format(python->arena, "%s%s%d", text, comma, core);
        comma = ", ";
    }
    return text;
}

void python_thread_functions(Python *python)
{
    for (uint32_t i = 0; i < python->scenario->thread_count; i++) {
        const ThreadDef *thread = &python->scenario->threads[i];
        if (!is_main(python, thread))
            continue;
        const char *pin = NULL;
        if (thread->affinity != 0)
            pin = arena_format(python->arena, "pin(%s)", cores_of(python, thread->affinity));
        python_write_function(python, thread_function(python, thread), thread->entry, false, pin);
    }
}

// ---- starting them

// Whether it has more than one thread, or one that comes later.
static bool starts_threads(const Python *python, uint32_t interpreter)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < python->scenario->thread_count; i++) {
        const ThreadDef *thread = &python->scenario->threads[i];
        if (is_main(python, thread) && thread->gil == interpreter)
            count += thread->count + (thread->start != 0);
    }
    return count > 1;
}

// Starts all threads of an interpreter (0: the main one); a lone one is its main thread. Else that
// waits for the others: behind its end Python starts no more threads and processes, and shuts
// executors down.
static void write_threads(Python *python, uint32_t interpreter, bool alone)
{
    const Scenario *scenario = python->scenario;
    bool starts = !alone || starts_threads(python, interpreter);
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *thread = &scenario->threads[i];
        if (!is_main(python, thread) || thread->gil != interpreter)
            continue;
        if (!starts) {
            python_line(python, "%s()", thread_function(python, thread));
            return;
        }
        const char *name = python_threads(python, i + 1);
        python_loop(python, thread->count);
        if (thread->start != 0)
            python_line(python, "%s.append(threading.Timer(%s, %s))", name,
                        python_duration(python, thread->start), thread_function(python, thread));
        else
            python_line(python, "%s.append(threading.Thread(target=%s))", name,
                        thread_function(python, thread));
        if (thread->daemon)
            python_line(python, "%s[-1].daemon = True", name);
        python_line(python, "%s[-1].start()", name);
        python_loop_end(python, thread->count);
    }
}

static void write_joins(Python *python, uint32_t interpreter)
{
    for (uint32_t i = 0; i < python->scenario->thread_count; i++) {
        const ThreadDef *thread = &python->scenario->threads[i];
        if (!is_main(python, thread) || thread->gil != interpreter || thread->daemon)
            continue;
        python_line(python, "for thread in %s:", python_threads(python, i + 1));
        python_line(python, "    thread.join()");
    }
}

static const char *interpreter_run(Python *python, uint32_t interpreter)
{
    return python_own(python, arena_format(python->arena, "run_interpreter_%u", interpreter));
}

// Each interpreter has a thread that makes it and then does what its main thread would.
static void write_interpreters(Python *python, uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        python_line(python,
                    "interpreter_threads.append(threading.Thread(target=run_interpreter, "
                    "args=(\"%s\",)))",
                    interpreter_run(python, i));
        python_line(python, "interpreter_threads[-1].start()");
    }
}

static uint32_t interpreter_count(const Python *python)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < python->scenario->thread_count; i++) {
        const ThreadDef *thread = &python->scenario->threads[i];
        if (is_main(python, thread) && thread->gil > count)
            count = thread->gil;
    }
    return count;
}

static void write_settings(Python *python)
{
    const Runtime *runtime = &python_process(python)->runtime;
    if (python_uses(python, OP_CALL_AT)) {
        python_line(python, "global begun");
        python_line(python, "begun = time.monotonic()");
    }
    if (runtime->python && python->major == 3 &&
        runtime->switch_interval_ns != SWITCH_INTERVAL_DEFAULT_NS)
        python_line(python, "sys.setswitchinterval(%s)",
                    python_seconds(python, runtime->switch_interval_ns));
}

void python_write_run(Python *python)
{
    uint32_t interpreters = interpreter_count(python);
    for (uint32_t i = 1; i <= interpreters; i++) {
        python_add(python, "\n\ndef %s():\n", interpreter_run(python, i));
        python->depth = 1;
        write_settings(python);
        write_threads(python, i, true);
        if (starts_threads(python, i))
            write_joins(python, i);
        python->depth = 0;
    }
    python_add(python, "\n\ndef %s():\n", python_own(python, "run"));
    python->depth = 1;
    if (python->whole && !python_process(python)->runtime.python)
        python_line(python, "\"\"\"In the scenario it is no program of Python.\"\"\"");
    if (python->whole)
        python_close_unused(python);
    write_settings(python);
    if (interpreters > 0)
        python_line(python, "interpreter_threads = []");
    write_interpreters(python, interpreters);
    write_threads(python, 0, interpreters == 0);
    if (interpreters > 0 || starts_threads(python, 0))
        write_joins(python, 0);
    if (interpreters > 0) {
        python_line(python, "for thread in interpreter_threads:");
        python_line(python, "    thread.join()");
    }
    python_close_pools(python);
    python->depth = 0;
}
