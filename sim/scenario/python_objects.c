#include "sim/scenario/python_objects.h"

static const PythonObjectInfo objects[PYTHON_OBJECT_COUNT] = {
#define PYTHON_OBJECT(id, name, v27, v38, v39, v310, v311, v312, v313, text, probe)                \
    [PYTHON_OBJECT_##id] = {name, {v27, v38, v39, v310, v311, v312, v313}, text, probe},
#include "sim/scenario/python_objects.def"
#undef PYTHON_OBJECT
};

const PythonObjectInfo *python_object_info(PythonObjectId id)
{
    return &objects[id];
}

uint32_t python_object_bytes(const Runtime *runtime, PythonObjectId id)
{
    if (!runtime->python)
        return 0;
    unsigned version = runtime->major == 2 ? 0 : runtime->minor - 7u;
    return objects[id].bytes[version < PYTHON_VERSIONS ? version : PYTHON_VERSIONS - 1];
}

uint32_t python_arena_pages(const Runtime *runtime)
{
    bool large = runtime->major == 3 && runtime->minor >= 10;
    return (large ? 1 << 20 : 256 << 10) / PAGE_BYTES;
}

uint32_t runtime_stack_touched(const Runtime *runtime)
{
    bool deeper = runtime->python && (runtime->major == 2 || runtime->minor < 11);
    return deeper ? STACK_TOUCHED + 1 : STACK_TOUCHED;
}
