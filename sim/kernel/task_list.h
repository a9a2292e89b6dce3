// A list of queued tasks in an order that a policy decides, linked through the tasks themselves: a
// task is on at most one. Ends and removal take constant time.
#pragma once
#include "sim/kernel/machine.h"

typedef struct TaskList {
    Task *head, *tail;
    uint32_t count;
    // Where the last task_list_at was, so that walking by index is linear.
    Task *cursor;
    uint32_t cursor_index;
} TaskList;

// Whether `a` stands before `b` in the scenario: what decides when nothing else does.
static inline bool task_precedes(const Task *a, const Task *b)
{
    if (!ID_EQUAL(a->def, b->def))
        return a->def.index1 < b->def.index1;
    return a->instance < b->instance;
}

void task_list_append(TaskList *list, Task *task);
void task_list_prepend(TaskList *list, Task *task);
// Before `next`, which is on the list; at the end when it is NULL.
void task_list_insert(TaskList *list, Task *task, Task *next);
void task_list_remove(TaskList *list, Task *task);
// The index-th task from the head; index < count.
Task *task_list_at(TaskList *list, uint32_t index);
// The first task that `core` may take now, NULL when there is none. Only a queue that several cores
// share holds tasks that may not.
Task *task_list_first_for(const Machine *machine, const TaskList *list, int core);
