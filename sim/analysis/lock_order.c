#include "sim/analysis/lock_order.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { TASKS_MAX = 1 << 24 }; // of a trace; whoever comes later is not looked at

void lock_order_open(LockOrder *order, const Scenario *scenario)
{
    *order = (LockOrder){.scenario = scenario};
    order->first_edge = calloc(scenario->sync_count + 1, sizeof *order->first_edge);
    CHECKF(order->first_edge != NULL, "out of memory for %u locks", scenario->sync_count);
}

void lock_order_free(LockOrder *order)
{
    free(order->first_edge);
    ARRAY_FREE(&order->edges);
    ARRAY_FREE(&order->held);
    ARRAY_FREE(&order->held_first);
    ARRAY_FREE(&order->circle_edges);
    ARRAY_FREE(&order->circles);
}

// ---- what a task has

static uint32_t *held_of(LockOrder *order, uint32_t task)
{
    while (order->held_first.count <= task)
        *ARRAY_PUSH(&order->held_first) = 0;
    return &order->held_first.at[task];
}

static uint64_t bit_of(uint32_t sync)
{
    return sync > 64 ? 0 : (uint64_t)1 << (sync - 1);
}

static void note_order(LockOrder *order, const LockHeld *from, uint32_t to, uint32_t op,
                       uint64_t gate)
{
    for (uint32_t i = order->first_edge[from->sync]; i != 0; i = order->edges.at[i - 1].next) {
        LockEdge *edge = &order->edges.at[i - 1];
        if (edge->to != to)
            continue;
        edge->others = edge->others || edge->task != from->task;
        edge->gate &= gate;
        return;
    }
    *ARRAY_PUSH(&order->edges) = (LockEdge){.from = from->sync,
                                            .to = to,
                                            .task = from->task,
                                            .from_op = from->op,
                                            .to_op = op,
                                            .gate = gate,
                                            .next = order->first_edge[from->sync]};
    order->first_edge[from->sync] = (uint32_t)order->edges.count;
}

static void taken(LockOrder *order, uint32_t task, uint32_t sync, uint32_t op)
{
    uint32_t *first = held_of(order, task);
    uint64_t held = 0;
    for (uint32_t i = *first; i != 0; i = order->held.at[i - 1].next)
        held |= bit_of(order->held.at[i - 1].sync);
    for (uint32_t i = *first; i != 0; i = order->held.at[i - 1].next) {
        LockHeld from = order->held.at[i - 1];
        if (from.sync != sync)
            note_order(order, &from, sync, op, held & ~bit_of(from.sync) & ~bit_of(sync));
    }
    uint32_t index1 = order->held_free;
    if (index1 != 0) {
        order->held_free = order->held.at[index1 - 1].next;
    } else {
        ARRAY_EXTEND(&order->held);
        index1 = (uint32_t)order->held.count;
    }
    order->held.at[index1 - 1] = (LockHeld){task, sync, op, *first};
    *first = index1;
}

static void released(LockOrder *order, uint32_t task, uint32_t sync)
{
    uint32_t *link = held_of(order, task);
    while (*link != 0 && order->held.at[*link - 1].sync != sync)
        link = &order->held.at[*link - 1].next;
    if (*link == 0)
        return;
    uint32_t index1 = *link;
    *link = order->held.at[index1 - 1].next;
    order->held.at[index1 - 1].next = order->held_free;
    order->held_free = index1;
}

void lock_order_add(LockOrder *order, const TraceRecord *record)
{
    if (record->task >= TASKS_MAX || record->a == 0 || record->a > order->scenario->sync_count)
        return;
    if (record->kind == EVENT_LOCK_TAKEN || record->kind == EVENT_LOCK_READ)
        taken(order, record->task, (uint32_t)record->a, (uint32_t)record->b);
    else if (record->kind == EVENT_LOCK_RELEASED || record->kind == EVENT_LOCK_READ_RELEASED)
        released(order, record->task, (uint32_t)record->a);
}

// ---- circles

// Breadth first from the edge's end back to its beginning: `by[sync]` is the edge (index1) by which
// a lock was first reached. True when there is a way.
static bool find_way_back(const LockOrder *order, const LockEdge *edge, uint32_t *by,
                          uint32_t *queue)
{
    uint32_t head = 0, tail = 0;
    memset(by, 0, (order->scenario->sync_count + 1) * sizeof *by);
    queue[tail++] = edge->to;
    while (head < tail) {
        uint32_t sync = queue[head++];
        for (uint32_t i = order->first_edge[sync]; i != 0; i = order->edges.at[i - 1].next) {
            uint32_t to = order->edges.at[i - 1].to;
            if (by[to] != 0 || to == edge->to)
                continue;
            by[to] = i;
            if (to == edge->from)
                return true;
            queue[tail++] = to;
        }
    }
    return false;
}

static bool can_deadlock(const LockOrder *order, LockCircle circle)
{
    uint64_t gate = UINT64_MAX, on_it = 0;
    bool several = false;
    uint32_t task = order->edges.at[order->circle_edges.at[circle.first]].task;
    for (uint32_t i = 0; i < circle.count; i++) {
        const LockEdge *edge = &order->edges.at[order->circle_edges.at[circle.first + i]];
        gate &= edge->gate;
        on_it |= bit_of(edge->from);
        several = several || edge->others || edge->task != task;
    }
    return several && (gate & ~on_it) == 0;
}

static bool is_known(const LockOrder *order, uint32_t edge)
{
    for (size_t i = 0; i < order->circle_edges.count; i++)
        if (order->circle_edges.at[i] == edge)
            return true;
    return false;
}

void lock_order_finish(LockOrder *order)
{
    size_t room = order->scenario->sync_count + 1;
    uint32_t *by = calloc(room, sizeof *by), *queue = calloc(room, sizeof *queue);
    CHECKF(by != NULL && queue != NULL, "out of memory for %zu locks", room);
    for (uint32_t e = 0; e < order->edges.count && order->circles.count < LOCK_CIRCLES_MAX; e++) {
        const LockEdge *edge = &order->edges.at[e];
        if (is_known(order, e) || !find_way_back(order, edge, by, queue))
            continue;
        // The way is found from its end: written backwards, then turned round.
        LockCircle circle = {(uint32_t)order->circle_edges.count, 1};
        *ARRAY_PUSH(&order->circle_edges) = e;
        for (uint32_t at = edge->from; at != edge->to; circle.count++) {
            *ARRAY_PUSH(&order->circle_edges) = by[at] - 1;
            at = order->edges.at[by[at] - 1].from;
        }
        uint32_t *way = &order->circle_edges.at[circle.first];
        for (uint32_t i = 1, j = circle.count - 1; i < j; i++, j--) {
            uint32_t kept = way[i];
            way[i] = way[j];
            way[j] = kept;
        }
        if (can_deadlock(order, circle))
            *ARRAY_PUSH(&order->circles) = circle;
        else
            order->circle_edges.count = circle.first;
    }
    free(by);
    free(queue);
}
