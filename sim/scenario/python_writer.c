#include "sim/scenario/python_writer.h"

#include "sim/base/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---- lines

void python_add(Python *python, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(python->arena, format, values);
    va_end(values);
    size_t length = strlen(text), at = python->text.count;
    ARRAY_EXTEND_BY(&python->text, length);
    memcpy(python->text.at + at, text, length);
}

// A line of the current block.
void python_line(Python *python, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(python->arena, format, values);
    va_end(values);
    python_add(python, "%*s%s\n", 4 * python->depth, "", text);
}

void python_loop(Python *python, uint32_t times)
{
    if (times <= 1)
        return;
    python_line(python, "for _ in range(%u):", times);
    python->depth++;
}

void python_loop_end(Python *python, uint32_t times)
{
    python->depth -= times > 1;
}

// A text as a Python literal; UTF-8 stays as it is.
const char *python_literal(Python *python, StringId id)
{
    const char *text = scenario_string(python->scenario, id);
    char *quoted = arena_alloc(python->arena, strlen(text) * 4 + 3), *at = quoted;
    *at++ = '"';
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            at += sprintf(at, "\\%c", *c);
        else if (*c == '\n')
            at += sprintf(at, "\\n");
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            at += sprintf(at, "\\x%02x", (unsigned)*c);
        else
            *at++ = *c;
    }
    *at = '"';
    return quoted;
}

// ---- values

// Seconds, as short as they can be: "0.005".
const char *python_seconds(Python *python, int64_t ns)
{
    char *text =
        arena_format(python->arena, "%" PRId64 ".%09" PRId64, ns / 1000000000, ns % 1000000000);
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[--length] = '\0';
    return text;
}

static const char *choice(Python *python, const Dist *dist)
{
    const char *values = "", *weights = "";
    for (uint32_t i = 0; i < dist->choice_count; i++) {
        const DistChoice *one = &python->scenario->choices[dist->choice_first + i];
        const char *comma = i == 0 ? "" : ", ";
        values =
            arena_format(python->arena, "%s%s%s", values, comma, python_seconds(python, one->ns));
        weights = arena_format(python->arena, "%s%s%g", weights, comma, (double)one->weight / 1e6);
    }
    return arena_format(python->arena, "random.choices([%s], [%s])[0]", values, weights);
}

// A duration that may be random, in seconds.
const char *python_duration(Python *python, uint32_t id)
{
    const Dist *dist = &python->scenario->dists[id - 1];
    const char *a = python_seconds(python, dist->a);
    double factor = (double)dist->b / 4294967296.0;
    switch (dist->kind) {
    case DIST_EXPONENTIAL:
        return arena_format(python->arena, "random.expovariate(1 / %s)", a);
    case DIST_UNIFORM:
        return arena_format(python->arena, "random.uniform(%s, %s)", a,
                            python_seconds(python, dist->b));
    case DIST_NORMAL:
        return arena_format(python->arena, "max(0, random.gauss(%s, %s))", a,
                            python_seconds(python, dist->b));
    case DIST_LOGNORMAL:
        return arena_format(python->arena, "random.lognormvariate(math.log(%s), %g)", a, factor);
    case DIST_PARETO:
        return arena_format(python->arena, "%s * random.paretovariate(%g)", a, factor);
    case DIST_CHOICE:
        return choice(python, dist);
    default:
        return a;
    }
}

const char *python_capacity(Python *python, uint32_t capacity)
{
    return capacity == 0 ? "" : arena_format(python->arena, "%u", capacity);
}

// ---- names

const char *python_sync(Python *python, uint32_t sync)
{
    return python_name(python, PYTHON_SYNC, python->scenario->syncs[sync - 1].name);
}

const char *python_variable(Python *python, uint32_t variable)
{
    const VariableDef *def = &python->scenario->variables[variable - 1];
    const char *name = python_name(python, PYTHON_VARIABLE, def->name);
    if (def->of_thread)
        return arena_format(python->arena, "%s.%s", python_own(python, "local"), name);
    return def->shared ? arena_format(python->arena, "%s.value", name) : name;
}

const char *python_task(Python *python, uint32_t name)
{
    return python_name(python, PYTHON_TASK, python->scenario->task_names[name - 1].name);
}

const char *python_function(Python *python, const FunctionDef *function)
{
    return python_name(python, PYTHON_FUNCTION, function->name);
}

const char *python_threads(Python *python, uint32_t thread)
{
    const ThreadDef *def = &python->scenario->threads[thread - 1];
    return python_name(python, def->forked ? PYTHON_PROCESSES : PYTHON_THREADS, def->name);
}

// The function whose first op is `entry`.
const FunctionDef *python_function_at(const Python *python, uint32_t entry)
{
    CHECKF(python->function_at[entry] != 0, "no function begins at %u", entry);
    return &python->scenario->functions[python->function_at[entry] - 1];
}

const char *python_function_name(Python *python, uint32_t entry)
{
    return python_function(python, python_function_at(python, entry));
}

const char *python_exception(Python *python, uint32_t exception)
{
    static const char *const words[] = {NULL,
#define X(id, name, python_name) python_name,
                                        EXCEPTIONS(X)
#undef X
    };
    if (exception < EXCEPTION_OWN)
        return words[exception];
    return python_name(python, PYTHON_EXCEPTION, (StringId){exception - EXCEPTION_OWN});
}

// ---- lines of ops

// The beginning of a line and of a call, up to its arguments.
void python_begin_line(Python *python, const char *text)
{
    python_add(python, "%*s%s", 4 * python->depth, "", text);
}

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool python_mentions(const Python *python, const char *word)
{
    size_t length = strlen(word), end = python->text.count;
    const char *text = python->text.at;
    for (size_t at = 0; at + length <= end; at++) {
        if (text[at] != word[0] || memcmp(&text[at], word, length) != 0)
            continue;
        bool begins = at == 0 || (!is_word(text[at - 1]) && text[at - 1] != '.');
        bool ends = !is_word(word[length - 1]) || at + length == end || !is_word(text[at + length]);
        if (begins && ends)
            return true;
    }
    return false;
}

// ---- what has no form

bool python_has_no_form(Python *python, const Op *op, const char *what, const char *why)
{
    uint32_t index = (uint32_t)(op - python->scenario->ops);
    python->failed = true;
    diag_fail(python->diag, python->scenario->op_at[index], "'%s'%s has no Python form: %s",
              op_info(op->code)->name, what, why);
    return true;
}

void python_has_none(Python *python, SourceAt at, const char *what, const char *why)
{
    python->failed = true;
    diag_fail(python->diag, at, "%s has no Python form: %s", what, why);
}

// ---- what the scenario has

bool python_uses(const Python *python, OpCode code)
{
    for (uint32_t i = 0; i < python->scenario->op_count; i++)
        if (python->scenario->ops[i].code == code)
            return true;
    return false;
}

bool python_has(const Python *python, ProcessId process)
{
    ProcessId family = python->scenario->processes[process.index1 - 1].family;
    return python->whole || ID_EQUAL(family, python->process);
}

const ProcessDef *python_process(const Python *python)
{
    return &python->scenario->processes[python->process.index1 - 1];
}

bool python_carries_functions(const Python *python, uint32_t queue)
{
    for (uint32_t i = 0; i < python->scenario->op_count; i++) {
        const Op *op = &python->scenario->ops[i];
        if (op->code == OP_PUT && op->arg[0] == queue && op->arg[1] != 0)
            return true;
    }
    return false;
}
