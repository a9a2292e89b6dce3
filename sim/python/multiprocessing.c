#include "sim/python/multiprocessing.h"

#include "sim/base/check.h"

#include <stdlib.h>

// ---- all of it

void multiprocessing_init(Machine *machine)
{
    const Scenario *scenario = machine->scenario;
    if (scenario->connection_count == 0 && scenario->pool_count == 0 &&
        scenario->manager_count == 0)
        return;
    Multiprocessing *all = ARENA_NEW(&machine->arena, Multiprocessing);
    all->messages.item_bytes = sizeof(Message);
    all->jobs.item_bytes = sizeof(Job);
    all->sent = ARENA_ARRAY(&machine->arena, MessageList, scenario->pipe_count + 1);
    all->executors = ARENA_ARRAY(&machine->arena, ProcessPool, scenario->executor_count + 1);
    all->pools = ARENA_ARRAY(&machine->arena, WorkerPool, scenario->pool_count + 1);
    all->managers = ARENA_ARRAY(&machine->arena, Manager, scenario->manager_count + 1);
    for (uint32_t i = 0; i < scenario->manager_count; i++)
        all->managers[i].clients =
            ARENA_ARRAY(&machine->arena, TaskId, scenario->managers[i].clients);
    machine->multiprocessing = all;
}

void multiprocessing_free(Machine *machine)
{
    Multiprocessing *all = machine->multiprocessing;
    if (all == NULL)
        return;
    for (uint32_t id = 1; id <= all->jobs.used; id++)
        free(job_at(machine, id)->arrived);
    pool_free(&all->messages);
    pool_free(&all->jobs);
}

// ---- messages

uint32_t message_make(Machine *machine, MessageKind kind, uint64_t bytes, uint32_t objects)
{
    uint32_t id = pool_take(machine, &machine->multiprocessing->messages);
    Message *message = message_at(machine, id);
    message->kind = (uint8_t)kind;
    message->users = 1;
    message->bytes = bytes;
    message->objects = objects;
    return id;
}

uint32_t message_answer(Machine *machine, uint32_t id, uint64_t bytes)
{
    const Message *task = message_at(machine, id);
    uint32_t answer = message_make(machine, (MessageKind)task->kind, bytes, task->objects);
    message_at(machine, answer)->job = task->job;
    message_at(machine, answer)->first = task->first;
    message_at(machine, answer)->count = task->count;
    message_drop(machine, id);
    return answer;
}

void message_drop(Machine *machine, uint32_t id)
{
    if (--message_at(machine, id)->users == 0)
        pool_give(&machine->multiprocessing->messages, id);
}

void message_list_add(Machine *machine, MessageList *list, uint32_t id)
{
    message_at(machine, id)->next = 0;
    if (list->last != 0)
        message_at(machine, list->last)->next = id;
    else
        list->first = id;
    list->last = id;
}

uint32_t message_list_take(Machine *machine, MessageList *list)
{
    uint32_t id = list->first;
    if (id == 0)
        return 0;
    list->first = message_at(machine, id)->next;
    if (list->first == 0)
        list->last = 0;
    return id;
}

// ---- queues

Feeder *feeder_of(Machine *machine, Process *process, uint32_t connection)
{
    if (process->feeders == NULL)
        process->feeders =
            ARENA_ARRAY(&machine->arena, Feeder, machine->scenario->connection_count);
    return &process->feeders[connection - 1];
}

// ---- jobs

static uint32_t chunk_of(const Machine *machine, uint32_t pool, uint32_t count)
{
    uint64_t parts = (uint64_t)pool_def(machine, pool)->workers * 4;
    return (uint32_t)((count + parts - 1) / parts);
}

uint32_t job_make(Machine *machine, uint32_t pool, uint32_t work, uint32_t count, uint32_t chunk,
                  bool ordered)
{
    Multiprocessing *all = machine->multiprocessing;
    uint32_t id = pool_take(machine, &all->jobs);
    Job *job = job_at(machine, id);
    *job = (Job){.pool = pool,
                 .work = work,
                 .count = count,
                 .chunk = chunk != 0 ? chunk : chunk_of(machine, pool, count),
                 .ordered = ordered,
                 .item_bytes = MESSAGE_ITEM_BYTES,
                 .result_bytes = MESSAGE_ITEM_BYTES};
    job->left = count / job->chunk + (count % job->chunk != 0);
    if (ordered) {
        job->arrived = calloc(job->left, 1);
        CHECKF(job->arrived != NULL, "out of memory for %u chunks", job->left);
    }
    WorkerPool *workers = worker_pool(machine, pool);
    workers->jobs++;
    if (workers->asked_last != 0)
        job_at(machine, workers->asked_last)->next = id;
    else
        workers->asked_first = id;
    workers->asked_last = id;
    return id;
}

uint32_t job_take(Machine *machine, uint32_t pool)
{
    WorkerPool *workers = worker_pool(machine, pool);
    uint32_t id = workers->asked_first;
    if (id == 0)
        return 0;
    workers->asked_first = job_at(machine, id)->next;
    if (workers->asked_first == 0)
        workers->asked_last = 0;
    return id;
}

uint32_t job_next_chunk(Machine *machine, uint32_t id)
{
    Job *job = job_at(machine, id);
    if (job->given == job->count)
        return 0;
    uint32_t left = job->count - job->given, count = left < job->chunk ? left : job->chunk;
    uint64_t bytes = MESSAGE_TASK_BYTES + count * job->item_bytes;
    uint32_t message = message_make(machine, MESSAGE_CHUNK, bytes, count);
    Message *chunk = message_at(machine, message);
    chunk->job = id;
    chunk->first = job->given;
    chunk->count = count;
    job->given += count;
    return message;
}

void job_chunk_done(Machine *machine, uint32_t id, uint32_t first)
{
    Job *job = job_at(machine, id);
    CHECK(job->left > 0);
    job->left--;
    job->done++;
    if (job->ordered)
        job->arrived[first / job->chunk] = 1;
    if (job->left > 0)
        return;
    worker_pool(machine, job->pool)->jobs--;
    if (job->abandoned)
        job_drop(machine, id);
}

bool job_has_next(const Machine *machine, uint32_t id)
{
    const Job *job = job_at(machine, id);
    return job->ordered ? job->arrived[job->taken] != 0 : job->done > job->taken;
}

bool job_over(const Machine *machine, uint32_t id)
{
    return job_at(machine, id)->left == 0;
}

void job_drop(Machine *machine, uint32_t id)
{
    Job *job = job_at(machine, id);
    free(job->arrived);
    job->arrived = NULL;
    pool_give(&machine->multiprocessing->jobs, id);
}

void job_abandon(Machine *machine, uint32_t id)
{
    job_at(machine, id)->abandoned = true;
    if (job_over(machine, id))
        job_drop(machine, id);
}

uint32_t job_function(const Machine *machine, const Job *job, uint32_t item)
{
    const WorkDef *first = &machine->scenario->works[job->work - 1], *last = first;
    while (!last->last)
        last++;
    const WorkDef *work = &first[item % (uint32_t)(last - first + 1)];
    return machine->scenario->functions[work->function - 1].entry;
}
