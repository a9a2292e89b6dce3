// The scenarios that ship: where their folder is, what is in it, and which one a name means. The
// folder has one sub-folder a chapter ("3-schedulers") and one .yaml file a scenario.
#pragma once
#include "sim/base/arena.h"
#include "sim/base/diag.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Shipped {
    const char *chapter; // "3-schedulers"
    const char *name;    // "round-robin"
    const char *path;
} Shipped;

typedef struct ShippedList {
    Arena arena;
    const char *folder;
    const Shipped *at; // by chapter's number, then by name
    size_t count;
} ShippedList;

// Reads `folder`, or, when it is NULL, the one beside the installed program, or else the one of the
// sources. An unreadable folder gives an empty list, and false with a message in `diag`.
bool shipped_read(ShippedList *list, const char *folder, Diag *diag);
void shipped_free(ShippedList *list);

// The scenario that an argument of the command line means: a file of that name, else a shipped
// scenario by name ("round-robin", "3-schedulers/round-robin", either with .yaml). Returns its
// path, in `arena`, or NULL with a message and the nearest name.
const char *shipped_find(Arena *arena, const char *argument, Diag *diag);
// The same without a message: whether the argument means a scenario or trace at all.
bool shipped_exists(const char *argument);
