// A program is a few functions, each of which may use those behind it, so that it ends. Every print
// has a text of its own. Waits are short and often equal, so that much is ready at one instant.
#include "tests/asyncio_program.h"

#include "sim/base/check.h"
#include "sim/base/rng.h"

#include <stdarg.h>
#include <stdio.h>

enum { FUNCTIONS_MOST = 6, TASKS_MOST = 4, DEPTH_MOST = 3 };

typedef struct Program {
    Rng rng;
    char *at, *end;
    int minor;
    int functions;
    int function; // that is being written
    int tasks;    // names that it has given so far
    int prints, indent;
    int budget; // ops left for the function
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
    int tasks = program->tasks;
    ops(program, depth + 1, 3);
    program->tasks = tasks; // a name that is given in a block may not have been
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

// Over new tasks only: of those that have ended before, CPython does not say which comes first.
static void as_completed(Program *program, int depth)
{
    int function = callee(program);
    if (function < 0) {
        print(program);
        return;
    }
    begin(program);
    add(program, "as_completed:\n%*stasks: [ f%d", program->indent + 4, "", function);
    add(program, ", f%d ]\n", callee(program));
    if (below(program, 2) == 0)
        add(program, "%*stimeout: %s\n", program->indent + 4, "", delay(program));
    program->indent += 4;
    block(program, "do", depth);
    program->indent -= 4;
}

static void with_block(Program *program, int depth)
{
    if (depth >= DEPTH_MOST) {
        print(program);
        return;
    }
    switch (below(program, 7)) {
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
            block(program, "do", depth);
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
    switch (below(program, 16)) {
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
    for (uint64_t i = 0; i < count && program->budget > 0; i++)
        op(program, depth);
}

void asyncio_program(uint64_t seed, int minor, char *text, size_t room)
{
    Program program = {
        .rng = rng_make(seed, 1), .at = text, .end = text + room, .minor = minor, .indent = 4};
    program.functions = 2 + (int)below(&program, FUNCTIONS_MOST - 1);
    add(&program, "machine: { costs: zero }\nruntime: cpython-3.%d\nfunctions:\n", minor);
    for (int i = 0; i < program.functions; i++) {
        program.function = i;
        program.tasks = 0;
        program.budget = 12;
        add(&program, "  f%d:\n", i);
        ops(&program, 0, 6);
    }
    add(&program,
        "threads:\n  - name: t\n    run:\n      - try:\n          do: [ { asyncio.run: f0 "
        "} ]\n          except: { cancelled: [ { print: c } ], A: [ { print: A } ], "
        "timeout: [ { print: T } ], error: [ { print: e } ] }\n");
}
