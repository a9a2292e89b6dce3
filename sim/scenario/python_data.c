// Variables in the program that `ringside python` writes. A thread's copy of one is a local name of
// the function that loads it. Python has no atomic operations: a lock makes steps one.
#include "sim/scenario/python_writer.h"

#include <inttypes.h>

static const char *copy_name(Python *python, uint32_t variable)
{
    return python_name(python, PYTHON_COPY, python->scenario->variables[variable - 1].name);
}

// ---- at the top of the program

// Their first values are the class's; a thread that assigns one makes its own.
void python_thread_locals(Python *python)
{
    const ProcessDef *process = python_process(python);
    const char *class = python_own(python, "Local"), *object = python_own(python, "local");
    bool any = false;
    for (uint32_t i = 0; i < process->variable_count; i++) {
        const VariableDef *def = &python->scenario->variables[process->variable_first + i];
        if (!def->of_thread)
            continue;
        if (!any)
            python_add(python, "\n\nclass %s(threading.local):\n", class);
        any = true;
        python_line(python, "    %s = %" PRId64, python_name(python, PYTHON_VARIABLE, def->name),
                    def->value);
    }
    if (any)
        python_add(python, "\n\n%s = %s()\n", object, class);
}

void python_variables(Python *python)
{
    const ProcessDef *process = python_process(python);
    for (uint32_t i = 0; i < process->variable_count; i++) {
        const VariableDef *def = &python->scenario->variables[process->variable_first + i];
        const char *name = python_name(python, PYTHON_VARIABLE, def->name);
        if (def->shared)
            python_line(python, "%s = multiprocessing.RawValue(\"l\", %" PRId64 ")", name,
                        def->value);
        else if (!def->of_thread)
            python_line(python, "%s = %" PRId64, name, def->value);
    }
}

// ---- copies

// Whether the op works with this thread's copy of the variable.
static bool uses_copy(const Op *op, uint32_t variable)
{
    if (op->code == OP_STORE && !op_has_integer(op->arg[1]))
        return (op->arg[2] != 0 ? op->arg[2] : op->arg[0]) == variable;
    return op->code == OP_COMPARE_AND_SWAP && op->arg[0] == variable && !op_has_integer(op->arg[1]);
}

// Whether the function that is being written has, before `end` (none: anywhere), a `load` of the
// variable, or anywhere a use of its copy.
static bool function_has(const Python *python, uint32_t variable, const Op *end, bool load)
{
    const Op *ops = python->scenario->ops;
    for (const Op *op = &ops[python->entry]; op->code != OP_RETURN && op != end; op++)
        if (load ? op->code == OP_LOAD && op->arg[0] == variable : uses_copy(op, variable))
            return true;
    return false;
}

static bool has_loaded(Python *python, const Op *op, uint32_t variable)
{
    if (function_has(python, variable, op, true))
        return true;
    python_has_no_form(python, op, "",
                       "a copy is a local name, and this function has not loaded it before");
    return false;
}

// Who has stored knows what: its copy is the new value.
static void keep_copy(Python *python, uint32_t variable)
{
    if (function_has(python, variable, NULL, false))
        python_line(python, "%s = %s", copy_name(python, variable),
                    python_variable(python, variable));
}

static const char *plus(Python *python, uint32_t arg)
{
    if (!op_has_integer(arg) || op_integer(arg) == 0)
        return "";
    int64_t value = op_integer(arg);
    return arena_format(python->arena, " %c %" PRId64, value < 0 ? '-' : '+',
                        value < 0 ? -value : value);
}

// ---- one op

static void write_store(Python *python, const Op *op)
{
    uint32_t to = op->arg[0], from = op->arg[2] != 0 ? op->arg[2] : to;
    if (op_has_integer(op->arg[1])) {
        python_line(python, "%s = %" PRId64, python_variable(python, to), op_integer(op->arg[1]));
        keep_copy(python, to);
        return;
    }
    if (!has_loaded(python, op, from))
        return;
    const char *copy = copy_name(python, to), *more = plus(python, op->arg[3]);
    if (to == from && *more != '\0')
        python_line(python, "%s += %" PRId64, copy, op_integer(op->arg[3]));
    else if (to != from)
        python_line(python, "%s = %s%s", copy, copy_name(python, from), more);
    python_line(python, "%s = %s", python_variable(python, to), copy);
}

static const char *atomic(const Python *python, uint32_t variable)
{
    return python->scenario->variables[variable - 1].shared ? "atomic_of_all" : "atomic";
}

static const char *addition(Python *python, const Op *op)
{
    int64_t value = op_has_integer(op->arg[1]) ? op_integer(op->arg[1]) : 1;
    return arena_format(python->arena, "%s += %" PRId64, python_variable(python, op->arg[0]),
                        value);
}

static void write_swap(Python *python, const Op *op)
{
    uint32_t variable = op->arg[0];
    bool known = op_has_integer(op->arg[1]), again = op->arg[4] != 0;
    if (!known && !has_loaded(python, op, variable))
        return;
    const char *name = python_variable(python, variable), *copy = copy_name(python, variable);
    const char *expected =
        known ? arena_format(python->arena, "%" PRId64, op_integer(op->arg[1])) : copy;
    const char *value =
        op_has_integer(op->arg[2])
            ? arena_format(python->arena, "%" PRId64, op_integer(op->arg[2]))
            : arena_format(python->arena, "%s%s", expected, plus(python, op->arg[3]));
    if (again)
        python_line(python, "while True:");
    python->depth += again;
    python_line(python, "with %s:", atomic(python, variable));
    python_line(python, "    swapped = %s == %s", name, expected);
    python_line(python, "    if swapped:");
    python_line(python, "        %s = %s", name, value);
    python_line(python, "    %s = %s", copy, name);
    if (again) {
        python_line(python, "if swapped:");
        python_line(python, "    break");
    }
    python->depth -= again;
    if (again) {
        python_block(python, op->arg[4]);
    } else if (op->arg[5] != 0) {
        python_line(python, "if not swapped:");
        python_block(python, op->arg[5]);
    }
}

bool python_data_op(Python *python, const Op *op)
{
    switch (op->code) {
    case OP_LOAD:
        python_line(python, "%s = %s", copy_name(python, op->arg[0]),
                    python_variable(python, op->arg[0]));
        return true;
    case OP_STORE:
        write_store(python, op);
        return true;
    case OP_ADD:
        python_line(python, "%s", addition(python, op));
        keep_copy(python, op->arg[0]);
        return true;
    case OP_ATOMIC_ADD:
        python_line(python, "with %s:", atomic(python, op->arg[0]));
        python_line(python, "    %s", addition(python, op));
        keep_copy(python, op->arg[0]);
        return true;
    case OP_COMPARE_AND_SWAP:
        write_swap(python, op);
        return true;
    default:
        return false;
    }
}
