// How fast work in user mode goes on a machine whose caches make threads faster (`warm_rate`). A
// segment's length is the time that its work takes at the present rate, or up to the change of the
// rate if that comes first; when the segment is over, or is left, what remains is work again.
// Without `warm_rate` time and work are the same.
#pragma once
#include "sim/kernel/machine.h"

void warmth_init(Machine *machine);
void warmth_free(Machine *machine);
// How long a segment of `task` lasts that begins now, on its core, with `work` to do.
Duration warmth_begin(Machine *machine, const Task *task, Duration work);
// The segment that `task` has begun ends when `rest` of it is left. Returns the work that remains.
Duration warmth_end(Machine *machine, const Task *task, Duration rest);
