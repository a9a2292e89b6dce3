#include "sim/kernel/wait_list.h"

#include "sim/kernel/sched.h"

void wait_list_add(Machine *machine, WaitList *list, Task *task)
{
    wait_list_leave(machine, task); // a spinner may be interrupted, and sleep in its handler
    task->next_waiter = (TaskId){0};
    task->previous_waiter = list->last;
    task->waits_in = list;
    if (list->last.index1 != 0)
        task_at(machine, list->last)->next_waiter = task->id;
    else
        list->first = task->id;
    list->last = task->id;
}

void wait_list_add_first(Machine *machine, WaitList *list, Task *task)
{
    wait_list_leave(machine, task);
    task->previous_waiter = (TaskId){0};
    task->next_waiter = list->first;
    task->waits_in = list;
    if (list->first.index1 != 0)
        task_at(machine, list->first)->previous_waiter = task->id;
    else
        list->last = task->id;
    list->first = task->id;
}

void wait_list_leave(Machine *machine, Task *task)
{
    WaitList *list = task->waits_in;
    if (list == NULL)
        return;
    if (task->previous_waiter.index1 != 0)
        task_at(machine, task->previous_waiter)->next_waiter = task->next_waiter;
    else
        list->first = task->next_waiter;
    if (task->next_waiter.index1 != 0)
        task_at(machine, task->next_waiter)->previous_waiter = task->previous_waiter;
    else
        list->last = task->previous_waiter;
    task->next_waiter = task->previous_waiter = (TaskId){0};
    task->waits_in = NULL;
}

Task *wait_list_take(Machine *machine, WaitList *list)
{
    while (list->first.index1 != 0) {
        Task *task = task_at(machine, list->first);
        wait_list_leave(machine, task);
        sched_cancel_timer(machine, task);
        if (task->state != TASK_DEAD)
            return task;
    }
    return NULL;
}
