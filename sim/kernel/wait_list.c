#include "sim/kernel/wait_list.h"

void wait_list_add(Machine *machine, WaitList *list, Task *task)
{
    task->next_waiter = (TaskId){0};
    if (list->last.index1 != 0)
        task_at(machine, list->last)->next_waiter = task->id;
    else
        list->first = task->id;
    list->last = task->id;
}

Task *wait_list_take(Machine *machine, WaitList *list)
{
    while (list->first.index1 != 0) {
        Task *task = task_at(machine, list->first);
        list->first = task->next_waiter;
        if (list->first.index1 == 0)
            list->last = (TaskId){0};
        task->next_waiter = (TaskId){0};
        if (task->state != TASK_DEAD)
            return task;
    }
    return NULL;
}
