// The fair server of a core: keeps realtime tasks from starving normal ones (Linux 6.12 and later,
// kernel/sched/deadline.c dl_server). It grants the normal tasks of a core 50 ms in each second,
// and waits with it as long as it can: when they have had less and only so much of the second is
// left, they go before realtime tasks until they have had it. What they run otherwise counts.
//
// It has no queue: while `running`, sched.c prefers the normal class to the realtime one. Linux
// keeps a server's period when its last task leaves for a moment; here a new one begins with the
// next task.
#pragma once
#include "sim/kernel/machine.h"

// Charges the server and decides anew what it does. To be called at every tick, at its own instant
// (server.due), and around every change of the normal tasks on `queue` or of its current task.
void fair_server_update(Machine *machine, RunQueue *queue);
