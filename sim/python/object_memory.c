#include "sim/python/object_memory.h"

#include "sim/kernel/process_data.h"

void objects_made(Machine *machine, Task *task, uint64_t count)
{
    Process *process = process_of(machine, task);
    const Runtime *runtime = &process_family(machine, process)->runtime;
    uint64_t bytes = count * python_object_bytes(runtime, PYTHON_OBJECT_LIST);
    if (machine->scenario->tracks_memory && bytes > 0)
        heap_take(machine, process, task, bytes, python_arena_pages(runtime));
}

void objects_gone(Machine *machine, const Task *task, uint64_t count)
{
    Process *process = process_of(machine, task);
    const Runtime *runtime = &process_family(machine, process)->runtime;
    if (machine->scenario->tracks_memory)
        heap_give(machine, process, count * python_object_bytes(runtime, PYTHON_OBJECT_LIST));
}

static Task *thread_of(const Machine *machine, uint32_t loop)
{
    return task_at(machine, machine->asyncio->threads.at[loop - 1]);
}

void object_memory_take(Machine *machine, uint32_t loop, PythonObjectId object)
{
    Task *thread = thread_of(machine, loop);
    Process *process = process_of(machine, thread);
    const Runtime *runtime = &process_family(machine, process)->runtime;
    uint32_t bytes = python_object_bytes(runtime, object);
    if (bytes > 0 && process->state == PROCESS_ALIVE)
        heap_take(machine, process, thread, bytes, python_arena_pages(runtime));
}

void object_memory_give(Machine *machine, uint32_t loop, PythonObjectId object)
{
    const Task *thread = thread_of(machine, loop);
    Process *process = process_of(machine, thread);
    uint32_t bytes = python_object_bytes(&process_family(machine, process)->runtime, object);
    if (bytes > 0)
        heap_give(machine, process, bytes);
}
