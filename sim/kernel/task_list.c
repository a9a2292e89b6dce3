#include "sim/kernel/task_list.h"

#include "sim/base/check.h"
#include "sim/kernel/placement.h"

void task_list_insert(TaskList *list, Task *task, Task *next)
{
    Task *previous = next != NULL ? next->queue_previous : list->tail;
    task->queue_next = next;
    task->queue_previous = previous;
    if (previous != NULL)
        previous->queue_next = task;
    else
        list->head = task;
    if (next != NULL)
        next->queue_previous = task;
    else
        list->tail = task;
    list->count++;
    list->cursor = NULL;
}

void task_list_append(TaskList *list, Task *task)
{
    task_list_insert(list, task, NULL);
}

void task_list_prepend(TaskList *list, Task *task)
{
    task_list_insert(list, task, list->head);
}

void task_list_remove(TaskList *list, Task *task)
{
    if (task->queue_previous != NULL)
        task->queue_previous->queue_next = task->queue_next;
    else
        list->head = task->queue_next;
    if (task->queue_next != NULL)
        task->queue_next->queue_previous = task->queue_previous;
    else
        list->tail = task->queue_previous;
    task->queue_next = task->queue_previous = NULL;
    list->count--;
    list->cursor = NULL;
}

Task *task_list_at(TaskList *list, uint32_t index)
{
    CHECKF(index < list->count, "%u of %u", index, list->count);
    if (list->cursor == NULL || list->cursor_index > index) {
        list->cursor = list->head;
        list->cursor_index = 0;
    }
    for (; list->cursor_index < index; list->cursor_index++)
        list->cursor = list->cursor->queue_next;
    return list->cursor;
}

Task *task_list_first_for(const Machine *machine, const TaskList *list, int core)
{
    Task *task = list->head;
    while (task != NULL && !placement_can_take(machine, task, core))
        task = task->queue_next;
    return task;
}
