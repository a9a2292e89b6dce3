#include "sim/analysis/sentence.h"

#include "sim/analysis/shared_data.h"

#include "sim/base/size.h"

#include <inttypes.h>

// A text of the scenario on one line: what would move a terminal's cursor is
// written as an escape.
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

// The name of the `id`-th of `count` things; an id of nothing by its number,
// behind `otherwise`.
static void say_name(Writer *writer, const Scenario *scenario, const StringId *name,
                     const char *otherwise, uint64_t id)
{
    if (name == NULL)
        say_numbered(writer, otherwise, id);
    else
        say_text(writer, scenario_string(scenario, *name));
}

// ---- the types of arguments

static void say_task(Writer *writer, const Names *names, uint64_t id)
{
    char name[96];
    say_text(writer, task_table_name(names->tasks, names->scenario, id, name));
}

static void say_def(Writer *writer, const Names *names, uint64_t def)
{
    const Scenario *scenario = names->scenario;
    bool known = def > 0 && def <= scenario->thread_count;
    say_name(writer, scenario, known ? &scenario->threads[def - 1].name : NULL, "threads of entry",
             def);
}

static void say_lock(Writer *writer, const Names *names, uint64_t lock)
{
    const Scenario *scenario = names->scenario;
    bool known = lock > 0 && lock <= scenario->sync_count;
    say_name(writer, scenario, known ? &scenario->syncs[lock - 1].name : NULL, "number", lock);
}

// With its kind: "queue jobs".
static void say_sync(Writer *writer, const Names *names, uint64_t sync)
{
    const Scenario *scenario = names->scenario;
    bool known = sync > 0 && sync <= scenario->sync_count;
    writer_text(writer, known ? sync_kind_word(scenario->syncs[sync - 1].kind) : "object");
    writer_char(writer, ' ');
    say_lock(writer, names, sync);
}

static void say_pipe(Writer *writer, const Names *names, uint64_t pipe)
{
    const Scenario *scenario = names->scenario;
    bool known = pipe > 0 && pipe <= scenario->pipe_count;
    say_name(writer, scenario, known ? &scenario->pipes[pipe - 1].name : NULL, "number", pipe);
}

static void say_messages(Writer *writer, const Names *names, uint64_t queue)
{
    const Scenario *scenario = names->scenario;
    bool known = queue > 0 && queue <= scenario->message_queue_count;
    say_name(writer, scenario, known ? &scenario->message_queues[queue - 1].name : NULL, "number",
             queue);
}

// The line of an operation.
static void say_op(Writer *writer, const Names *names, uint64_t op)
{
    const Scenario *scenario = names->scenario;
    const OpInfo *info = op < scenario->op_count ? op_info(scenario->ops[op].code) : NULL;
    bool library = op < scenario->op_count && scenario->ops[op].code > OP_EXCEPT; // Python's own
    if (op == 0 || (info == NULL && !library) || scenario->op_at[op].line == 0) {
        say_numbered(writer, "operation", op);
        return;
    }
    // The library's last, behind all that Python does before it ends: no line has it.
    if (scenario->ops[op].code == OP_EXIT && scenario->ops[op].arg[1] != 0) {
        writer_text(writer, "the end of its process");
        return;
    }
    say_numbered(writer, "line", scenario->op_at[op].line);
    writer_text(writer, " (");
    writer_text(writer, library ? "library" : info->name);
    writer_text(writer, ")");
}

// "x at line 12 (load)".
static void say_access(Writer *writer, const Names *names, uint64_t access)
{
    char name[96];
    say_text(writer, variable_name(names->scenario, access_variable(access), name));
    writer_text(writer, " at ");
    say_op(writer, names, access_op(access));
}

static void say_string(Writer *writer, const Names *names, uint64_t string)
{
    if (string == 0 || string > names->scenario->string_count)
        say_numbered(writer, "text", string);
    else
        say_text(writer, scenario_string(names->scenario, (StringId){(uint32_t)string}));
}

static void say_process(Writer *writer, const Names *names, uint64_t pid)
{
    char name[96];
    say_text(writer,
             process_names_text(names->processes, names->tasks, names->scenario, pid, name));
}

static void say_interpreter(Writer *writer, const Names *names, uint64_t interpreter)
{
    say_process(writer, names, (uint32_t)interpreter);
    if (interpreter >> 32 != 0)
        writer_format(writer, "'s interpreter %" PRIu64, interpreter >> 32);
}

static void say_core_number(Writer *writer, int64_t core)
{
    if (core < 0)
        writer_text(writer, "none");
    else
        writer_i64(writer, core);
}

static unsigned small(uint64_t value)
{
    return value > UINT32_MAX ? UINT32_MAX : (unsigned)value;
}

static void say_core(Writer *writer, const Names *names, uint64_t core)
{
    (void)names;
    say_core_number(writer, (int64_t)small(core) - 1);
}

static void say_ns(Writer *writer, const Names *names, uint64_t ns)
{
    char text[32];
    (void)names;
    writer_text(writer, duration_text((int64_t)ns, text));
}

static void say_size(Writer *writer, const Names *names, uint64_t bytes)
{
    char text[32];
    (void)names;
    writer_text(writer, size_text(bytes, text));
}

static void say_value(Writer *writer, const Names *names, uint64_t value)
{
    (void)names;
    writer_i64(writer, (int64_t)value);
}

static void say_count(Writer *writer, const Names *names, uint64_t count)
{
    (void)names;
    writer_u64(writer, count);
}

static void say_status(Writer *writer, const Names *names, uint64_t value)
{
    unsigned status = small(value);
    (void)names;
    if (status < STATUS_SIGNALLED)
        writer_format(writer, "exit code %u", status);
    else
        writer_format(writer, "killed by %s", signal_name(status - STATUS_SIGNALLED));
}

// "handle #3": its function, and which of the run's coroutines it is.
static void say_coroutine(Writer *writer, const Names *names, uint64_t coroutine)
{
    const Scenario *scenario = names->scenario;
    uint32_t function = coroutine_function(coroutine);
    if (coroutine == 0) {
        writer_text(writer, "the loop");
        return;
    }
    bool known = function > 0 && function <= scenario->function_count;
    say_name(writer, scenario, known ? &scenario->functions[function - 1].name : NULL, "function",
             function);
    if (coroutine_serial(coroutine) == 0) { // a plain function that the loop calls
        writer_text(writer, "()");
        return;
    }
    writer_text(writer, " #");
    writer_u64(writer, coroutine_serial(coroutine));
}

static void say_exception(Writer *writer, const Names *names, uint64_t id)
{
    const char *name = exception_name(small(id));
    if (id == EXCEPTION_NONE)
        writer_text(writer, "no exception");
    else if (name != NULL)
        writer_text(writer, name);
    else
        say_string(writer, names, id - EXCEPTION_OWN);
}

// "the read end of pipe lines".
static void say_file(Writer *writer, const Names *names, uint64_t file)
{
    writer_text(writer, file_sentence(file_kind(file)));
    writer_text(writer, " ");
    if (file_kind(file) == FILE_PIPE_READ || file_kind(file) == FILE_PIPE_WRITE)
        say_pipe(writer, names, file_id(file));
    else
        writer_u64(writer, file_id(file));
}

// "epoll set 1: readable, hung up".
static void say_epoll(Writer *writer, const Names *names, uint64_t argument)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {
#define X(id, bit, word) {bit, word},
        EPOLL_EVENTS(X)
#undef X
    };
    const char *before = ": ";
    (void)names;
    writer_format(writer, "epoll set %u", epoll_set(argument));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!(epoll_events(argument) & words[i].bit))
            continue;
        writer_text(writer, before);
        writer_text(writer, words[i].word);
        before = ", ";
    }
}

// "item 3", "items 3 to 6".
static void say_items(Writer *writer, const Names *names, uint64_t items)
{
    (void)names;
    uint64_t first = items_first(items), count = items_count(items);
    writer_text(writer, count > 1 ? "items " : "item ");
    writer_u64(writer, first);
    if (count > 1) {
        writer_text(writer, " to ");
        writer_u64(writer, first + count - 1);
    }
}

// How a type is said: by a function, or as a word of a closed vocabulary.
typedef struct ArgumentForm {
    void (*say)(Writer *writer, const Names *names, uint64_t value);
    const char *(*word)(unsigned value);
} ArgumentForm;

static const ArgumentForm forms[ARG_TYPE_COUNT] = {
    [ARG_NONE] = {.say = say_count},
    [ARG_ITEMS] = {.say = say_items},
    [ARG_TASK] = {.say = say_task},
    [ARG_CORE] = {.say = say_core},
    [ARG_DEF] = {.say = say_def},
    [ARG_LOCK] = {.say = say_lock},
    [ARG_TEXT] = {.say = say_string},
    [ARG_NS] = {.say = say_ns},
    [ARG_COUNT] = {.say = say_count},
    [ARG_VTIME] = {.say = say_ns},
    [ARG_SWITCH_REASON] = {.word = switch_reason_sentence},
    [ARG_SYSCALL] = {.word = syscall_name},
    [ARG_IRQ] = {.word = irq_name},
    [ARG_MIGRATION_REASON] = {.word = migration_reason_text},
    [ARG_LIMIT] = {.word = limit_name},
    [ARG_END_REASON] = {.word = end_reason_text},
    [ARG_SYNC] = {.say = say_sync},
    [ARG_OP] = {.say = say_op},
    [ARG_WAIT_END] = {.word = wait_end_text},
    [ARG_ACCESS] = {.say = say_access},
    [ARG_VALUE] = {.say = say_value},
    [ARG_PROCESS] = {.say = say_process},
    [ARG_INTERPRETER] = {.say = say_interpreter},
    [ARG_MEMORY_BYTES] = {.say = say_size},
    [ARG_PIPE] = {.say = say_pipe},
    [ARG_MESSAGES] = {.say = say_messages},
    [ARG_STATUS] = {.say = say_status},
    [ARG_FAULT] = {.word = fault_sentence},
    [ARG_SIGNAL] = {.word = signal_name},
    [ARG_KILL_REASON] = {.word = kill_reason_sentence},
    [ARG_PIPE_END] = {.word = pipe_end_name},
    [ARG_COROUTINE] = {.say = say_coroutine},
    [ARG_EXCEPTION] = {.say = say_exception},
    [ARG_CALLBACK] = {.word = callback_sentence},
    [ARG_FILE] = {.say = say_file},
    [ARG_UV_QUEUE] = {.word = uv_queue_name},
    [ARG_EPOLL] = {.say = say_epoll},
};

void sentence_argument(Writer *writer, const Names *names, ArgType type, uint64_t value)
{
    ArgumentForm form = (unsigned)type < ARG_TYPE_COUNT ? forms[type] : forms[ARG_NONE];
    if (form.word != NULL)
        writer_text(writer, form.word(small(value)));
    else if (form.say != NULL)
        form.say(writer, names, value);
    else
        say_count(writer, names, value); // a type that has no row yet
}

// ---- the sentence

// What the list's general rules would say badly: who wakes when it is no task.
static const char *special_words(const TraceRecord *record, const char *field)
{
    if (field[0] != 'a')
        return NULL;
    if (record->kind == EVENT_WAKEUP && record->a == 0)
        return "an interrupt";
    return NULL;
}

// The list's sentence, or another one where that would say nothing of what
// matters.
static const char *template_of(const TraceRecord *record)
{
    if (record->kind == EVENT_TASK_CREATED && created_by(record->b) != 0)
        return "{creator} creates {task}";
    if (record->kind == EVENT_DEADLOCK && record->a == 0 && record->b != 0)
        return "deadlock: {task} waits for {b} to end";
    if (record->kind == EVENT_DEADLOCK && record->a == 0) // the next record says where
        return "deadlock: {task} waits, and nobody is left to wake it";
    if (record->kind == EVENT_DEADLOCK && record->b == 0)
        return "deadlock: {task} waits for {a}, and nobody is left to wake it";
    if (record->kind == EVENT_NOTIFIED && record->b == 0)
        return "{task} notifies {a}, where nobody waits: it is lost";
    if (record->kind == EVENT_RUN_END && record->a == END_LIMIT)
        return "the run ends: {a}: {b}";
    return event_info(record->kind)->sentence;
}

static bool field_is(const char *field, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(field, name, length) == 0;
}

// The field between the braces, of `length` bytes.
static void say_field(Writer *writer, const Names *names, const TraceRecord *record,
                      const char *field, size_t length)
{
    const EventInfo *info = event_info(record->kind);
    const char *special = special_words(record, field);
    if (special != NULL)
        writer_text(writer, special);
    else if (field_is(field, length, "task"))
        say_task(writer, names, record->task);
    else if (field_is(field, length, "core"))
        say_core_number(writer, record->core);
    else if (field_is(field, length, "creator"))
        say_task(writer, names, created_by(record->b));
    else if (field_is(field, length, "a"))
        sentence_argument(writer, names, info->arg[0].type, record->a);
    else if (field_is(field, length, "b"))
        sentence_argument(writer, names, info->arg[1].type, record->b);
    else
        writer_text(writer, "?");
}

void sentence_say(Writer *writer, const Names *names, const TraceRecord *record)
{
    for (const char *s = template_of(record); *s != 0;) {
        size_t plain = strcspn(s, "{");
        writer_bytes(writer, s, plain);
        s += plain;
        if (*s == 0)
            break;
        size_t length = strcspn(++s, "}");
        say_field(writer, names, record, s, length);
        s += length + (s[length] == '}');
    }
}

void sentence_own(Writer *writer, const Names *names, uint32_t pid, StringId name)
{
    char text[192];
    say_text(writer,
             process_names_own(names->processes, names->tasks, names->scenario, pid, name, text));
}

// ---- as text

typedef struct Piece {
    char *text;
    size_t used, size;
} Piece;

// What does not fit is dropped, and so is all behind it.
static bool piece_write(void *context, const char *bytes, size_t count)
{
    Piece *piece = context;
    size_t room = piece->size - 1 - piece->used;
    bool fits = count <= room;
    if (!fits)
        count = room;
    while (!fits && count > 0 && ((unsigned char)bytes[count] & 0xc0) == 0x80)
        count--; // inside a character
    memcpy(piece->text + piece->used, bytes, count);
    piece->used += count;
    return fits;
}

static void piece_open(Piece *piece, Writer *writer, char *text, size_t size)
{
    *piece = (Piece){text, 0, size};
    writer_open(writer, piece_write, piece);
}

static char *piece_end(Piece *piece, Writer *writer)
{
    writer_flush(writer);
    piece->text[piece->used] = 0;
    return piece->text;
}

char *narrate_sentence(const Names *names, const TraceRecord *record, char *text, size_t size)
{
    Writer writer;
    Piece piece;
    piece_open(&piece, &writer, text, size);
    sentence_say(&writer, names, record);
    return piece_end(&piece, &writer);
}

char *narrate_argument(const Names *names, ArgType type, uint64_t value, char *text, size_t size)
{
    Writer writer;
    Piece piece;
    piece_open(&piece, &writer, text, size);
    sentence_argument(&writer, names, type, value);
    return piece_end(&piece, &writer);
}

char *narrate_own(const Names *names, uint32_t pid, StringId name, char *text, size_t size)
{
    Writer writer;
    Piece piece;
    piece_open(&piece, &writer, text, size);
    sentence_own(&writer, names, pid, name);
    return piece_end(&piece, &writer);
}
