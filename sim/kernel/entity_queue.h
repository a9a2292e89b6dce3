// The tasks queued on a fair run queue, and the one question that EEVDF asks of them: among those
// with vruntime <= V, which has the earliest deadline? Short queues are scanned, which beats any
// tree up to a few dozen; long ones are kept in two heaps.
//
// The two heaps: `at` holds those last seen ineligible, by vruntime; `eligible` the others, by
// deadline. V moves both ways, so each question first moves what has become eligible over, and
// moves back from the top what no longer is. What then tops `eligible` is the answer.
#pragma once
#include "sim/base/array.h"
#include "sim/base/wide.h"
#include "sim/kernel/task.h"

typedef struct Entity {
    int64_t vruntime, deadline;
    uint32_t sequence; // order of insertion: the earlier wins among equal deadlines
    TaskId task;
} Entity;

// Where each task's entity is, by TaskId: apart from the tasks, because a heap moves many entities
// and the tasks of a large machine do not fit into its caches.
typedef struct EntityPositions {
    ARRAY(uint32_t) at;
} EntityPositions;

typedef struct EntityQueue {
    ARRAY(Entity) at;
    ARRAY(Entity) eligible;     // empty while the queue is short
    EntityPositions *positions; // shared by all queues of a machine; set before use
    bool heaps;
    uint32_t sequence;
    uint32_t custom_slices; // entities with a slice of their own
    uint64_t weight;        // sum
    Int128 weighted;        // sum of weight * vruntime
} EntityQueue;

void entity_queue_free(EntityQueue *queue);
// Takes vruntime, deadline and weight from the task's fair entity.
void entity_queue_insert(EntityQueue *queue, Task *task);
void entity_queue_remove(EntityQueue *queue, Task *task);
// The entity with the earliest deadline among those with vruntime <= limit; NULL when there is
// none.
const Entity *entity_queue_best(EntityQueue *queue, int64_t limit);

static inline uint32_t entity_queue_count(const EntityQueue *queue)
{
    return (uint32_t)(queue->at.count + queue->eligible.count);
}

static inline const Entity *entity_queue_item(const EntityQueue *queue, uint32_t index)
{
    return index < queue->at.count ? &queue->at.at[index]
                                   : &queue->eligible.at[index - queue->at.count];
}
