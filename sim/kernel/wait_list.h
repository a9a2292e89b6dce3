// Sleeping on something until another task wakes you: first come, first served, as a futex's
// queue does it. The list holds ids; a task is on at most one list, linked through itself.
#pragma once
#include "sim/kernel/machine.h"

void wait_list_add(Machine *machine, WaitList *list, Task *task);
// The same at the front: last come, first served.
void wait_list_add_first(Machine *machine, WaitList *list, Task *task);
// Takes the first task that is still alive off the list; NULL when there is none. A timer that it
// has set will not wake it.
Task *wait_list_take(Machine *machine, WaitList *list);
// Takes `task` off the list that it is on, if any: its time is over. (Linux leaves that to the task
// when it runs; a wake-up that comes in between is lost there too.)
void wait_list_leave(Machine *machine, Task *task);
