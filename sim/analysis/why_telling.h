// What the files that tell of a wait that is over share. Not for readers.
#pragma once
#include "sim/analysis/critical_path.h"
#include "sim/analysis/why.h"

// Texts of the Why's arena: "hog-2"; a length of time or an instant; the record's sentence.
const char *telling_name(Why *why, const Recording *recording, uint32_t task);
const char *telling_time(Why *why, int64_t ns);
const char *telling_record(Why *why, const Recording *recording, uint64_t index);

__attribute__((format(printf, 4, 5))) void telling_say(Why *why, uint32_t task, uint32_t depth,
                                                       const char *format, ...);

// The critical path of the wait: each thread's part of it, in order of time.
void telling_path(Why *why, const Recording *recording, const CriticalPath *path);

// The wait of `task` for a GIL, while it runs, is runnable or sleeps; false: it waits for none.
// (why_python_past.c)
bool why_gil_so_long(Why *why, const Recording *recording, const Scene *scene, uint32_t task);
