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
    // The way up is known beforehand, so that all siblings load at once; choosing by masks keeps
    // the loop free of branches, which would be mispredicted half the time.
    uint32_t winner = slot;
    for (uint32_t node = queue->leaves + slot; node > 1; node /= 2) {
        uint32_t sibling = winners[node ^ 1];
        EventKey sibling_key = keys[sibling];
        // The left one wins among equal keys: the lower slot first.
        EventKey node_is_left = ~node & 1;
        bool sibling_wins = key - node_is_left >= sibling_key;
        winner ^= (winner ^ sibling) & (0 - (uint32_t)sibling_wins);
        key ^= (key ^ sibling_key) & (0 - (EventKey)sibling_wins);
        winners[node / 2] = (uint16_t)winner;
    }
}
