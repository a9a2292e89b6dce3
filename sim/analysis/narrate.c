#include "sim/analysis/narrate.h"

#include "sim/analysis/shared_data.h"

#include "sim/base/size.h"

#include <string.h>

static bool narrator_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    Narrator *narrator = (Narrator *)sink;
    for (size_t i = 0; i < count; i++)
        narrate(narrator, &records[i]);
    return !narrator->writer->failed;
}

void narrator_open(Narrator *narrator, const Scenario *scenario, Writer *writer)
{
    *narrator = (Narrator){
        .sink.write = narrator_write,
        .scenario = scenario,
        .writer = writer,
        .tasks.row_bytes = sizeof(TaskRow),
    };
}

void narrator_free(Narrator *narrator)
{
    task_table_free(&narrator->tasks);
    process_names_free(&narrator->processes);
}

// A text of the scenario on one line: what would move a terminal's cursor is written as an escape.
static void say_text(Writer *writer, const char *text)
{
    for (; *text != 0; text++) {
        const char *plain = text;
        while ((unsigned char)*text >= 0x20 && *text != 0x7f)
            text++;
        writer_bytes(writer, plain, (size_t)(text - plain));
        unsigned char c = (unsigned char)*text;
        if (c == 0)
            break;
        if (c == '\n')
            writer_text(writer, "\\n");
        else if (c == '\t')
            writer_text(writer, "\\t");
        else
            writer_format(writer, "\\x%02x", c);
    }
}

static void say_numbered(Writer *writer, const char *what, uint64_t number)
{
    writer_text(writer, what);
    writer_char(writer, ' ');
    writer_u64(writer, number);
}

static void say_task(const Narrator *narrator, uint64_t id)
{
    char name[96];
    say_text(narrator->writer, task_table_name(&narrator->tasks, narrator->scenario, id, name));
}

static void say_def(const Narrator *narrator, uint64_t def)
{
    const Scenario *scenario = narrator->scenario;
    if (def == 0 || def > scenario->thread_count)
        say_numbered(narrator->writer, "threads of entry", def);
    else
        say_text(narrator->writer, scenario_string(scenario, scenario->threads[def - 1].name));
}

static void say_lock(const Narrator *narrator, uint64_t lock)
{
    const Scenario *scenario = narrator->scenario;
    if (lock == 0 || lock > scenario->sync_count)
        say_numbered(narrator->writer, "number", lock);
    else
        say_text(narrator->writer, scenario_string(scenario, scenario->syncs[lock - 1].name));
}

// With its kind: "queue jobs".
static void say_sync(const Narrator *narrator, uint64_t sync)
{
    const Scenario *scenario = narrator->scenario;
    bool known = sync > 0 && sync <= scenario->sync_count;
    writer_text(narrator->writer,
                known ? sync_kind_word(scenario->syncs[sync - 1].kind) : "object");
    writer_char(narrator->writer, ' ');
    say_lock(narrator, sync);
}

// The line of an operation.
static void say_op(const Narrator *narrator, uint64_t op)
{
    const Scenario *scenario = narrator->scenario;
    const OpInfo *info = op < scenario->op_count ? op_info(scenario->ops[op].code) : NULL;
    if (op == 0 || info == NULL || scenario->op_at[op].line == 0) {
        say_numbered(narrator->writer, "operation", op);
        return;
    }
    say_numbered(narrator->writer, "line", scenario->op_at[op].line);
    writer_text(narrator->writer, " (");
    writer_text(narrator->writer, info->name);
    writer_text(narrator->writer, ")");
}

// "x at line 12 (load)".
static void say_access(const Narrator *narrator, uint64_t access)
{
    char name[96];
    say_text(narrator->writer, variable_name(narrator->scenario, access_variable(access), name));
    writer_text(narrator->writer, " at ");
    say_op(narrator, access_op(access));
}

static void say_string(const Narrator *narrator, uint64_t string)
{
    if (string == 0 || string > narrator->scenario->string_count)
        say_numbered(narrator->writer, "text", string);
    else
        say_text(narrator->writer,
                 scenario_string(narrator->scenario, (StringId){(uint32_t)string}));
}

static void say_core(Writer *writer, int64_t core)
{
    if (core < 0)
        writer_text(writer, "none");
    else
        writer_i64(writer, core);
}

static void say_ns(Writer *writer, int64_t ns)
{
    char text[32];
    writer_text(writer, duration_text(ns, text));
}

static void say_process(const Narrator *narrator, uint64_t pid)
{
    char name[96];
    say_text(narrator->writer, process_names_text(&narrator->processes, &narrator->tasks,
                                                  narrator->scenario, pid, name));
}

static void say_size(Writer *writer, uint64_t bytes)
{
    char text[32];
    writer_text(writer, size_text(bytes, text));
}

static void say_pipe(const Narrator *narrator, uint64_t pipe)
{
    const Scenario *scenario = narrator->scenario;
    if (pipe == 0 || pipe > scenario->pipe_count)
        say_numbered(narrator->writer, "number", pipe);
    else
        say_text(narrator->writer, scenario_string(scenario, scenario->pipes[pipe - 1].name));
}

static void say_messages(const Narrator *narrator, uint64_t queue)
{
    const Scenario *scenario = narrator->scenario;
    if (queue == 0 || queue > scenario->message_queue_count)
        say_numbered(narrator->writer, "number", queue);
    else
        say_text(narrator->writer,
                 scenario_string(scenario, scenario->message_queues[queue - 1].name));
}

static void say_status(Writer *writer, unsigned status)
{
    if (status < STATUS_SIGNALLED)
        writer_format(writer, "exit code %u", status);
    else
        writer_format(writer, "killed by %s", signal_name(status - STATUS_SIGNALLED));
}

static void say_argument(const Narrator *narrator, ArgType type, uint64_t value)
{
    Writer *writer = narrator->writer;
    unsigned word = value > UINT32_MAX ? UINT32_MAX : (unsigned)value;
    switch (type) {
    case ARG_TASK:
        say_task(narrator, value);
        break;
    case ARG_CORE:
        say_core(writer, (int64_t)word - 1);
        break;
    case ARG_DEF:
        say_def(narrator, value);
        break;
    case ARG_LOCK:
        say_lock(narrator, value);
        break;
    case ARG_TEXT:
        say_string(narrator, value);
        break;
    case ARG_NS:
    case ARG_VTIME:
        say_ns(writer, (int64_t)value);
        break;
    case ARG_SWITCH_REASON:
        writer_text(writer, switch_reason_sentence(word));
        break;
    case ARG_SYSCALL:
        writer_text(writer, syscall_name(word));
        break;
    case ARG_IRQ:
        writer_text(writer, irq_name(word));
        break;
    case ARG_MIGRATION_REASON:
        writer_text(writer, migration_reason_text(word));
        break;
    case ARG_LIMIT:
        writer_text(writer, limit_name(word));
        break;
    case ARG_END_REASON:
        writer_text(writer, end_reason_text(word));
        break;
    case ARG_SYNC:
        say_sync(narrator, value);
        break;
    case ARG_OP:
        say_op(narrator, value);
        break;
    case ARG_WAIT_END:
        writer_text(writer, wait_end_text(word));
        break;
    case ARG_ACCESS:
        say_access(narrator, value);
        break;
    case ARG_VALUE:
        writer_i64(writer, (int64_t)value);
        break;
    case ARG_PROCESS:
        say_process(narrator, value);
        break;
    case ARG_MEMORY_BYTES:
        say_size(writer, value);
        break;
    case ARG_PIPE:
        say_pipe(narrator, value);
        break;
    case ARG_MESSAGES:
        say_messages(narrator, value);
        break;
    case ARG_STATUS:
        say_status(writer, word);
        break;
    case ARG_FAULT:
        writer_text(writer, fault_sentence(word));
        break;
    case ARG_SIGNAL:
        writer_text(writer, signal_name(word));
        break;
    case ARG_KILL_REASON:
        writer_text(writer, kill_reason_sentence(word));
        break;
    case ARG_PIPE_END:
        writer_text(writer, pipe_end_name(word));
        break;
    case ARG_NONE:
    case ARG_COUNT:
    case ARG_TYPE_COUNT:
        writer_u64(writer, value);
        break;
    }
}

// What the list's general rules would say badly: who wakes when it is no task, and what a task of
// a circle waits for when it is no lock.
static const char *special_words(const TraceRecord *record, const char *field)
{
    if (field[0] != 'a')
        return NULL;
    if (record->kind == EVENT_WAKEUP && record->a == 0)
        return "an interrupt";
    if (record->kind == EVENT_DEADLOCK && record->a == 0)
        return "threads to end";
    return NULL;
}

// The list's sentence, or another one where that would say nothing of what matters.
static const char *sentence_of(const TraceRecord *record)
{
    if (record->kind == EVENT_DEADLOCK && record->a == 0 && record->b != 0)
        return "deadlock: {task} waits for {b} to end";
    if (record->kind == EVENT_DEADLOCK && record->b == 0)
        return "deadlock: {task} waits for {a}, and nobody is left to wake it";
    if (record->kind == EVENT_NOTIFIED && record->b == 0)
        return "{task} notifies {a}, where nobody waits: it is lost";
    return event_info(record->kind)->sentence;
}

// The field between the braces, of `length` bytes.
static void say_field(const Narrator *narrator, const TraceRecord *record, const char *field,
                      size_t length)
{
    const EventInfo *info = event_info(record->kind);
    const char *special = special_words(record, field);
    if (special != NULL)
        writer_text(narrator->writer, special);
    else if (length == 4 && memcmp(field, "task", 4) == 0)
        say_task(narrator, record->task);
    else if (length == 4 && memcmp(field, "core", 4) == 0)
        say_core(narrator->writer, record->core);
    else if (length == 1 && (field[0] == 'a' || field[0] == 'b'))
        say_argument(narrator, info->arg[field[0] - 'a'].type,
                     field[0] == 'a' ? record->a : record->b);
    else
        writer_text(narrator->writer, "?");
}

static void say_time(Writer *writer, int64_t ns)
{
    uint64_t time = ns < 0 ? 0 : (uint64_t)ns;
    uint64_t whole = time / 1000000, rest = time % 1000000;
    char digits[6];
    for (int i = 5; i >= 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    int width = 1;
    for (uint64_t above = whole; above >= 10; above /= 10)
        width++;
    writer_fill(writer, ' ', 6 - width);
    writer_u64(writer, whole);
    writer_char(writer, '.');
    writer_bytes(writer, digits, sizeof digits);
    writer_text(writer, " ms  ");
}

void narrate(Narrator *narrator, const TraceRecord *record)
{
    Writer *writer = narrator->writer;
    if (record->kind == EVENT_TASK_CREATED)
        task_table_add(&narrator->tasks, narrator->scenario, record->task, record->a, record->b);
    process_names_add(&narrator->processes, narrator->scenario, record);
    say_time(writer, record->time_ns);
    for (const char *s = sentence_of(record); *s != 0;) {
        size_t plain = strcspn(s, "{");
        writer_bytes(writer, s, plain);
        s += plain;
        if (*s == 0)
            break;
        size_t length = strcspn(++s, "}");
        say_field(narrator, record, s, length);
        s += length + (s[length] == '}');
    }
    if (record->kind == EVENT_RUN_END && record->a == END_LIMIT) {
        writer_text(writer, ": ");
        say_argument(narrator, ARG_LIMIT, record->b);
    }
    writer_char(writer, '\n');
}
