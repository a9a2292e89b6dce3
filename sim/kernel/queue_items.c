#include "sim/kernel/queue_items.h"

#include "sim/base/check.h"

#include <stdlib.h>

static bool before(const QueueItem *a, const QueueItem *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->sequence < b->sequence;
}

static void swap(QueueItem *a, QueueItem *b)
{
    QueueItem kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(QueueItem *items, uint32_t at)
{
    for (; at > 0 && before(&items[at], &items[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&items[at], &items[(at - 1) / 2]);
}

static void sift_down(QueueItem *items, uint32_t count)
{
    uint32_t at = 0;
    for (;;) {
        uint32_t least = 2 * at + 1;
        if (least + 1 < count && before(&items[least + 1], &items[least]))
            least++;
        if (least >= count || !before(&items[least], &items[at]))
            return;
        swap(&items[least], &items[at]);
        at = least;
    }
}

// Room for one more: twice as much when there is none, the ring's head at the beginning.
static void make_room(Queue *queue)
{
    if (queue->count < queue->room)
        return;
    uint32_t room = queue->room == 0 ? 16 : queue->room * 2;
    QueueItem *items = malloc(room * sizeof *items);
    CHECKF(items != NULL, "out of memory for %u items", room);
    for (uint32_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->head + i) % queue->room];
    free(queue->items);
    queue->items = items;
    queue->room = room;
    queue->head = 0;
}

void queue_insert(Queue *queue, bool by_priority, QueueItem item)
{
    make_room(queue);
    item.sequence = queue->sequence++;
    if (by_priority) {
        queue->items[queue->count] = item;
        sift_up(queue->items, queue->count++);
    } else {
        queue->items[(queue->head + queue->count++) % queue->room] = item;
    }
}

QueueItem queue_take(Queue *queue, bool by_priority)
{
    CHECK(queue->count > 0);
    QueueItem item = queue->items[queue->head];
    queue->count--;
    if (by_priority) {
        queue->items[0] = queue->items[queue->count];
        sift_down(queue->items, queue->count);
    } else {
        queue->head = (queue->head + 1) % queue->room;
    }
    return item;
}
