// What the processes of a trace are called: the declared ones by their own names, those that are
// forked by their first thread's.
#pragma once
#include "sim/analysis/task_table.h"
#include "sim/trace/record.h"

// Zero-initialise.
typedef struct ProcessNames {
    ARRAY(uint32_t) first; // TaskId of the first thread, by Pid less the declared ones
} ProcessNames;

// Takes PROCESS_STARTED records; others are left alone.
void process_names_add(ProcessNames *names, const Scenario *scenario, const TraceRecord *record);
// The first thread of a forked process, 0 when there is no such process.
uint32_t process_names_first(const ProcessNames *names, const Scenario *scenario, uint64_t pid);
// The name; "process 17" when there is no such process, "init" for 0. Returns `text`.
char *process_names_text(const ProcessNames *names, const TaskTable *tasks,
                         const Scenario *scenario, uint64_t pid, char text[static 96]);
// What is a process's own, with whose it is before it: "child/cache"; for pid 0, the scenario's
// first one, just "cache". Returns `text`.
char *process_names_own(const ProcessNames *names, const TaskTable *tasks, const Scenario *scenario,
                        uint32_t pid, StringId name, char text[static 192]);
void process_names_free(ProcessNames *names);
