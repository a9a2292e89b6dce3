// What must hold in every trace with Python in it, whatever the scenario: a fold over the records
// that keeps its own picture of GILs, loops and coroutines, and knows neither the simulator's code
// nor the scene's. The laws, by the words that a violation is reported with:
//
// - gil: it has one holder at most; only who holds it drops it; who waits names the holder; who
// asks
//   has waited for a switch interval at least; who drops it on request was asked to, and takes it
//   again only when another thread has had it.
// - world: in the build without a GIL one at a time stops the others, and starts them again; in its
//   collection no other thread of the process begins an operation, stores a variable or resumes a
//   coroutine; who waits names it.
// - bytecode: a thread of a process with a GIL resumes coroutines, calls callbacks, and loads and
//   stores variables only while it holds it.
// - loop: it calls what has been made ready, in that order, and in one turn no more than was ready
// as
//   the turn began.
// - coroutine: it is made once and ends once; one of a loop runs at a time; it goes on only when it
//   has been made ready and the loop resumes it.
//   An eager one begins as it is made, in the midst of what the one does who makes it.
// - timer: it fires only when it is set, and due.
#pragma once
#include "sim/scenario/scenario.h"
#include "sim/trace/record.h"

#include <stddef.h>

// NULL when they hold, else which one does not, at which record: in `text`.
const char *python_laws(const Scenario *scenario, const TraceRecord *records, size_t count,
                        char text[static 256]);
