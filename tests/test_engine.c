// The event queue, the timer heap and the entity queue against the obvious way of doing the same.
#include "sim/base/rng.h"
#include "sim/engine/event_queue.h"
#include "sim/engine/timer_heap.h"
#include "sim/kernel/entity_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void keys_order_by_time_then_class(void **state)
{
    (void)state;
    EventKey a = event_key((Instant){5}, CLASS_DISPATCH),
             b = event_key((Instant){6}, CLASS_SEGMENT);
    assert_true(a < b);
    assert_true(event_key((Instant){5}, CLASS_SEGMENT) < event_key((Instant){5}, CLASS_ARRIVAL));
    assert_int_equal(event_key_time(a).ns, 5);
    assert_int_equal(event_key_class(a), CLASS_DISPATCH);
    assert_true(event_key(INSTANT_NEVER, CLASS_SEGMENT) == EVENT_KEY_NEVER);
}

// The first slot is the one with the least key, the lower slot among equals: by scanning.
static uint32_t first_by_scan(const EventKey *keys, uint32_t slots)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < slots; i++)
        if (keys[i] < keys[first])
            first = i;
    return first;
}

static void event_queue_agrees_with_a_scan(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 2, 3, 5, 17, 64, 1025};
    Rng rng = rng_make(1, 1);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        Arena arena = {0};
        EventQueue queue;
        event_queue_init(&queue, &arena, sizes[s]);
        EventKey *keys = ARENA_ARRAY(&arena, EventKey, sizes[s]);
        for (uint32_t i = 0; i < sizes[s]; i++)
            keys[i] = EVENT_KEY_NEVER;
        for (int step = 0; step < 5000; step++) {
            uint32_t slot = (uint32_t)rng_below(&rng, sizes[s]);
            // Few different keys, so that ties are common; sometimes none.
            uint64_t draw = rng_below(&rng, 40);
            keys[slot] = draw == 0 ? EVENT_KEY_NEVER : (EventKey)draw;
            event_queue_set(&queue, slot, keys[slot]);
            assert_int_equal(event_queue_first(&queue), first_by_scan(keys, sizes[s]));
        }
        arena_free(&arena);
    }
}

static void timers_come_out_by_time_then_sequence(void **state)
{
    (void)state;
    TimerHeap heap = {0};
    Rng rng = rng_make(1, 2);
    uint32_t sequence = 0;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 20; i++) {
            ++sequence;
            timer_heap_push(&heap,
                            (TimerEntry){(int64_t)rng_below(&rng, 50), sequence, {sequence}});
        }
        TimerEntry last = {-1, 0, {0}};
        for (int i = 0; i < 20; i++) {
            TimerEntry entry = timer_heap_pop(&heap);
            assert_true(entry.time_ns > last.time_ns ||
                        (entry.time_ns == last.time_ns && entry.sequence > last.sequence));
            last = entry;
        }
        assert_null(timer_heap_first(&heap));
    }
    timer_heap_free(&heap);
}

enum { ENTITIES = 400 };

static Task *best_by_scan(Task *tasks, const bool *queued, const uint32_t *order, int64_t limit)
{
    Task *best = NULL;
    for (int i = 0; i < ENTITIES; i++) {
        Task *task = &tasks[i];
        if (!queued[i] || task->fair.vruntime > limit)
            continue;
        if (best == NULL || task->fair.deadline < best->fair.deadline ||
            (task->fair.deadline == best->fair.deadline && order[i] < order[best - tasks]))
            best = task;
    }
    return best;
}

// Grows and shrinks through both shapes (a scanned array, two heaps) with a limit that moves both
// ways, and compares every answer and both sums.
static void entity_queue_agrees_with_a_scan(void **state)
{
    (void)state;
    static Task tasks[ENTITIES];
    bool queued[ENTITIES] = {false};
    uint32_t order[ENTITIES] = {0}, inserted = 0;
    EntityPositions positions = {0};
    EntityQueue queue = {.positions = &positions};
    Rng rng = rng_make(1, 3);
    for (int step = 0; step < 40000; step++) {
        int i = (int)rng_below(&rng, ENTITIES);
        // Waves: mostly inserting, then mostly removing.
        bool growing = step / 2000 % 2 == 0;
        if (!queued[i] && (growing || rng_below(&rng, 4) == 0)) {
            tasks[i].id = (TaskId){(uint32_t)i + 1};
            tasks[i].fair.vruntime = (int64_t)rng_below(&rng, 1000) - 500;
            tasks[i].fair.deadline = tasks[i].fair.vruntime + (int64_t)rng_below(&rng, 200);
            tasks[i].fair.weight = 1 + (uint32_t)rng_below(&rng, 2000);
            entity_queue_insert(&queue, &tasks[i]);
            queued[i] = true;
            order[i] = ++inserted;
        } else if (queued[i] && (!growing || rng_below(&rng, 4) == 0)) {
            entity_queue_remove(&queue, &tasks[i]);
            queued[i] = false;
        }
        int64_t limit = (int64_t)rng_below(&rng, 1200) - 600;
        const Entity *best = entity_queue_best(&queue, limit);
        const Task *expected = best_by_scan(tasks, queued, order, limit);
        assert_int_equal(best == NULL ? 0 : best->task.index1,
                         expected == NULL ? 0 : expected->id.index1);
        int64_t weighted = 0;
        uint64_t weight = 0, count = 0;
        for (int j = 0; j < ENTITIES; j++) {
            weighted += queued[j] ? tasks[j].fair.vruntime * tasks[j].fair.weight : 0;
            weight += queued[j] ? tasks[j].fair.weight : 0;
            count += queued[j];
        }
        assert_true(queue.weighted == weighted && queue.weight == weight);
        assert_int_equal(entity_queue_count(&queue), count);
    }
    entity_queue_free(&queue);
    ARRAY_FREE(&positions.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_order_by_time_then_class),
        cmocka_unit_test(event_queue_agrees_with_a_scan),
        cmocka_unit_test(timers_come_out_by_time_then_sequence),
        cmocka_unit_test(entity_queue_agrees_with_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
