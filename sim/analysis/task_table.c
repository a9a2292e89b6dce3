#include "sim/analysis/task_table.h"

#include "sim/base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// A measured trace, merged from several, may bring creations a little out of order.
enum { IDS_AHEAD = 1024 };

void *task_table_add(TaskTable *table, const Scenario *scenario, uint32_t id, uint64_t def,
                     uint64_t instance)
{
    if (id == 0 || id > (uint64_t)table->count + IDS_AHEAD || def == 0 ||
        def > scenario->thread_count || task_table_at(table, id) != NULL)
        return NULL;
    size_t chunk = (id - 1) / TASK_TABLE_CHUNK;
    while (table->chunks.count <= chunk)
        (void)ARRAY_PUSH(&table->chunks);
    if (table->chunks.at[chunk] == NULL) {
        table->chunks.at[chunk] = calloc(TASK_TABLE_CHUNK, table->row_bytes);
        CHECK(table->chunks.at[chunk] != NULL);
    }
    if (id > table->id_max)
        table->id_max = id;
    table->count++;
    size_t at = (id - 1) % TASK_TABLE_CHUNK * table->row_bytes;
    TaskRow *row = (TaskRow *)(void *)(table->chunks.at[chunk] + at);
    row->def = (uint32_t)def;
    row->instance = instance > UINT32_MAX ? UINT32_MAX : (uint32_t)instance;
    return row;
}

void task_table_free(TaskTable *table)
{
    for (size_t i = 0; i < table->chunks.count; i++)
        free(table->chunks.at[i]);
    ARRAY_FREE(&table->chunks);
    table->id_max = table->count = 0;
}

char *task_table_name(const TaskTable *table, const Scenario *scenario, uint64_t id,
                      char text[static 96])
{
    const TaskRow *row = task_table_at(table, id);
    if (row != NULL)
        return task_name(scenario, (ThreadDefId){row->def}, row->instance, text);
    if (id == 0)
        snprintf(text, 96, "nobody");
    else
        snprintf(text, 96, "thread %" PRIu64, id);
    return text;
}
