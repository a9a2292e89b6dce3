#include "sim/analysis/deadlocks.h"

#include <string.h>

enum { TOLD_MAX = 12 };

const char *deadlock_cause_word(DeadlockCause cause)
{
#define X(id, word) word,
    static const char *const words[] = {DEADLOCK_CAUSES(X)};
#undef X
    return (unsigned)cause < DEADLOCK_CAUSE_COUNT ? words[cause] : "?";
}

static const DeadlockMetrics *member_at(const Metrics *metrics, size_t index)
{
    return &metrics->deadlocks.at[index];
}

// Circles are traced from member to holder, one after the other: how many members from `first` on
// are one; 0 when they are none.
static size_t circle_length(const Metrics *metrics, size_t first)
{
    uint32_t begin = member_at(metrics, first)->task;
    for (size_t i = first; i < metrics->deadlocks.count; i++) {
        uint32_t holder = member_at(metrics, i)->holder;
        if (holder == begin)
            return i - first + 1;
        if (holder == 0 || i + 1 == metrics->deadlocks.count ||
            holder != member_at(metrics, i + 1)->task)
            break;
    }
    return 0;
}

// What a member joins: the entry's name; NULL when it is not in a join, or the trace does not say.
static const char *joined_name(const Metrics *metrics, const DeadlockMetrics *member)
{
    const Scenario *scenario = metrics->scenario;
    bool known = member->sync == 0 && member->op > 0 && member->op < scenario->op_count;
    const Op *op = known ? &scenario->ops[member->op] : NULL;
    if (op == NULL || op->code != OP_JOIN || op->arg[0] == 0 || op->arg[0] > scenario->thread_count)
        return NULL;
    return scenario_string(scenario, scenario->threads[op->arg[0] - 1].name);
}

// Whether it waits for a copy of what a thread held that is not in its process: only that one could
// release it, and it never will, since what it has itself is another.
static bool waits_for_copy(const Metrics *metrics, const DeadlockMetrics *member, uint32_t holder)
{
    Instance object = member->number == 0 ? (Instance){0}
                                          : instances_sync_at(&metrics->instances, member->number);
    return object.pid != 0 && object.pid != instances_pid(&metrics->instances, holder);
}

// Of a member of no circle.
static DeadlockCause cause_apart(const Metrics *metrics, const DeadlockMetrics *member)
{
    uint32_t op, holder = metrics_holder(metrics, member, &op);
    const ThreadMetrics *thread = metrics_thread(metrics, holder);
    if (holder == 0)
        return joined_name(metrics, member) != NULL ? DEADLOCK_STUCK : DEADLOCK_NOBODY;
    if (holder == member->task)
        return DEADLOCK_ITSELF;
    if (waits_for_copy(metrics, member, holder))
        return DEADLOCK_FORKED;
    return thread != NULL && thread->end_ns >= 0 ? DEADLOCK_ENDED : DEADLOCK_STUCK;
}

DeadlockGroup deadlock_group(const Metrics *metrics, size_t first)
{
    size_t length = circle_length(metrics, first);
    if (length > 0)
        return (DeadlockGroup){length == 1 ? DEADLOCK_ITSELF : DEADLOCK_CIRCLE, first, length};
    DeadlockGroup group = {cause_apart(metrics, member_at(metrics, first)), first, 1};
    for (size_t i = first + 1; i < metrics->deadlocks.count; i++, group.count++)
        if (circle_length(metrics, i) > 0 ||
            cause_apart(metrics, member_at(metrics, i)) != group.cause)
            break;
    return group;
}

static const char *name_of(const Metrics *metrics, uint32_t task, Arena *arena)
{
    char name[96];
    return arena_format(arena, "%s",
                        task_table_name(&metrics->threads, metrics->scenario, task, name));
}

const char *deadlock_group_text(const Metrics *metrics, DeadlockGroup group, Arena *arena)
{
    size_t count = group.count;
    const char *who = count == 1 ? name_of(metrics, member_at(metrics, group.first)->task, arena)
                                 : arena_format(arena, "%zu threads", count);
    const char *waits = count == 1 ? "waits" : "wait";
    switch (group.cause) {
    case DEADLOCK_CIRCLE:
        return arena_format(arena, "%s %s for each other in a circle", who, waits);
    case DEADLOCK_ITSELF:
        return arena_format(arena, "%s waits for itself", who);
    case DEADLOCK_ENDED:
        return arena_format(arena, "%s %s for something whose holder has ended", who, waits);
    case DEADLOCK_FORKED:
        return arena_format(arena, "%s %s for what another process's thread held at the fork", who,
                            waits);
    case DEADLOCK_STUCK:
        return arena_format(arena, "%s %s for others who never go on", who, waits);
    default:
        return arena_format(arena, "%s %s, and nobody is left to wake %s", who, waits,
                            count == 1 ? "it" : "them");
    }
}

// " (scenario.yaml:12)", "" when the operation has no line.
static const char *place_text(const Metrics *metrics, uint32_t op, Arena *arena)
{
    const Scenario *scenario = metrics->scenario;
    const char *slash = strrchr(scenario->path, '/'), *file = slash ? slash + 1 : scenario->path;
    if (op == 0 || op >= scenario->op_count || scenario->op_at[op].line == 0)
        return "";
    return arena_format(arena, " (%s:%u)", file, scenario->op_at[op].line);
}

// By an operation that is no wait for an object or for a thread that the trace names.
static const char *other_wait(const Scenario *scenario, const DeadlockMetrics *member, Arena *arena)
{
    bool known = member->op > 0 && member->op < scenario->op_count;
    const OpInfo *info = known ? op_info(scenario->ops[member->op].code) : NULL;
    return info == NULL ? "waits" : arena_format(arena, "waits in `%s`", info->name);
}

static const char *held_text(const Metrics *metrics, const DeadlockMetrics *member,
                             DeadlockCause cause, Arena *arena)
{
    uint32_t op, holder = metrics_holder(metrics, member, &op);
    const char *name = name_of(metrics, holder, arena), *place = place_text(metrics, op, arena);
    if (cause == DEADLOCK_ITSELF)
        return arena_format(arena, ", which it holds itself%s", place);
    if (cause == DEADLOCK_FORKED)
        return arena_format(arena, ", which %s held at the fork%s", name, place);
    if (cause == DEADLOCK_ENDED)
        return arena_format(arena, ", which %s held when it ended%s", name, place);
    if (holder == 0)
        return ", and nobody is left to wake it";
    return arena_format(arena, ", which %s holds%s", name, place);
}

const char *deadlock_member_text(const Metrics *metrics, size_t index, DeadlockCause cause,
                                 Arena *arena)
{
    const Scenario *scenario = metrics->scenario;
    const DeadlockMetrics *member = member_at(metrics, index);
    const char *who = name_of(metrics, member->task, arena);
    const char *place = place_text(metrics, member->op, arena);
    if (member->sync > 0 && member->sync <= scenario->sync_count) {
        const SyncDef *sync = &scenario->syncs[member->sync - 1];
        return arena_format(arena, "%s waits for %s %s%s%s", who, sync_kind_word(sync->kind),
                            scenario_string(scenario, sync->name), place,
                            held_text(metrics, member, cause, arena));
    }
    const char *whom = cause == DEADLOCK_ITSELF ? "itself"
                       : member->holder != 0    ? name_of(metrics, member->holder, arena)
                                                : joined_name(metrics, member);
    if (whom != NULL)
        return arena_format(arena, "%s waits for %s to end%s", who, whom, place);
    return arena_format(arena, "%s %s%s, and nobody is left to wake it", who,
                        other_wait(scenario, member, arena), place);
}

const char *deadlocks_text(const Metrics *metrics, Arena *arena)
{
    const char *text = "";
    size_t count = metrics->deadlocks.count;
    for (size_t i = 0; i < count && i < TOLD_MAX;) {
        DeadlockGroup group = deadlock_group(metrics, i);
        // What is to be said of one thread, its own sentence says.
        text = arena_format(arena, "%s%s%s%s", text, i > 0 ? "; " : "",
                            group.count > 1 ? deadlock_group_text(metrics, group, arena) : "",
                            group.count > 1 ? ": " : "");
        for (size_t k = 0; k < group.count && i < TOLD_MAX; k++, i++)
            text = arena_format(arena, "%s%s%s", text, k > 0 ? "; " : "",
                                deadlock_member_text(metrics, i, group.cause, arena));
    }
    if (count > TOLD_MAX)
        text = arena_format(arena, "%s; and %zu more", text, count - TOLD_MAX);
    return text;
}
