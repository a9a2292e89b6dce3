#include "sim/analysis/explain.h"

#include "sim/analysis/sentence.h"
#include "sim/analysis/table.h"

#include <stdlib.h>
#include <string.h>

enum { SEGMENTS_TOLD = 40, SHARES_TOLD = 20 };

// ---- names

// The serial of the coroutine that `name` means: "task_a #2", "task_a#2" or "#2"; 0: it is no such
// name.
static uint32_t coroutine_named(const char *name)
{
    const char *number = strrchr(name, '#');
    if (number == NULL || strspn(number + 1, "0123456789") != strlen(number + 1))
        return 0;
    unsigned long long serial = strtoull(number + 1, NULL, 10);
    return serial > UINT32_MAX ? 0 : (uint32_t)serial;
}

// The id of the task called `name`; 0, with a message that suggests another, when there is none.
static uint32_t find_task(const Recording *recording, const char *name, Diag *diag)
{
    const TaskTable *tasks = &recording->tasks;
    char text[96];
    ARRAY(const char *) names = {0};
    for (uint32_t id = 1; id <= tasks->id_max; id++) {
        if (task_table_at(tasks, id) == NULL)
            continue;
        if (strcmp(recording_task_name(recording, id, text), name) == 0) {
            ARRAY_FREE(&names);
            return id;
        }
        if (names.count < 1000)
            *ARRAY_PUSH(&names) = arena_format(&diag->arena, "%s", text);
    }
    const char *near = diag_nearest(name, names.at, names.count);
    if (near == NULL && names.count > 0)
        near = names.at[0];
    ARRAY_FREE(&names);
    if (near == NULL)
        diag_fail(diag, (SourceAt){0}, "no thread is called '%s': there is none", name);
    else
        diag_fail(diag, (SourceAt){0}, "no thread is called '%s'; one is called '%s'", name, near);
    return 0;
}

static void say_ns(Writer *writer, int64_t ns)
{
    char text[32];
    writer_text(writer, duration_text(ns, text));
}

static void say_lines(Writer *writer, const Why *why)
{
    for (uint32_t i = 0; i < why->count; i++) {
        writer_fill(writer, ' ', 2 + 2 * (int)why->lines[i].depth);
        writer_text(writer, why->lines[i].text);
        writer_char(writer, '\n');
    }
}

bool explain_why(Writer *writer, const Recording *recording, const Scene *scene, const char *name,
                 Diag *diag)
{
    uint32_t coroutine = coroutine_named(name);
    uint32_t task = coroutine != 0 ? 0 : find_task(recording, name, diag);
    if (task == 0 && coroutine == 0)
        return false;
    Why why = {0};
    writer_text(writer, "At ");
    say_ns(writer, scene->time_ns);
    writer_text(writer, ":\n");
    if (coroutine != 0)
        why_coroutine_now(&why, recording, scene, coroutine);
    else
        why_now(&why, recording, scene, task);
    say_lines(writer, &why);
    if (coroutine != 0 ? why_coroutine_so_long(&why, recording, scene, coroutine)
                       : why_so_long(&why, recording, scene, task)) {
        writer_text(writer, "\nThe whole wait:\n");
        say_lines(writer, &why);
    }
    why_free(&why);
    return true;
}

// ---- the critical path

// "running 12 ms (80.0 %), runnable 3 ms (20.0 %)".
static void say_states(Writer *writer, const int64_t by_state[TASK_STATE_COUNT], int64_t whole)
{
    bool first = true;
    for (int s = 0; s < TASK_STATE_COUNT; s++) {
        if (by_state[s] == 0)
            continue;
        writer_text(writer, first ? "" : ", ");
        writer_text(writer, task_state_word((unsigned)s));
        writer_char(writer, ' ');
        say_ns(writer, by_state[s]);
        if (whole > 0)
            writer_format(writer, " (%.1f %%)", 100.0 * (double)by_state[s] / (double)whole);
        first = false;
    }
    writer_char(writer, '\n');
}

static const char *name_in(Arena *arena, const Recording *recording, uint32_t task)
{
    char name[96];
    return arena_format(arena, "%s", recording_task_name(recording, task, name));
}

static void say_shares(Writer *writer, Arena *arena, const Recording *recording,
                       const CriticalPath *path)
{
    size_t count = path->shares.count;
    writer_text(writer, "\nBy thread:\n");
    for (size_t i = 0; i < count && i < SHARES_TOLD; i++) {
        const PathShare *share = &path->shares.at[i];
        writer_text(writer, "  ");
        writer_text(writer, critical_path_name(arena, recording, share->task, share->coroutine));
        writer_char(writer, ' ');
        say_ns(writer, share->ns);
        writer_text(writer, ": ");
        say_states(writer, share->by_state, 0);
    }
    if (count > SHARES_TOLD)
        writer_format(writer, "  and %zu more\n", count - SHARES_TOLD);
}

// How the path came to the segment: "woken by web-1"; "" when the thread went on.
static const char *link_text(Arena *arena, const Recording *recording, const PathSegment *segment)
{
    if (segment->link == PATH_SAME)
        return "";
    const TraceRecord *record = recording_at(recording, segment->record);
    if (segment->link == PATH_WOKEN)
        return arena_format(arena, "woken by %s", name_in(arena, recording, (uint32_t)record->a));
    if (segment->link == PATH_CREATED)
        return arena_format(arena, "created by %s",
                            name_in(arena, recording, created_by(record->b)));
    if (segment->link == PATH_HELD)
        return "waited for the GIL";
    if (segment->link == PATH_READY)
        return "made ready by the one before";
    if (segment->link == PATH_RESULT)
        return arena_format(arena, "result of %s", name_in(arena, recording, record->task));
    if (segment->link == PATH_INPUT)
        return arena_format(arena, "pipe used by %s", name_in(arena, recording, record->task));
    return arena_format(arena, "lock released by %s", name_in(arena, recording, record->task));
}

// The segments, the latest ones when there are many: a path is read from its end.
static void say_segments(Writer *writer, Arena *arena, const Recording *recording,
                         const CriticalPath *path)
{
    static const char *const heading[] = {"from", "to", "thread", "", "state"};
    enum { COLUMNS = sizeof heading / sizeof heading[0] };
    Table table = {.arena = arena, .columns = COLUMNS, .left = 1u << 2 | 1u << 3 | 1u << 4};
    size_t count = path->segments.count;
    size_t first = count > SEGMENTS_TOLD ? count - SEGMENTS_TOLD : 0;
    for (int i = 0; i < COLUMNS; i++)
        table_text(&table, heading[i]);
    for (size_t i = first; i < count; i++) {
        const PathSegment *segment = &path->segments.at[i];
        table_ns(&table, segment->from_ns);
        table_ns(&table, segment->to_ns);
        table_text(&table,
                   segment->link == PATH_SAME && i > first
                       ? ""
                       : critical_path_name(arena, recording, segment->task, segment->coroutine));
        table_text(&table, link_text(arena, recording, segment));
        table_text(&table, task_state_word(segment->state));
    }
    writer_char(writer, '\n');
    if (first > 0)
        writer_format(writer, "The last %d of %zu segments:\n", SEGMENTS_TOLD, count);
    table_print(&table, writer, false);
}

// From when it was made to when it has ended, or the run has; and how many records had happened.
static bool find_coroutine(const Recording *recording, uint32_t serial, int64_t *from, int64_t *to,
                           uint64_t *next)
{
    bool found = false;
    *next = recording->count;
    *to = recording->end_ns;
    for (uint64_t i = 0; i < recording->count; i++) {
        const TraceRecord *record = recording_at(recording, i);
        bool made = record->kind == EVENT_COROUTINE_CREATED;
        if ((!made && record->kind != EVENT_COROUTINE_DONE) ||
            coroutine_serial(record->a) != serial)
            continue;
        found = true;
        if (made) {
            *from = record->time_ns;
            continue;
        }
        *to = record->time_ns;
        *next = i + 1;
        break;
    }
    return found;
}

bool explain_path(Writer *writer, const Recording *recording, const char *span, Diag *diag)
{
    CriticalPath path;
    Arena arena = {0};
    uint32_t coroutine = span != NULL ? coroutine_named(span) : 0;
    if (span == NULL) {
        critical_path_of_run(&path, recording);
    } else if (coroutine != 0) {
        int64_t from = 0, to = 0;
        uint64_t next = 0;
        if (!find_coroutine(recording, coroutine, &from, &to, &next))
            return diag_fail(diag, (SourceAt){0}, "there is no coroutine '%s'", span);
        critical_path_of_coroutine(&path, recording, coroutine, next, from, to);
    } else {
        int64_t begin = critical_path_longest_span(recording, span);
        if (begin < 0)
            return diag_fail(diag, (SourceAt){0}, "no span called '%s' has ended", span);
        critical_path_of_span(&path, recording, (uint64_t)begin);
    }
    writer_text(writer, "Critical path of the ");
    writer_text(writer, span == NULL ? "run" : coroutine != 0 ? "coroutine " : "longest span ");
    writer_text(writer, span == NULL ? "" : span);
    writer_text(writer, ", ");
    say_ns(writer, path.to_ns - path.from_ns);
    writer_text(writer, ":\n  ");
    say_states(writer, path.by_state, path.to_ns - path.from_ns);
    say_shares(writer, &arena, recording, &path);
    say_segments(writer, &arena, recording, &path);
    critical_path_free(&path);
    arena_free(&arena);
    return true;
}
