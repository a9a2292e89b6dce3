#include "sim/engine/event_queue.h"

#include "sim/base/check.h"

void event_queue_init(EventQueue *queue, Arena *arena, uint32_t slots)
{
    CHECKF(slots > 0 && slots <= UINT16_MAX, "%u slots", slots);
    queue->slots = slots;
    queue->leaves = 2;
    while (queue->leaves < slots)
        queue->leaves *= 2;
    queue->keys = ARENA_ARRAY(arena, EventKey, queue->leaves);
    queue->winners = ARENA_ARRAY(arena, uint16_t, queue->leaves * 2);
    for (uint32_t i = 0; i < queue->leaves; i++) {
        queue->keys[i] = EVENT_KEY_NEVER;
        queue->winners[queue->leaves + i] = (uint16_t)i;
    }
    for (uint32_t i = queue->leaves - 1; i > 0; i--)
        queue->winners[i] = queue->winners[2 * i];
}

void event_queue_set(EventQueue *queue, uint32_t slot, EventKey key)
{
    EventKey *keys = queue->keys;
    uint16_t *winners = queue->winners;
    if (keys[slot] == key)
        return;
    keys[slot] = key;
    for (uint32_t node = (queue->leaves + slot) / 2; node > 0; node /= 2) {
        uint16_t left = winners[2 * node], right = winners[2 * node + 1];
        // Left on equal keys: the lower slot first.
        uint16_t winner = keys[right] < keys[left] ? right : left;
        // Above a node that another slot keeps winning, nothing can change.
        if (winner == winners[node] && winner != slot)
            return;
        winners[node] = winner;
    }
}
