// What the lists say, as tables: the rows of events.def and the words of vocabulary.h. Nothing here
// knows a kind or a word by name.
#include "sim/trace/record.h"

#include <stddef.h>

static const EventInfo EVENT_TABLE[EVENT_KIND_COUNT] = {
    [EVENT_NONE] = {"NONE", "none", {{ARG_NONE, ""}, {ARG_NONE, ""}}, "nothing"},
#define EVENT(id, name, a_type, a_name, b_type, b_name, sentence)                                  \
    [EVENT_##id] = {#id, name, {{ARG_##a_type, a_name}, {ARG_##b_type, b_name}}, sentence},
#include "sim/trace/events.def"
#undef EVENT
};

const EventInfo *event_info(unsigned kind)
{
    return &EVENT_TABLE[kind < EVENT_KIND_COUNT ? kind : EVENT_NONE];
}

static const char *word_at(const char *const *words, size_t count, unsigned index)
{
    return index < count ? words[index] : "?";
}

#define WORDS(table) table, sizeof table / sizeof *table

const char *switch_reason_word(unsigned reason)
{
#define X(id, word, sentence) word,
    static const char *const words[] = {SWITCH_REASONS(X)};
#undef X
    return word_at(WORDS(words), reason);
}

const char *switch_reason_sentence(unsigned reason)
{
#define X(id, word, sentence) sentence,
    static const char *const sentences[] = {SWITCH_REASONS(X)};
#undef X
    return word_at(WORDS(sentences), reason);
}

const char *syscall_name(unsigned id)
{
#define X(id, name) name,
    static const char *const names[] = {SYSCALLS(X)};
#undef X
    return word_at(WORDS(names), id);
}

const char *irq_name(unsigned id)
{
#define X(id, name) name,
    static const char *const names[] = {IRQS(X)};
#undef X
    return word_at(WORDS(names), id);
}

const char *migration_reason_text(unsigned reason)
{
#define X(id, word) word,
    static const char *const texts[] = {MIGRATION_REASONS(X)};
#undef X
    return word_at(WORDS(texts), reason);
}

const char *limit_name(unsigned id)
{
#define X(id, name, value, text) name,
    static const char *const names[] = {LIMITS(X)};
#undef X
    return word_at(WORDS(names), id);
}

const char *end_reason_text(unsigned reason)
{
#define X(id, word) word,
    static const char *const texts[] = {END_REASONS(X)};
#undef X
    return word_at(WORDS(texts), reason);
}

const char *sync_kind_word(unsigned kind)
{
#define X(id, word) word,
    static const char *const words[] = {SYNC_KINDS(X)};
#undef X
    return word_at(WORDS(words), kind);
}

const char *wait_end_text(unsigned end)
{
#define X(id, word) word,
    static const char *const texts[] = {WAIT_ENDS(X)};
#undef X
    return word_at(WORDS(texts), end);
}

const char *fault_word(unsigned kind)
{
#define X(id, word, cost, sentence) word,
    static const char *const words[] = {FAULT_KINDS(X)};
#undef X
    return word_at(WORDS(words), kind);
}

const char *fault_sentence(unsigned kind)
{
#define X(id, word, cost, sentence) sentence,
    static const char *const sentences[] = {FAULT_KINDS(X)};
#undef X
    return word_at(WORDS(sentences), kind);
}

const char *signal_name(unsigned id)
{
#define X(id, name, number, action) name,
    static const char *const names[] = {SIGNALS(X)};
#undef X
    return word_at(WORDS(names), id);
}

int signal_number(unsigned id)
{
#define X(id, name, number, action) number,
    static const int numbers[] = {SIGNALS(X)};
#undef X
    return id < SIGNAL_COUNT ? numbers[id] : 0;
}

const char *kill_reason_sentence(unsigned reason)
{
#define X(id, sentence) sentence,
    static const char *const sentences[] = {KILL_REASONS(X)};
#undef X
    return word_at(WORDS(sentences), reason);
}

const char *pipe_end_name(unsigned end)
{
#define X(id, name) name,
    static const char *const names[] = {PIPE_ENDS(X)};
#undef X
    return word_at(WORDS(names), end);
}

const char *callback_sentence(unsigned kind)
{
#define X(id, sentence) sentence,
    static const char *const sentences[] = {CALLBACK_KINDS(X)};
#undef X
    return word_at(WORDS(sentences), kind);
}

const char *uv_queue_name(unsigned queue)
{
#define X(id, name) name,
    static const char *const names[] = {UV_QUEUES(X)};
#undef X
    return word_at(WORDS(names), queue);
}

const char *file_sentence(unsigned kind)
{
#define X(id, sentence) sentence,
    static const char *const sentences[] = {FILE_KINDS(X)};
#undef X
    return word_at(WORDS(sentences), kind);
}

const char *exception_name(unsigned id)
{
#define X(id, name, python) name,
    static const char *const names[] = {"none", EXCEPTIONS(X)};
#undef X
    return id < sizeof names / sizeof *names ? names[id] : NULL;
}
