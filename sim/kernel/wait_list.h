// Sleeping on something until another task wakes you: first come, first served, as a futex's
// queue does it. The list holds ids; a task is on at most one list, linked through next_waiter.
#pragma once
#include "sim/kernel/machine.h"

void wait_list_add(Machine *machine, WaitList *list, Task *task);
// Takes the first task that is still alive off the list; NULL when there is none.
Task *wait_list_take(Machine *machine, WaitList *list);
