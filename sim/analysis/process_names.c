#include "sim/analysis/process_names.h"

#include <inttypes.h>
#include <stdio.h>

// A damaged trace may name any process: what is far ahead of those seen is not believed.
enum { PIDS_AHEAD = 1024 };

void process_names_add(ProcessNames *names, const Scenario *scenario, const TraceRecord *record)
{
    if (record->kind != EVENT_PROCESS_STARTED || record->a <= scenario->process_count)
        return;
    uint64_t index = record->a - scenario->process_count - 1;
    if (index > names->first.count + PIDS_AHEAD)
        return;
    while (names->first.count <= index)
        ARRAY_EXTEND(&names->first);
    if (names->first.at[index] == 0)
        names->first.at[index] = record->task;
}

uint32_t process_names_first(const ProcessNames *names, const Scenario *scenario, uint64_t pid)
{
    if (pid <= scenario->process_count || pid - scenario->process_count > names->first.count)
        return 0;
    return names->first.at[pid - scenario->process_count - 1];
}

char *process_names_text(const ProcessNames *names, const TaskTable *tasks,
                         const Scenario *scenario, uint64_t pid, char text[static 96])
{
    uint32_t first = process_names_first(names, scenario, pid);
    if (first != 0)
        return task_table_name(tasks, scenario, first, text);
    if (pid == 0)
        snprintf(text, 96, "init");
    else if (pid <= scenario->process_count)
        snprintf(text, 96, "%s", scenario_string(scenario, scenario->processes[pid - 1].name));
    else
        snprintf(text, 96, "process %" PRIu64, pid);
    return text;
}

char *process_names_own(const ProcessNames *names, const TaskTable *tasks, const Scenario *scenario,
                        uint32_t pid, StringId name, char text[static 192])
{
    char process[96];
    if (pid == 0)
        snprintf(text, 192, "%s", scenario_string(scenario, name));
    else
        snprintf(text, 192, "%s/%s", process_names_text(names, tasks, scenario, pid, process),
                 scenario_string(scenario, name));
    return text;
}

void process_names_free(ProcessNames *names)
{
    ARRAY_FREE(&names->first);
}
