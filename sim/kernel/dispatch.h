// What a core does when one of its events is due: it decides who runs next and switches to it, and
// handles the end of a segment, the end of a slice, the tick and timers. Who becomes runnable or
// stops being so, and who asks for a decision, is sched.h's.
#pragma once
#include "sim/kernel/machine.h"

// Decides who runs on `core` from now.
void dispatch_decide(Machine *machine, int core);
// The other events of a core, by their class; the last one is the outside world's.
void dispatch_on_segment(Machine *machine, int core);
void dispatch_on_slice(Machine *machine, int core);
void dispatch_on_tick(Machine *machine, int core);
void dispatch_on_timer(Machine *machine, int core);
void dispatch_on_device(Machine *machine, int core);
