// A program is a few functions, each of which may use those behind it, so that it ends. Every print
// has a text of its own. Waits are short and often equal, so that much is ready at one instant.
// Most waits at objects are limited, and a task of its own moves things on for a while, so that few
// programs get stuck.
#include "tests/asyncio_program.h"

#include "sim/base/check.h"
#include "sim/base/rng.h"

#include <stdarg.h>
#include <stdio.h>

enum { FUNCTIONS_MOST = 6, CALLED_MOST = 3, TASKS_MOST = 4, HANDLES_MOST = 2, DEPTH_MOST = 3 };

typedef struct Program {
    Rng rng;
    char *at, *end;
    int minor;
    int functions; // coroutines: f0, f1, …
    int called;    // plain functions behind those: g0, g1, …
    int function;  // that is being written; a plain one counts from `functions` on
    int tasks;     // names that it has given so far
    int handles;   // the same for callbacks
    int prints, indent;
    int budget;   // ops left for the function
    int limits;   // open timeouts
    bool threads; // some functions run in threads: w0, w1, …
    bool eager;   // tasks begin as they are made
    int workers;  // so many so far
} Program;

__attribute__((format(printf, 2, 3))) static void add(Program *program, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(program->at, (size_t)(program->end - program->at), format, values);
    va_end(values);
    CHECK(length >= 0 && program->at + length < program->end);
    program->at += length;
}

static uint64_t below(Program *program, uint64_t bound)
{
    return rng_below(&program->rng, bound);
}

static const char *delay(Program *program)
{
    static const char *const delays[] = {"0s",  "1ms", "1ms", "2ms",   "2ms",
                                         "3ms", "5ms", "8ms", "1.5ms", "700us"};
    return delays[below(program, sizeof delays / sizeof *delays)];
}

// `- ` and an op, whose blocks are further in.
static void begin(Program *program)
{
    add(program, "%*s- ", program->indent, "");
}

static void print(Program *program)
{
    begin(program);
    add(program, "print: p%d\n", ++program->prints);
}

// A function behind this one, or -1.
static int callee(Program *program)
{
    int behind = program->functions - program->function - 1;
    return behind <= 0 ? -1 : program->function + 1 + (int)below(program, (uint64_t)behind);
}

// A task that this function has named, or a function: what can be awaited. False: there is none.
static bool add_awaitable(Program *program, bool function_too)
{
    int function = callee(program);
    bool task = program->tasks > 0 && (function < 0 || !function_too || below(program, 2) == 0);
    if (task)
        add(program, "t%d_%d", program->function, (int)below(program, (uint64_t)program->tasks));
    else if (function >= 0 && function_too)
        add(program, "f%d", function);
    return task || (function >= 0 && function_too);
}

static bool has_awaitable(Program *program)
{
    return program->tasks > 0 || program->function < program->functions - 1;
}

static void add_several(Program *program)
{
    uint64_t count = 1 + below(program, 3);
    add(program, "[ ");
    for (uint64_t i = 0; i < count; i++) {
        add(program, i > 0 ? ", " : "");
        add_awaitable(program, true);
    }
    add(program, " ]");
}

static void ops(Program *program, int depth, int most);

static void block(Program *program, const char *key, int depth)
{
    add(program, "%*s%s:\n", program->indent, "", key);
    program->indent += 2;
    int tasks = program->tasks, handles = program->handles;
    ops(program, depth + 1, 3);
    program->tasks = tasks; // a name that is given in a block may not have been
    program->handles = handles;
    program->indent -= 2;
}

static void try(Program *program, int depth)
{
    static const char *const exceptions[] = {"cancelled", "timeout", "error", "A", "B", "group"};
    uint64_t exceptions_known = program->minor >= 11 ? 6 : 5;
    begin(program);
    add(program, "try:\n");
    program->indent += 4;
    block(program, "do", depth);
    bool handled = below(program, 4) > 0;
    if (handled) {
        add(program, "%*sexcept:\n", program->indent, "");
        program->indent += 2;
        uint64_t first = below(program, exceptions_known), count = 1 + below(program, 2);
        for (uint64_t i = 0; i < count; i++)
            block(program, exceptions[(first + i) % exceptions_known], depth);
        program->indent -= 2;
    }
    if (!handled || below(program, 3) == 0)
        block(program, "finally", depth);
    program->indent -= 4;
}

static void create_task(Program *program)
{
    int function = callee(program);
    if (function < 0) {
        print(program);
        return;
    }
    begin(program);
    if (program->tasks < TASKS_MOST && below(program, 4) > 0) {
        add(program, "create_task: { run: f%d, as: t%d_%d }\n", function, program->function,
            program->tasks);
        program->tasks++;
    } else {
        add(program, "create_task: f%d\n", function);
    }
}

static void wait(Program *program)
{
    static const char *const when[] = {"first_completed", "first_exception", "all_completed"};
    begin(program);
    add(program, "asyncio.wait: { tasks: ");
    add_several(program);
    add(program, ", return_when: %s", when[below(program, 3)]);
    if (below(program, 2) == 0)
        add(program, ", timeout: %s", delay(program));
    add(program, " }\n");
}

// Over new tasks only: of those that have ended before, CPython does not say which comes first. Nor
// does it say in which order eager ones begin: there is one only.
static void as_completed(Program *program, int depth)
{
    int function = callee(program);
    if (function < 0) {
        print(program);
        return;
    }
    begin(program);
    add(program, "as_completed:\n%*stasks: [ f%d", program->indent + 4, "", function);
    function = callee(program);
    if (program->eager)
        add(program, " ]\n");
    else
        add(program, ", f%d ]\n", function);
    if (below(program, 2) == 0)
        add(program, "%*stimeout: %s\n", program->indent + 4, "", delay(program));
    program->indent += 4;
    block(program, "do", depth);
    program->indent -= 4;
}

// ---- asyncio's objects and callbacks

static const char *lock(Program *program)
{
    return below(program, 3) == 0 ? "l1" : "l0";
}

static const char *queue(Program *program)
{
    static const char *const queues[] = {"q0", "q0", "q1", "q2"};
    return queues[below(program, 4)];
}

static const char *semaphore(Program *program)
{
    return below(program, 3) == 0 ? "s1" : "s0";
}

// A plain function behind this one, or -1.
static int called(Program *program)
{
    int own = program->function - program->functions, behind = program->called - own - 1;
    if (own < 0)
        behind = program->called;
    return behind <= 0 ? -1 : program->called - behind + (int)below(program, (uint64_t)behind);
}

static void put(Program *program)
{
    const char *name = queue(program);
    int coroutine = callee(program), function = called(program);
    bool await = function < 0 || below(program, 2) == 0;
    add(program, "put: { queue: %s", name);
    if (!program->threads && below(program, 2) == 0 && (coroutine >= 0 || function >= 0))
        add(program, ", run: %s%d", await && coroutine >= 0 ? "f" : "g",
            await && coroutine >= 0 ? coroutine
            : function >= 0         ? function
                                    : 0);
    if (name[1] == '2')
        add(program, ", priority: %d", 1 + (int)below(program, 3));
    add(program, " }");
}

// An op that may wait at an object, in braces.
static void waiting(Program *program)
{
    add(program, "{ ");
    switch (below(program, 9)) {
    case 0:
        add(program, "lock: %s", lock(program));
        break;
    case 1:
        add(program, "acquire: %s", semaphore(program));
        break;
    case 2:
        add(program, "wait: e%d", (int)below(program, 2));
        break;
    case 3:
        add(program, "with: { lock: l0, do: [ { wait: c } ] }");
        break;
    case 4:
        if (program->minor >= 11) {
            add(program, "barrier: b");
            break;
        }
        // fallthrough
    case 5:
        add(program, "queue.join: %s", queue(program));
        break;
    case 6:
        put(program);
        break;
    default:
        add(program, "get: %s", queue(program));
    }
    add(program, " }");
}

// An op that wakes others, and may stand in a plain function.
static void waking(Program *program)
{
    begin(program);
    switch (below(program, 8)) {
    case 0:
        add(program, "unlock: %s\n", lock(program));
        break;
    case 1:
    case 2:
        if (below(program, 2) == 0)
            add(program, "release: %s\n", semaphore(program));
        else
            add(program, "release: { semaphore: s0, count: %d }\n", 2 + (int)below(program, 2));
        break;
    case 3:
        add(program, "clear: e%d\n", (int)below(program, 2));
        break;
    case 4:
        add(program, "%s: c\n", below(program, 2) == 0 ? "notify" : "notify_all");
        break;
    case 5:
        if (program->minor >= 13 && below(program, 3) == 0)
            add(program, "queue.shutdown: { queue: %s, immediate: %s }\n", queue(program),
                below(program, 2) == 0 ? "true" : "false");
        else
            add(program, "task_done: %s\n", queue(program));
        break;
    default:
        add(program, "set: e%d\n", (int)below(program, 2));
    }
}

// A limited wait: in a `timeout` from 3.11 on; before, what is put for others moves it on.
static void object_op(Program *program)
{
    if (below(program, 3) == 0) {
        waking(program);
        return;
    }
    begin(program);
    if (program->minor >= 11 && below(program, 4) > 0) {
        add(program, "try: { do: [ { timeout: { after: %s, do: [ ", delay(program));
        if (below(program, 4) == 0)
            add(program, "{ reschedule: %s }, ", delay(program));
        waiting(program);
        add(program, " ] } } ], except: { timeout: [ { print: p%d } ] } }\n", ++program->prints);
    } else {
        waiting(program);
        add(program, "\n");
    }
}

static void object_block(Program *program, int depth)
{
    begin(program);
    add(program, "with:\n%*slock: %s\n", program->indent + 4, "",
        below(program, 3) == 0 ? semaphore(program) : lock(program));
    program->indent += 4;
    block(program, "do", depth);
    program->indent -= 4;
}

static void call_op(Program *program)
{
    int function = called(program);
    if (function < 0) {
        print(program);
        return;
    }
    begin(program);
    switch (below(program, 3)) {
    case 0:
        add(program, "call_soon: { run: g%d", function);
        break;
    case 1:
        add(program, "call_at: { at: %s, run: g%d", delay(program), function);
        break;
    default:
        add(program, "call_later: { after: %s, run: g%d", delay(program), function);
    }
    if (program->handles < HANDLES_MOST && below(program, 2) == 0)
        add(program, ", as: h%d_%d", program->function, program->handles++);
    add(program, " }\n");
}

static void cancel_handle(Program *program)
{
    if (program->handles == 0) {
        call_op(program);
        return;
    }
    begin(program);
    add(program, "cancel: h%d_%d\n", program->function,
        (int)below(program, (uint64_t)program->handles));
}

static void with_block(Program *program, int depth)
{
    if (depth >= DEPTH_MOST) {
        print(program);
        return;
    }
    switch (below(program, 9)) {
    case 7:
    case 8:
        object_block(program, depth);
        break;
    case 6:
        as_completed(program, depth);
        break;
    case 0:
        begin(program);
        add(program, "repeat:\n%*stimes: 2\n", program->indent + 4, "");
        program->indent += 4;
        block(program, "do", depth);
        program->indent -= 4;
        break;
    case 1:
        if (program->minor >= 11) {
            begin(program);
            add(program, "timeout:\n%*safter: %s\n", program->indent + 4, "", delay(program));
            program->indent += 4;
            program->limits++;
            block(program, "do", depth);
            program->limits--;
            program->indent -= 4;
            break;
        }
        // fallthrough
    case 2:
        if (program->minor >= 11) {
            begin(program);
            add(program, "task_group:\n");
            program->indent += 4;
            block(program, "do", depth);
            program->indent -= 4;
            break;
        }
        // fallthrough
    default:
        try(program, depth);
    }
}

static void waiting_op(Program *program)
{
    if (!has_awaitable(program)) {
        print(program);
        return;
    }
    switch (below(program, 6)) {
    case 0:
        begin(program);
        add(program, "gather: ");
        if (below(program, 4) == 0) {
            add(program, "{ tasks: ");
            add_several(program);
            add(program, ", return_exceptions: true }\n");
        } else {
            add_several(program);
            add(program, "\n");
        }
        break;
    case 1:
        wait(program);
        break;
    case 2:
        begin(program);
        add(program, "wait_for: { task: ");
        add_awaitable(program, true);
        add(program, ", timeout: %s }\n", delay(program));
        break;
    case 3:
        begin(program);
        add(program, "shield: ");
        add_awaitable(program, true);
        add(program, "\n");
        break;
    default:
        begin(program);
        add(program, "await: ");
        add_awaitable(program, true);
        add(program, "\n");
    }
}

static void op(Program *program, int depth)
{
    program->budget--;
    switch (below(program, 23)) {
    case 16:
    case 17:
    case 18:
    case 19:
        object_op(program);
        break;
    case 20:
    case 21:
        call_op(program);
        break;
    case 22:
        cancel_handle(program);
        break;
    case 0:
    case 1:
    case 2:
        begin(program);
        add(program, "await: { sleep: %s }\n", delay(program));
        break;
    case 3:
    case 4:
    case 5:
        create_task(program);
        break;
    case 6:
    case 7:
    case 8:
        waiting_op(program);
        break;
    case 9:
    case 10:
        with_block(program, depth);
        break;
    case 11:
        begin(program);
        if (program->tasks > 0) {
            add(program, "cancel: t%d_%d\n", program->function,
                (int)below(program, (uint64_t)program->tasks));
        } else {
            add(program, "compute: %s\n", delay(program));
        }
        break;
    case 12:
        begin(program);
        add(program, below(program, 2) == 0 ? "compute: 1ms\n" : "sleep: 2ms\n");
        break;
    case 13:
        if (depth > 0 && below(program, 2) == 0) {
            static const char *const exceptions[] = {"A", "B", "cancelled", "timeout"};
            begin(program);
            add(program, "raise: %s\n", exceptions[below(program, 4)]);
            break;
        }
        // fallthrough
    default:
        print(program);
    }
}

static void ops(Program *program, int depth, int most)
{
    uint64_t count = 1 + below(program, (uint64_t)most);
    print(program);
    for (uint64_t i = 0; i < count && program->budget > 0; i++) {
        op(program, depth);
        if (program->limits > 0 && below(program, 5) == 0) {
            begin(program);
            add(program, "reschedule: %s\n", delay(program));
        }
    }
}

// What the loop calls: nothing in it awaits.
static void plain_function(Program *program)
{
    for (uint64_t count = 1 + below(program, 3); count > 0; count--) {
        switch (below(program, 6)) {
        case 0:
        case 1:
            waking(program);
            break;
        case 2:
            call_op(program);
            break;
        case 3:
            begin(program);
            if (below(program, 2) == 0)
                add(program, "raise: A\n");
            else
                add(program, "%s: 1ms\n", program->threads ? "sleep" : "compute");
            break;
        default:
            print(program);
        }
    }
}

// A task that moves things on.
static void feeder(Program *program)
{
    add(program, "  feed:\n    - repeat:\n        times: %d\n        do:\n",
        2 + (int)below(program, 5));
    program->indent = 10;
    for (uint64_t count = 2 + below(program, 3); count > 0; count--) {
        begin(program);
        add(program, "await: { sleep: %s }\n", delay(program));
        begin(program);
        switch (below(program, 4)) {
        case 0:
            add(program, "try: { do: [ ");
            waiting(program);
            add(program, " ], except: { error: [ { print: p%d } ] } }\n", ++program->prints);
            break;
        case 1:
            add(program, "with: { lock: l0, do: [ { notify: { condition: c, count: %d } } ] }\n",
                1 + (int)below(program, 2));
            break;
        case 2:
            put(program);
            add(program, "\n");
            break;
        default:
            add(program, "set: e%d\n", (int)below(program, 2));
        }
    }
    program->indent = 4;
}

static void objects(Program *program)
{
    add(program, "asyncio:\n  locks: [ l0, l1 ]\n  conditions: { c: l0 }\n  events: [ e0, e1 ]\n");
    add(program, "  semaphores: { s0: %d, s1: { value: %d, bounded: true } }\n",
        (int)below(program, 3), 1 + (int)below(program, 2));
    add(program, "  queues: { q0: %d, q1: unbounded, q2: { capacity: 2, order: priority } }\n",
        1 + (int)below(program, 3));
    if (program->minor >= 11)
        add(program, "  barriers: { b: %d }\n", 1 + (int)below(program, 3));
}

// ---- programs in which many want the same few things

// A function in a thread of the loop's own executor, or of one with two threads.
static void in_thread(Program *program)
{
    int worker = program->workers++;
    if (program->minor >= 9 && below(program, 2) == 0)
        add(program, "{ await: { to_thread: w%d } }", worker);
    else
        add(program, "{ await: { run_in_executor: w%d%s } }", worker,
            below(program, 2) == 0 ? ", executor: pool" : "");
}

// What runs there, once. Few of these times, or their sums, are equal.
static void worker_function(Program *program, int i)
{
    add(program, "  w%d:\n", i);
    for (uint64_t count = 1 + below(program, 2); count > 0; count--) {
        add(program, "    - sleep: %dus\n", 1000 * (int)below(program, 6) + 37 + 59 * i);
        print(program);
    }
    if (below(program, 4) == 0)
        add(program, "    - raise: A\n");
}

// One step of a task, over in a few milliseconds unless it waits for another task.
static void contended_step(Program *program)
{
    static const char *const holds[] = {"l0", "l0", "s0", "s1"};
    uint64_t kind = below(program, 12);
    const char *held = holds[below(program, 4)];
    if (program->threads && below(program, 3) == 0) {
        begin(program);
        in_thread(program);
        add(program, "\n");
    } else if (kind < 4) {
        begin(program);
        add(program, "with: { lock: %s, do: [ { print: p%d }, { await: { sleep: %s } } ] }\n", held,
            ++program->prints, delay(program));
    } else if (kind == 4) {
        begin(program);
        add(program, "with: { lock: l0, do: [ { %s: c }, { await: { sleep: %s } } ] }\n",
            below(program, 2) == 0 ? "notify" : "wait", delay(program));
    } else if (kind < 8) {
        begin(program);
        waiting(program);
        add(program, "\n");
    } else if (kind < 10) {
        waking(program);
    } else {
        begin(program);
        add(program, "await: { sleep: %s }\n", delay(program));
    }
    print(program);
}

static void contended_task(Program *program)
{
    begin(program);
    add(program, "try:\n%*sdo:\n", program->indent + 4, "");
    program->indent += 6;
    for (uint64_t count = 2 + below(program, 5); count > 0; count--)
        contended_step(program);
    program->indent -= 6;
    add(program, "%*sexcept: { error: [ { print: p%d } ], cancelled: [ { print: p%d } ] }\n",
        program->indent + 4, "", program->prints + 1, program->prints + 2);
    program->prints += 2;
}

// f0 makes tasks of the others, cancels some, and waits for all.
static void contended_main(Program *program)
{
    int tasks = program->threads ? program->functions - 1 : 3 + (int)below(program, 6);
    for (int i = 0; i < tasks; i++)
        add(program, "    - create_task: { run: f%d, as: t%d }\n",
            program->threads ? i + 1 : callee(program), i);
    add(program, "    - create_task: feed\n");
    for (uint64_t count = below(program, 5); count > 0; count--) {
        add(program, "    - await: { sleep: %s }\n", delay(program));
        if (below(program, 3) == 0) // who is woken by this may be cancelled before it goes on
            waking(program);
        if (below(program, 3) == 0)
            add(program, "    - put: { queue: q1 }\n");
        if (below(program, 4) > 0)
            add(program, "    - cancel: t%d\n", (int)below(program, (uint64_t)tasks));
    }
    add(program, "    - asyncio.wait: { timeout: 40ms, tasks: [ t0");
    for (int i = 1; i < tasks; i++)
        add(program, ", t%d", i);
    add(program, " ] }\n    - print: end\n");
}

static void function(Program *program, int i, bool contended)
{
    program->function = i;
    program->tasks = program->handles = 0;
    program->budget = 12;
    add(program, "  f%d:\n", i);
    if (contended && i == 0) {
        contended_main(program);
    } else if (contended) {
        contended_task(program);
    } else {
        if (i == 0 && below(program, 3) > 0)
            add(program, "    - create_task: feed\n");
        ops(program, 0, 6);
    }
}

static void write_program(uint64_t seed, int minor, bool eager, char *text, size_t room)
{
    Program program = {.rng = rng_make(seed, 1),
                       .at = text,
                       .end = text + room,
                       .minor = minor,
                       .indent = 4,
                       .eager = eager};
    program.functions = 2 + (int)below(&program, FUNCTIONS_MOST - 1);
    program.called = (int)below(&program, CALLED_MOST + 1);
    bool contended = below(&program, 2) == 0;
    // Threads need no core of another, and no GIL for longer than no time at all.
    program.threads = contended && below(&program, 2) == 0;
    add(&program, "machine: { costs: zero, cores: %d }\nruntime: cpython-3.%d\n",
        program.threads ? 8 : 1, minor);
    if (program.threads)
        add(&program, "executors: { pool: 2 }\n");
    objects(&program);
    add(&program, "functions:\n");
    for (int i = 0; i < program.functions; i++)
        function(&program, i, contended);
    for (int i = 0; i < program.called; i++) {
        program.function = program.functions + i;
        program.tasks = program.handles = 0;
        add(&program, "  g%d:\n", i);
        plain_function(&program);
    }
    for (int i = 0; i < program.workers; i++)
        worker_function(&program, i);
    program.function = program.functions - 1; // it uses plain functions only
    feeder(&program);
    add(&program,
        "threads:\n  - name: t\n    run:\n      - try:\n          do: [ { asyncio.run: %s "
        "} ]\n          except: { cancelled: [ { print: c } ], A: [ { print: A } ], "
        "timeout: [ { print: T } ], error: [ { print: e } ] }\n",
        eager ? "{ main: f0, eager: true }" : "f0");
}

void asyncio_program(uint64_t seed, int minor, char *text, size_t room)
{
    write_program(seed, minor, false, text, room);
}

void asyncio_eager_program(uint64_t seed, int minor, char *text, size_t room)
{
    write_program(seed, minor, true, text, room);
}
