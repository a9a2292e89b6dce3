// How much memory Python's objects take, by the version of CPython: python_objects.def as a table.
// When they come and go is sim/python's business, and what the process has for them that of
// sim/kernel/heap.h.
#pragma once
#include "sim/scenario/scenario.h"

typedef enum PythonObjectId {
#define PYTHON_OBJECT(id, ...) PYTHON_OBJECT_##id,
#include "sim/scenario/python_objects.def"
#undef PYTHON_OBJECT
    PYTHON_OBJECT_COUNT
} PythonObjectId;

enum { PYTHON_VERSIONS = 7 }; // 2.7, 3.8 .. 3.13

typedef struct PythonObjectInfo {
    const char *name;
    uint16_t bytes[PYTHON_VERSIONS];
    const char *text, *probe;
} PythonObjectInfo;

const PythonObjectInfo *python_object_info(PythonObjectId id);
// What one of them takes in a process that `runtime` runs, in bytes; 0 in one that is not Python's.
uint32_t python_object_bytes(const Runtime *runtime, PythonObjectId id);
// What the interpreter's allocator asks the kernel for at a time, in pages: an arena (CPython
// Objects/obmalloc.c ARENA_SIZE: 256 KiB, from 3.10 on 1 MiB).
uint32_t python_arena_pages(const Runtime *runtime);
// How many pages of its stack a thread touches that only waits, in a process that `runtime` runs:
// two in C; Python's own calls touched one more up to 3.10, from when on they use other memory.
// Measured as what is resident of 1,000 mappings of 8 MiB.
uint32_t runtime_stack_touched(const Runtime *runtime);
