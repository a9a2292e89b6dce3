#include "tests/race_reference.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct Graph {
    const Scenario *scenario;
    TraceRecord nodes[REFERENCE_NODES_MAX];
    size_t count;
    uint8_t before[REFERENCE_NODES_MAX][REFERENCE_NODES_MAX / 8 + 1]; // before[j]: bit i
} Graph;

static bool is_access(const TraceRecord *r)
{
    return r->kind == EVENT_LOAD || r->kind == EVENT_STORE || r->kind == EVENT_ATOMIC_ADD ||
           r->kind == EVENT_SWAPPED || r->kind == EVENT_SWAP_FAILED;
}

static bool is_atomic(const Graph *graph, const TraceRecord *r)
{
    return (r->kind != EVENT_LOAD && r->kind != EVENT_STORE) ||
           graph->scenario->variables[access_variable(r->a) - 1].atomic;
}

static bool is_atomic_store(const Graph *graph, const TraceRecord *r)
{
    return r->kind == EVENT_STORE && is_atomic(graph, r);
}

static bool same_variable(const TraceRecord *x, const TraceRecord *y)
{
    return is_access(x) && is_access(y) && access_variable(x->a) == access_variable(y->a);
}

// Whether the atomic read j may have seen what the atomic write i left: no atomic store came
// between (an atomic change keeps up the chain).
static bool atomics_order(const Graph *graph, size_t i, size_t j)
{
    const TraceRecord *x = &graph->nodes[i], *y = &graph->nodes[j];
    bool writes = x->kind != EVENT_LOAD && x->kind != EVENT_SWAP_FAILED;
    if (!same_variable(x, y) || !is_atomic(graph, x) || !is_atomic(graph, y) || !writes ||
        y->kind == EVENT_STORE)
        return false;
    for (size_t k = i + 1; k < j; k++)
        if (same_variable(&graph->nodes[k], y) && is_atomic_store(graph, &graph->nodes[k]))
            return false;
    return true;
}

static bool is_arrival(const Graph *graph, const TraceRecord *r)
{
    return r->kind == EVENT_SYNC_LEVEL && r->b > 0 &&
           graph->scenario->syncs[r->a - 1].kind == SYNC_BARRIER;
}

// No round of that barrier ended between the two.
static bool same_round(const Graph *graph, size_t arrival, size_t opened)
{
    for (size_t k = arrival + 1; k < opened; k++)
        if (graph->nodes[k].kind == EVENT_BARRIER_OPENED &&
            graph->nodes[k].a == graph->nodes[opened].a)
            return false;
    return true;
}

// Whether the task of node j came to the barrier that node i opens.
static bool leaves_barrier(const Graph *graph, size_t i, size_t j)
{
    for (size_t k = 0; k < i; k++)
        if (is_arrival(graph, &graph->nodes[k]) && graph->nodes[k].a == graph->nodes[i].a &&
            graph->nodes[k].task == graph->nodes[j].task && same_round(graph, k, i))
            return true;
    return false;
}

static uint32_t def_of(const Graph *graph, uint32_t task)
{
    for (size_t k = 0; k < graph->count; k++)
        if (graph->nodes[k].kind == EVENT_TASK_CREATED && graph->nodes[k].task == task)
            return (uint32_t)graph->nodes[k].a;
    return 0;
}

// Whether node i, which comes first, orders node j behind itself, by itself.
static bool orders(const Graph *graph, size_t i, size_t j)
{
    const TraceRecord *x = &graph->nodes[i], *y = &graph->nodes[j];
    if (x->task == y->task)
        return true;
    bool same = x->a == y->a; // object
    switch ((EventKind)x->kind) {
    case EVENT_LOCK_RELEASED:
        return same && (y->kind == EVENT_LOCK_TAKEN || y->kind == EVENT_LOCK_READ);
    case EVENT_LOCK_READ_RELEASED:
        return same && y->kind == EVENT_LOCK_TAKEN;
    case EVENT_RELEASED:
        return same && y->kind == EVENT_ACQUIRED;
    case EVENT_EVENT_SET:
        return same && y->kind == EVENT_EVENT_PASSED;
    case EVENT_NOTIFIED:
        return same && x->b > 0 && y->kind == EVENT_SYNC_WAIT_OVER && y->b == WAIT_WOKEN &&
               graph->scenario->syncs[y->a - 1].kind == SYNC_CONDITION;
    case EVENT_QUEUE_PUT:
        return same && y->kind == EVENT_QUEUE_GOT;
    case EVENT_QUEUE_GOT:
        return same && y->kind == EVENT_QUEUE_PUT && graph->scenario->syncs[y->a - 1].parameter > 0;
    case EVENT_SYNC_LEVEL:
        return same && is_arrival(graph, x) && y->kind == EVENT_BARRIER_OPENED &&
               same_round(graph, i, j);
    case EVENT_BARRIER_OPENED:
        return leaves_barrier(graph, i, j);
    case EVENT_SPAWNED:
        return y->task == x->a;
    case EVENT_TASK_EXITED:
        return y->kind == EVENT_JOINED && y->a == def_of(graph, x->task);
    default:
        return atomics_order(graph, i, j);
    }
}

// Whether a record is a node: all that accesses or orders.
static bool is_node(const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED:
    case EVENT_TASK_EXITED:
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_RELEASED:
    case EVENT_LOCK_READ:
    case EVENT_LOCK_READ_RELEASED:
    case EVENT_ACQUIRED:
    case EVENT_RELEASED:
    case EVENT_NOTIFIED:
    case EVENT_SYNC_WAIT_OVER:
    case EVENT_SYNC_LEVEL:
    case EVENT_BARRIER_OPENED:
    case EVENT_EVENT_SET:
    case EVENT_EVENT_PASSED:
    case EVENT_QUEUE_PUT:
    case EVENT_QUEUE_GOT:
    case EVENT_SPAWNED:
    case EVENT_JOINED:
        return true;
    default:
        return is_access(record);
    }
}

static bool happened_before(const Graph *graph, size_t i, size_t j)
{
    return graph->before[j][i / 8] >> (i % 8) & 1;
}

static void close_over(Graph *graph)
{
    for (size_t j = 0; j < graph->count; j++) {
        memset(graph->before[j], 0, sizeof graph->before[j]);
        for (size_t i = j; i-- > 0;) {
            if (happened_before(graph, i, j) || !orders(graph, i, j))
                continue;
            for (size_t b = 0; b <= i / 8; b++)
                graph->before[j][b] |= graph->before[i][b];
            graph->before[j][i / 8] |= (uint8_t)(1 << (i % 8));
        }
    }
}

static int compare_pairs(const void *a, const void *b)
{
    const RacePair *x = a, *y = b;
    return x->low != y->low ? (x->low > y->low) - (x->low < y->low)
                            : (x->high > y->high) - (x->high < y->high);
}

bool race_reference(const Scenario *scenario, const TraceRecord *records, size_t count,
                    RacePair pairs[REFERENCE_PAIRS_MAX], size_t *pair_count)
{
    static Graph graph;
    graph.scenario = scenario;
    graph.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_node(&records[i]))
            continue;
        if (graph.count == REFERENCE_NODES_MAX)
            return false;
        graph.nodes[graph.count++] = records[i];
    }
    close_over(&graph);
    *pair_count = 0;
    for (size_t j = 0; j < graph.count; j++) {
        for (size_t i = 0; i < j; i++) {
            const TraceRecord *x = &graph.nodes[i], *y = &graph.nodes[j];
            if (!same_variable(x, y) || x->task == y->task || happened_before(&graph, i, j))
                continue;
            bool plain_write = (x->kind == EVENT_STORE && !is_atomic(&graph, x)) ||
                               (y->kind == EVENT_STORE && !is_atomic(&graph, y));
            uint32_t a = access_op(x->a), b = access_op(y->a);
            RacePair pair = {a < b ? a : b, a < b ? b : a};
            bool known = !plain_write;
            for (size_t k = 0; k < *pair_count && !known; k++)
                known = compare_pairs(&pairs[k], &pair) == 0;
            if (known)
                continue;
            CHECK(*pair_count < REFERENCE_PAIRS_MAX);
            pairs[(*pair_count)++] = pair;
        }
    }
    qsort(pairs, *pair_count, sizeof *pairs, compare_pairs);
    return true;
}
