// A row for every task of a trace, found by its id, for readers that keep state a task. Rows never
// move. Not a map: ids count the tasks in order of creation, and the table counts on it.
#pragma once
#include "sim/base/array.h"
#include "sim/scenario/scenario.h"

#include <stddef.h>
#include <stdint.h>

enum { TASK_TABLE_CHUNK = 4096 };

// Zero-initialise and set `row_bytes`. A reader's row begins with a TaskRow.
typedef struct TaskTable {
    size_t row_bytes;
    ARRAY(unsigned char *) chunks; // NULL: none of its ids came up
    uint32_t id_max;               // the greatest id with a row
    uint32_t count;                // rows added
    struct TaskNameBase *bases;    // names by ThreadDefId, from their first rows on
} TaskTable;

typedef struct TaskRow {
    uint32_t def; // ThreadDefId.index1; 0: no such task
    uint32_t instance;
} TaskRow;

// The new, zeroed row of task `id`, its def and instance set, which are the arguments of its
// TASK_CREATED. NULL when the id has a row already,
// or is so far ahead of the tasks seen that it must be damage, or `def` is not one of `scenario`.
void *task_table_add(TaskTable *table, const Scenario *scenario, uint32_t id, uint64_t def,
                     uint64_t created);

// The row of task `id`, NULL when there is none (also for id 0).
static inline void *task_table_at(const TaskTable *table, uint64_t id)
{
    if (id - 1 >= table->id_max)
        return NULL;
    unsigned char *chunk = table->chunks.at[(id - 1) / TASK_TABLE_CHUNK];
    if (chunk == NULL)
        return NULL;
    TaskRow *row = (TaskRow *)(void *)(chunk + (id - 1) % TASK_TABLE_CHUNK * table->row_bytes);
    return row->def == 0 ? NULL : row;
}

void task_table_free(TaskTable *table);

// The task's name, as task_name gives it but faster; "thread 17" when the table does not know it,
// "nobody" for 0. Returns `text`.
char *task_table_name(const TaskTable *table, const Scenario *scenario, uint64_t id,
                      char text[static 96]);
