#include "sim/analysis/task_table.h"

#include "sim/base/check.h"
#include "sim/trace/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A measured trace, merged from several, may bring creations a little out of order.
enum { IDS_AHEAD = 1024 };

// A name without its number. task_name looks through all entries for one of the same name, which a
// reader of millions of records cannot afford each time.
typedef struct TaskNameBase {
    char text[64];
    uint8_t length; // 0: not known yet
    bool numbered;  // "hog-1": the first instance has a number too
    bool slow;      // too long to be kept
} TaskNameBase;

static void base_make(TaskNameBase *base, const Scenario *scenario, ThreadDefId def)
{
    char name[96];
    size_t length = strlen(task_name(scenario, def, 1, name));
    base->numbered = scenario->threads[def.index1 - 1].several;
    if (base->numbered && length > 2)
        length -= 2; // "-1"
    base->slow = length == 0 || length >= sizeof base->text;
    base->length = base->slow ? 1 : (uint8_t)length;
    if (!base->slow)
        memcpy(base->text, name, length);
}

void *task_table_add(TaskTable *table, const Scenario *scenario, uint32_t id, uint64_t def,
                     uint64_t created)
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
    if (table->bases == NULL) {
        table->bases = calloc(scenario->thread_count, sizeof *table->bases);
        CHECK(table->bases != NULL);
    }
    if (table->bases[def - 1].length == 0)
        base_make(&table->bases[def - 1], scenario, (ThreadDefId){(uint32_t)def});
    if (id > table->id_max)
        table->id_max = id;
    table->count++;
    size_t at = (id - 1) % TASK_TABLE_CHUNK * table->row_bytes;
    TaskRow *row = (TaskRow *)(void *)(table->chunks.at[chunk] + at);
    row->def = (uint32_t)def;
    row->instance = created_instance(created);
    return row;
}

void task_table_free(TaskTable *table)
{
    for (size_t i = 0; i < table->chunks.count; i++)
        free(table->chunks.at[i]);
    ARRAY_FREE(&table->chunks);
    free(table->bases);
    table->bases = NULL;
    table->id_max = table->count = 0;
}

static char *name_of(const TaskTable *table, const Scenario *scenario, const TaskRow *row,
                     char *text)
{
    const TaskNameBase *base = &table->bases[row->def - 1];
    if (base->slow)
        return task_name(scenario, (ThreadDefId){row->def}, row->instance, text);
    memcpy(text, base->text, base->length);
    char *end = text + base->length;
    if (base->numbered || row->instance > 1) {
        char digits[10];
        int count = 0;
        for (uint32_t left = row->instance; left > 0 || count == 0; left /= 10)
            digits[count++] = (char)('0' + left % 10);
        *end++ = '-';
        while (count > 0)
            *end++ = digits[--count];
    }
    *end = 0;
    return text;
}

char *task_table_name(const TaskTable *table, const Scenario *scenario, uint64_t id,
                      char text[static 96])
{
    const TaskRow *row = task_table_at(table, id);
    if (row != NULL)
        return name_of(table, scenario, row, text);
    if (id == 0)
        snprintf(text, 96, "nobody");
    else
        snprintf(text, 96, "thread %" PRIu64, id);
    return text;
}
