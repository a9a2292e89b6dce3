#include "sim/analysis/lock_order.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { TASKS_MAX = 1 << 24 }; // of a trace; whoever comes later is not looked at

void lock_order_open(LockOrder *order, const Instances *instances)
{
    *order = (LockOrder){.instances = instances};
}

void lock_order_free(LockOrder *order)
{
    ARRAY_FREE(&order->first_edge);
    ARRAY_FREE(&order->edges);
    ARRAY_FREE(&order->gates);
    ARRAY_FREE(&order->open_gates);
    ARRAY_FREE(&order->written);
    ARRAY_FREE(&order->children);
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

static uint32_t *first_edge_of(LockOrder *order, uint32_t sync)
{
    while (order->first_edge.count <= sync)
        *ARRAY_PUSH(&order->first_edge) = 0;
    return &order->first_edge.at[sync];
}

// Alone, or as one of those whom a semaphore has let in.
static bool holds(const LockOrder *order, uint32_t task, uint32_t sync)
{
    uint32_t i = order->held_first.at[task];
    while (i != 0 && (order->held.at[i - 1].sync != sync || order->held.at[i - 1].reads))
        i = order->held.at[i - 1].next;
    return i != 0;
}

// What else the task has when it takes `to` while it has `from`.
static void set_gates(LockOrder *order, LockEdge *edge)
{
    edge->gates = (uint32_t)order->gates.count;
    for (uint32_t i = *held_of(order, edge->task); i != 0; i = order->held.at[i - 1].next) {
        uint32_t sync = order->held.at[i - 1].sync;
        if (sync == edge->from || sync == edge->to || order->held.at[i - 1].reads)
            continue;
        *ARRAY_PUSH(&order->gates) = sync;
        edge->gate_count++;
    }
}

// The order is taken once more, by `task`: only what it has as well stays a gate.
static void keep_gates(LockOrder *order, LockEdge *edge, uint32_t task)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < edge->gate_count; i++) {
        uint32_t sync = order->gates.at[edge->gates + i];
        if (holds(order, task, sync))
            order->gates.at[edge->gates + kept++] = sync;
    }
    edge->gate_count = kept;
}

static void note_order(LockOrder *order, const LockHeld *from, const LockHeld *taken)
{
    uint32_t to = taken->sync;
    uint32_t *first = first_edge_of(order, from->sync);
    for (uint32_t i = *first; i != 0; i = order->edges.at[i - 1].next) {
        LockEdge *edge = &order->edges.at[i - 1];
        if (edge->to != to)
            continue;
        edge->others = edge->others || edge->task != from->task;
        edge->from_reads = edge->from_reads && from->reads;
        edge->to_reads = edge->to_reads && taken->reads;
        edge->last = order->sequence;
        keep_gates(order, edge, from->task);
        return;
    }
    LockEdge edge = {.from = from->sync,
                     .to = to,
                     .task = from->task,
                     .from_reads = from->reads,
                     .to_reads = taken->reads,
                     .last = order->sequence,
                     .from_op = from->op,
                     .to_op = taken->op,
                     .next = *first};
    set_gates(order, &edge);
    *ARRAY_PUSH(&order->edges) = edge;
    *first = (uint32_t)order->edges.count;
}

static void taken(LockOrder *order, LockHeld held)
{
    uint32_t *first = held_of(order, held.task);
    for (uint32_t i = *first; i != 0 && !held.gate; i = order->held.at[i - 1].next) {
        LockHeld from = order->held.at[i - 1];
        if (from.sync != held.sync && !from.gate)
            note_order(order, &from, &held);
    }
    held.next = *first;
    uint32_t index1 = order->held_free;
    if (index1 != 0) {
        order->held_free = order->held.at[index1 - 1].next;
    } else {
        ARRAY_EXTEND(&order->held);
        index1 = (uint32_t)order->held.count;
    }
    order->held.at[index1 - 1] = held;
    *first = index1;
}

// Returns whether the task had it.
static bool released(LockOrder *order, uint32_t task, uint32_t sync)
{
    uint32_t *link = held_of(order, task);
    while (*link != 0 && order->held.at[*link - 1].sync != sync)
        link = &order->held.at[*link - 1].next;
    if (*link == 0)
        return false;
    uint32_t index1 = *link;
    *link = order->held.at[index1 - 1].next;
    order->held.at[index1 - 1].next = order->held_free;
    order->held_free = index1;
    return true;
}

// Whoever lets others in without having come in makes it no gate.
static void open_gate(LockOrder *order, uint32_t sync)
{
    while (order->open_gates.count <= sync)
        *ARRAY_PUSH(&order->open_gates) = false;
    order->open_gates.at[sync] = true;
}

static void write_taken(LockOrder *order, uint32_t sync)
{
    while (order->written.count <= sync)
        *ARRAY_PUSH(&order->written) = false;
    order->written.at[sync] = true;
}

void lock_order_made(LockOrder *order, uint32_t task, uint32_t maker)
{
    if (task >= TASKS_MAX || order->edges.count == 0)
        return;
    while (order->children.count <= task)
        ARRAY_EXTEND(&order->children);
    order->children.at[task] = (LockChild){maker, ++order->sequence};
}

void lock_order_add(LockOrder *order, const TraceRecord *record, uint32_t number)
{
    if (record->task >= TASKS_MAX)
        return;
    order->sequence++;
    if (record->kind == EVENT_LOCK_TAKEN)
        write_taken(order, number);
    switch ((EventKind)record->kind) {
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_READ:
    case EVENT_ACQUIRED:
        taken(order, (LockHeld){.task = record->task,
                                .sync = number,
                                .op = (uint32_t)record->b,
                                .gate = record->kind == EVENT_ACQUIRED,
                                .reads = record->kind == EVENT_LOCK_READ});
        break;
    case EVENT_LOCK_RELEASED:
        if (released_holder(record) < TASKS_MAX)
            released(order, released_holder(record), number);
        break;
    case EVENT_LOCK_READ_RELEASED:
        released(order, record->task, number);
        break;
    case EVENT_RELEASED:
        if (!released(order, record->task, number))
            open_gate(order, number);
        break;
    default:
        break;
    }
}

// ---- circles

// Breadth first from the edge's end back to its beginning: `by[sync]` is the edge (index1) by which
// a lock was first reached. True when there is a way.
static bool find_way_back(const LockOrder *order, const LockEdge *edge, uint32_t *by,
                          uint32_t *queue)
{
    uint32_t head = 0, tail = 0;
    memset(by, 0, (instances_sync_count(order->instances) + 1) * sizeof *by);
    queue[tail++] = edge->to;
    while (head < tail) {
        uint32_t sync = queue[head++];
        uint32_t first = sync < order->first_edge.count ? order->first_edge.at[sync] : 0;
        for (uint32_t i = first; i != 0; i = order->edges.at[i - 1].next) {
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

static const LockEdge *edge_of(const LockOrder *order, LockCircle circle, uint32_t index)
{
    return &order->edges.at[order->circle_edges.at[circle.first + index]];
}

static bool has_gate(const LockOrder *order, const LockEdge *edge, uint32_t sync)
{
    for (uint32_t i = 0; i < edge->gate_count; i++)
        if (order->gates.at[edge->gates + i] == sync)
            return true;
    return false;
}

// Whether this lock or semaphore, held at every step, keeps the circle from closing: it does not
// let as many in at once as there are steps.
static bool keeps_apart(const LockOrder *order, LockCircle circle, uint32_t sync)
{
    const SyncDef *def =
        &order->instances->scenario->syncs[instances_sync_at(order->instances, sync).id - 1];
    if (def->kind == SYNC_SEMAPHORE &&
        (def->parameter >= circle.count ||
         (sync < order->open_gates.count && order->open_gates.at[sync])))
        return false;
    for (uint32_t i = 0; i < circle.count; i++)
        if (edge_of(order, circle, i)->from == sync ||
            !has_gate(order, edge_of(order, circle, i), sync))
            return false;
    return true;
}

// Whether nobody waits where one edge takes the lock that the next one holds: readers let each
// other in, unless a writer that waits goes first.
static bool only_reads(const LockOrder *order, const LockEdge *edge, const LockEdge *next)
{
    uint32_t sync = edge->to;
    const SyncDef *def =
        &order->instances->scenario->syncs[instances_sync_at(order->instances, sync).id - 1];
    bool written = sync < order->written.count && order->written.at[sync];
    return edge->to_reads && next->from_reads && !(def->prefer_writers && written);
}

// Whether whoever takes the second order was made when the first had been taken for the last time,
// by the task that had taken it or by those whom it has made.
static bool comes_before(const LockOrder *order, const LockEdge *first, const LockEdge *second)
{
    if (first->others || second->others)
        return false;
    for (uint32_t task = second->task; task != 0 && task < order->children.count;) {
        LockChild child = order->children.at[task];
        if (child.maker == first->task)
            return child.sequence > first->last;
        if (child.maker >= task) // tasks are numbered as they are made
            break;
        task = child.maker;
    }
    return false;
}

static bool can_deadlock(const LockOrder *order, LockCircle circle)
{
    const LockEdge *first = edge_of(order, circle, 0);
    bool several = false;
    for (uint32_t i = 0; i < circle.count; i++) {
        const LockEdge *edge = edge_of(order, circle, i);
        if (only_reads(order, edge, edge_of(order, circle, (i + 1) % circle.count)))
            return false;
        for (uint32_t k = 0; k < circle.count; k++)
            if (comes_before(order, edge, edge_of(order, circle, k)))
                return false;
        several = several || edge->others || edge->task != first->task;
    }
    for (uint32_t i = 0; i < first->gate_count && several; i++)
        several = !keeps_apart(order, circle, order->gates.at[first->gates + i]);
    return several;
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
    size_t room = instances_sync_count(order->instances) + 1;
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
    // From here on for readers, who know objects by the scenario's ids.
    for (size_t i = 0; i < order->edges.count; i++) {
        order->edges.at[i].from = instances_sync_at(order->instances, order->edges.at[i].from).id;
        order->edges.at[i].to = instances_sync_at(order->instances, order->edges.at[i].to).id;
    }
}
