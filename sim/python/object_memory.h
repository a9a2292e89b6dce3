// The memory of Python's objects: each is taken from its process's heap when it is made and given
// back when its last reference is gone, in scenarios that speak of memory. What each takes is
// sim/scenario/python_objects.def's; the heap is sim/kernel/heap.h's.
//
// Coroutines, tasks, futures, timers, ready callbacks and threads are accounted, and the objects
// that the program makes for the collector. Coroutines of asyncio's own other than sleep (of a
// lock, of a queue) are not, nor is the interpreter itself. A timer that is cancelled lets go of
// its future when it leaves the heap, in CPython at once.
#pragma once
#include "sim/python/asyncio.h"
#include "sim/scenario/python_objects.h"

// The program's own: `task` has made so many, or frees them.
void objects_made(Machine *machine, Task *task, uint64_t count);
void objects_gone(Machine *machine, const Task *task, uint64_t count);

void object_memory_take(Machine *machine, uint32_t loop, PythonObjectId object);
void object_memory_give(Machine *machine, uint32_t loop, PythonObjectId object);

// One is made, by the thread of the loop with this number.
static inline void object_made(Machine *machine, uint32_t loop, PythonObjectId object)
{
    if (machine->scenario->tracks_memory)
        object_memory_take(machine, loop, object);
}

// One of that loop's is gone; the loop may be closed.
static inline void object_gone(Machine *machine, uint32_t loop, PythonObjectId object)
{
    if (machine->scenario->tracks_memory)
        object_memory_give(machine, loop, object);
}
