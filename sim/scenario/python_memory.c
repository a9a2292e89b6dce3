// Memory, the objects of the garbage collector, and bare system calls, in the program that
// `ringside python` writes. A block of memory is an mmap, and an object is an empty list.
#include "sim/scenario/python_writer.h"

#include <inttypes.h>
#include <string.h>

static const char *memory_name(Python *python, uint32_t memory)
{
    return python_name(python, PYTHON_MEMORY, python->scenario->memories[memory - 1].name);
}

const char *python_allocated(Python *python, const Op *op)
{
    return op->code == OP_ALLOC ? memory_name(python, op->arg[1]) : NULL;
}

// Names of objects; those of blocks come with them.
void python_memory_objects(Python *python)
{
    const Scenario *scenario = python->scenario;
    bool *seen = ARENA_ARRAY(python->arena, bool, scenario->memory_count + 1);
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        const Op *op = &scenario->ops[i];
        if (op->code != OP_NEW_OBJECTS || seen[op->arg[1]] ||
            !ID_EQUAL(scenario->memories[op->arg[1] - 1].process, python->process))
            continue;
        seen[op->arg[1]] = true;
        python_line(python, "%s = []", memory_name(python, op->arg[1]));
    }
}

// Whether objects have more than one reference somewhere.
static bool takes_objects(const Python *python)
{
    const Scenario *scenario = python->scenario;
    for (uint32_t i = 0; i < scenario->op_count; i++)
        if (scenario->ops[i].code == OP_TAKE)
            return true;
    return false;
}

static uint64_t size_of(const Python *python, uint32_t size)
{
    return python->scenario->sizes[size - 1];
}

static const char *block_of(Python *python, uint64_t size, bool shared)
{
    return arena_format(python->arena,
                        shared ? "mmap.mmap(-1, %" PRIu64 ")"
                               : "mmap.mmap(-1, %" PRIu64
                                 ", mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
                        size);
}

// New memory stays the process's.
static void write_touch(Python *python, const Op *op)
{
    const char *block = "kept[-1]";
    if (op->arg[1] == 0)
        python_line(python, "kept.append(%s)",
                    block_of(python, size_of(python, op->arg[0]), false));
    else
        block = memory_name(python, op->arg[1]);
    const char *size = op->arg[0] == 0
                           ? arena_format(python->arena, "len(%s)", block)
                           : arena_format(python->arena, "%" PRIu64, size_of(python, op->arg[0]));
    python_begin_line(python, op->arg[2] == 1 ? "look(" : "touch(");
    python_add(python, op->arg[3] > 1 ? "%s, %s, %u)\n" : "%s, %s)\n", block, size, op->arg[3]);
}

// By the rows of syscalls.def.
static const char *const calls[] = {
    "os.getppid()",           "os.read(zero, 1)",
    "os.write(null, b\"x\")", "os.close(os.open(\"/dev/null\", os.O_RDONLY))",
    "os.stat(\"/\")",         "mmap.mmap(-1, mmap.PAGESIZE).close()",
};

enum {
    CALL_COUNT = 0
#define NAMED_SYSCALL(name, syscall, cost) +1
#include "sim/scenario/syscalls.def"
#undef NAMED_SYSCALL
};
_Static_assert(CALL_COUNT == sizeof calls / sizeof *calls, "a call for each row");

static bool write_syscall(Python *python, const Op *op)
{
    if (op->arg[1] != 0)
        return python_has_no_form(python, op, " with a time of its own",
                                  "what a system call takes is the kernel's business");
    python_line(python, "%s", calls[op->arg[0] - 1]);
    return true;
}

bool python_memory_op(Python *python, const Op *op)
{
    const uint32_t *arg = op->arg;
    switch (op->code) {
    case OP_ALLOC:
        python_line(python, "%s = %s", memory_name(python, arg[1]),
                    block_of(python, size_of(python, arg[0]), arg[2] != 0));
        return true;
    case OP_TOUCH:
        write_touch(python, op);
        return true;
    case OP_FREE:
        python_line(python, "%s.close()", memory_name(python, arg[0]));
        return true;
    case OP_NEW_OBJECTS:
        python_line(python,
                    arg[2] != 0 ? "make_objects(%s, %u, cycles=True)" : "make_objects(%s, %u)",
                    memory_name(python, arg[1]), arg[0]);
        return true;
    case OP_TAKE:
        python_line(python, "take_objects(%s)", memory_name(python, arg[0]));
        return true;
    case OP_DROP:
        python_line(python, takes_objects(python) ? "drop_objects(%s)" : "del %s[:]",
                    memory_name(python, arg[0]));
        return true;
    case OP_GC_COLLECT:
    case OP_GC_DISABLE:
    case OP_GC_ENABLE:
    case OP_GC_FREEZE:
        python_line(python, "%s()", op_info(op->code)->name);
        return true;
    case OP_SYSCALL:
        return write_syscall(python, op);
    default:
        return false;
    }
}
