#include "sim/kernel/entity_queue.h"

#include "sim/base/check.h"

enum {
    HEAPS_ABOVE = 128, // entities: from here on two heaps
    SCAN_BELOW = 64,   // and back to scanning here
    IN_ELIGIBLE = (int)0x80000000
};

typedef enum HeapOrder { BY_VRUNTIME, BY_DEADLINE } HeapOrder;

static bool earlier_deadline(const Entity *a, const Entity *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline
                                      : (int32_t)(a->sequence - b->sequence) < 0;
}

static bool before(const Entity *a, const Entity *b, HeapOrder order)
{
    if (order == BY_DEADLINE)
        return earlier_deadline(a, b);
    return a->vruntime != b->vruntime ? a->vruntime < b->vruntime
                                      : (int32_t)(a->sequence - b->sequence) < 0;
}

// ---- one heap: items[0..count), 2-ary, in `order`; every move is noted in the positions

typedef struct Heap {
    Entity *items;
    uint32_t *positions; // by TaskId.index1
    HeapOrder order;
} Heap;

static void put(Heap heap, size_t index, Entity entity)
{
    heap.items[index] = entity;
    heap.positions[entity.task.index1] =
        (uint32_t)index | (heap.order == BY_DEADLINE ? (uint32_t)IN_ELIGIBLE : 0);
}

static void sift_up(Heap heap, size_t hole, Entity entity)
{
    while (hole > 0 && before(&entity, &heap.items[(hole - 1) / 2], heap.order)) {
        put(heap, hole, heap.items[(hole - 1) / 2]);
        hole = (hole - 1) / 2;
    }
    put(heap, hole, entity);
}

static void sift_down(Heap heap, size_t count, size_t hole, Entity entity)
{
    const Entity *items = heap.items;
    for (;;) {
        size_t child = hole * 2 + 1;
        if (child >= count)
            break;
        if (child + 1 < count && before(&items[child + 1], &items[child], heap.order))
            child++;
        if (!before(&items[child], &entity, heap.order))
            break;
        put(heap, hole, items[child]);
        hole = child;
    }
    put(heap, hole, entity);
}

static Heap heap_of(EntityQueue *queue, HeapOrder order)
{
    return (Heap){order == BY_DEADLINE ? queue->eligible.at : queue->at.at, queue->positions->at.at,
                  order};
}

static void heap_push(EntityQueue *queue, HeapOrder order, Entity entity)
{
    if (order == BY_DEADLINE) {
        ARRAY_EXTEND(&queue->eligible);
        sift_up(heap_of(queue, order), queue->eligible.count - 1, entity);
    } else {
        ARRAY_EXTEND(&queue->at);
        sift_up(heap_of(queue, order), queue->at.count - 1, entity);
    }
}

static Entity heap_remove(EntityQueue *queue, HeapOrder order, size_t index)
{
    Heap heap = heap_of(queue, order);
    size_t count = order == BY_DEADLINE ? --queue->eligible.count : --queue->at.count;
    Entity removed = heap.items[index], last = heap.items[count];
    if (index < count) {
        if (index > 0 && before(&last, &heap.items[(index - 1) / 2], order))
            sift_up(heap, index, last);
        else
            sift_down(heap, count, index, last);
    }
    return removed;
}

// ---- changing between the two shapes

static void build_heaps(EntityQueue *queue)
{
    queue->heaps = true;
    for (size_t i = 1; i < queue->at.count; i++)
        sift_up(heap_of(queue, BY_VRUNTIME), i, queue->at.at[i]);
}

static void flatten(EntityQueue *queue)
{
    queue->heaps = false;
    while (queue->eligible.count > 0) {
        Entity entity = ARRAY_POP(&queue->eligible);
        ARRAY_EXTEND(&queue->at);
        put(heap_of(queue, BY_VRUNTIME), queue->at.count - 1, entity);
    }
}

// ---- the queue

void entity_queue_free(EntityQueue *queue)
{
    ARRAY_FREE(&queue->at);
    ARRAY_FREE(&queue->eligible);
}

void entity_queue_insert(EntityQueue *queue, Task *task)
{
    const FairEntity *fair = &task->fair;
    Entity entity = {fair->vruntime, fair->deadline, ++queue->sequence, task->id};
    while (queue->positions->at.count <= task->id.index1)
        ARRAY_EXTEND(&queue->positions->at);
    queue->weight += fair->weight;
    queue->weighted += (Int128)fair->vruntime * fair->weight;
    queue->custom_slices += fair->custom_slice;
    if (queue->heaps) {
        heap_push(queue, BY_VRUNTIME, entity);
        return;
    }
    ARRAY_EXTEND(&queue->at);
    put(heap_of(queue, BY_VRUNTIME), queue->at.count - 1, entity);
    if (queue->at.count > HEAPS_ABOVE)
        build_heaps(queue);
}

void entity_queue_remove(EntityQueue *queue, Task *task)
{
    const FairEntity *fair = &task->fair;
    uint32_t position = queue->positions->at.at[task->id.index1];
    uint32_t index = position & ~(uint32_t)IN_ELIGIBLE;
    HeapOrder order = position & (uint32_t)IN_ELIGIBLE ? BY_DEADLINE : BY_VRUNTIME;
    Entity removed;
    if (queue->heaps) {
        removed = heap_remove(queue, order, index);
    } else {
        removed = queue->at.at[index];
        Entity last = ARRAY_POP(&queue->at);
        if (index < queue->at.count)
            put(heap_of(queue, BY_VRUNTIME), index, last);
    }
    CHECKF(ID_EQUAL(removed.task, task->id), "task %u", task->id.index1);
    queue->weight -= fair->weight;
    queue->weighted -= (Int128)removed.vruntime * fair->weight;
    queue->custom_slices -= fair->custom_slice;
    if (queue->heaps && entity_queue_count(queue) < SCAN_BELOW)
        flatten(queue);
}

static const Entity *scan(const EntityQueue *queue, int64_t limit)
{
    const Entity *best = NULL;
    for (size_t i = 0; i < queue->at.count; i++) {
        const Entity *entity = &queue->at.at[i];
        if (entity->vruntime <= limit && (best == NULL || earlier_deadline(entity, best)))
            best = entity;
    }
    return best;
}

const Entity *entity_queue_best(EntityQueue *queue, int64_t limit)
{
    if (!queue->heaps)
        return scan(queue, limit);
    while (queue->at.count > 0 && queue->at.at[0].vruntime <= limit)
        heap_push(queue, BY_DEADLINE, heap_remove(queue, BY_VRUNTIME, 0));
    while (queue->eligible.count > 0 && queue->eligible.at[0].vruntime > limit)
        heap_push(queue, BY_VRUNTIME, heap_remove(queue, BY_DEADLINE, 0));
    return queue->eligible.count > 0 ? &queue->eligible.at[0] : NULL;
}
