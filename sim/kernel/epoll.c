#include "sim/kernel/epoll.h"

#include "sim/base/check.h"
#include "sim/kernel/eventfd.h"
#include "sim/kernel/pipe.h"
#include "sim/kernel/sched.h"
#include "sim/kernel/socket_pair.h"
#include "sim/kernel/wait_list.h"

#include <stdlib.h>

// A file that a set watches. It is on the file's list of watchers, and perhaps on the set's list of
// ready files.
typedef struct Item {
    uint32_t epoll;
    File file;
    uint32_t data;
    EpollMask events;
    bool listed;                     // on the ready list
    uint32_t next_watcher;           // of the file; a free item: the next free one
    uint32_t next_ready, last_ready; // its neighbours on the ready list
} Item;

typedef struct Set {
    Pid process;
    WaitList waiters;
    uint32_t first, last; // Items that may be ready
    uint32_t ready, count;
} Set;

struct Epolls {
    ARRAY(Set *) sets; // they do not move: tasks wait in them
    ARRAY(Item) items; // items.at[0] is not used
    uint32_t free_item;
};

static Epolls *epolls_of(Machine *machine)
{
    if (machine->epolls == NULL) {
        machine->epolls = ARENA_NEW(&machine->arena, Epolls);
        ARRAY_EXTEND(&machine->epolls->items);
    }
    return machine->epolls;
}

static Set *set_at(const Machine *machine, uint32_t epoll)
{
    return machine->epolls->sets.at[epoll - 1];
}

static Item *item_at(const Machine *machine, uint32_t item)
{
    return &machine->epolls->items.at[item];
}

void epolls_free(Machine *machine)
{
    Epolls *epolls = machine->epolls;
    if (epolls == NULL)
        return;
    for (size_t i = 0; i < epolls->sets.count; i++)
        free(epolls->sets.at[i]);
    ARRAY_FREE(&epolls->sets);
    ARRAY_FREE(&epolls->items);
}

uint64_t epolls_bytes(const Machine *machine)
{
    const Epolls *epolls = machine->epolls;
    if (epolls == NULL)
        return 0;
    return epolls->sets.count * sizeof(Set) + epolls->items.capacity * sizeof(Item);
}

uint32_t epoll_open(Machine *machine, Pid process)
{
    Epolls *epolls = epolls_of(machine);
    Set *set = calloc(1, sizeof *set);
    CHECK(set != NULL);
    set->process = process;
    *ARRAY_PUSH(&epolls->sets) = set;
    return (uint32_t)epolls->sets.count;
}

// ---- files

static EpollMask ready_now(const Machine *machine, File file)
{
    switch ((FileKind)file.kind) {
    case FILE_PIPE_READ:
        return pipe_ready(pipe_at(machine, (PipeId){file.id}), PIPE_END_READ);
    case FILE_PIPE_WRITE:
        return pipe_ready(pipe_at(machine, (PipeId){file.id}), PIPE_END_WRITE);
    case FILE_SELF_PIPE:
        return socket_pair_ready(machine, file.id);
    case FILE_EVENTFD:
        return eventfd_ready(machine, file.id);
    default:
        CHECKF(false, "file kind %u", file.kind);
        return 0;
    }
}

// The first of those who watch the file.
static uint32_t *watchers(Machine *machine, File file)
{
    if (file.kind == FILE_SELF_PIPE)
        return socket_pair_watchers(machine, file.id);
    if (file.kind == FILE_EVENTFD)
        return eventfd_watchers(machine, file.id);
    PipeEnd end = file.kind == FILE_PIPE_READ ? PIPE_END_READ : PIPE_END_WRITE;
    return &pipe_at(machine, (PipeId){file.id})->watchers[end];
}

static uint32_t find(const Machine *machine, uint32_t epoll, File file)
{
    uint32_t at = *watchers((Machine *)machine, file);
    while (at != 0 && item_at(machine, at)->epoll != epoll)
        at = item_at(machine, at)->next_watcher;
    return at;
}

EpollMask epoll_mask(const Machine *machine, uint32_t epoll, File file)
{
    uint32_t id = find(machine, epoll, file);
    return id == 0 ? 0 : item_at(machine, id)->events;
}

uint32_t epoll_count(const Machine *machine, uint32_t epoll)
{
    return set_at(machine, epoll)->count;
}

static void say(Machine *machine, EventKind kind, const Item *item, EpollMask events,
                const Task *by)
{
    machine_emit(machine, kind, by != NULL ? by->core : CORE_NONE,
                 by != NULL ? by->id : (TaskId){0}, file_pack(item->file.kind, item->file.id),
                 epoll_pack(item->epoll, events));
}

// ---- the list

static void list_last(Machine *machine, uint32_t id)
{
    Item *item = item_at(machine, id);
    Set *set = set_at(machine, item->epoll);
    item->listed = true;
    item->next_ready = 0;
    item->last_ready = set->last;
    if (set->last != 0)
        item_at(machine, set->last)->next_ready = id;
    else
        set->first = id;
    set->last = id;
    set->ready++;
}

static void unlist(Machine *machine, uint32_t id)
{
    Item *item = item_at(machine, id);
    Set *set = set_at(machine, item->epoll);
    if (item->last_ready != 0)
        item_at(machine, item->last_ready)->next_ready = item->next_ready;
    else
        set->first = item->next_ready;
    if (item->next_ready != 0)
        item_at(machine, item->next_ready)->last_ready = item->last_ready;
    else
        set->last = item->last_ready;
    item->listed = false;
    set->ready--;
}

static Duration wake_one(Machine *machine, uint32_t epoll, const Task *by)
{
    Task *task = wait_list_take(machine, &set_at(machine, epoll)->waiters);
    if (task == NULL)
        return (Duration){0};
    return sched_wake(machine, task, by != NULL ? by->id : (TaskId){0},
                      by != NULL ? by->core : task->core);
}

// ep_poll_callback: `events` of the item's file may be so now.
static Duration notice(Machine *machine, uint32_t id, EpollMask events, const Task *by)
{
    const Item *item = item_at(machine, id);
    EpollMask of_interest = events & (item->events | EPOLL_ALWAYS);
    if (of_interest == 0)
        return (Duration){0};
    if (!item->listed) {
        say(machine, EVENT_EPOLL_READY, item, of_interest, by);
        list_last(machine, id);
    }
    return wake_one(machine, item_at(machine, id)->epoll, by);
}

Duration epoll_changed(Machine *machine, File file, EpollMask events, Task *by)
{
    Duration cost = {0};
    for (uint32_t at = *watchers(machine, file); at != 0; at = item_at(machine, at)->next_watcher)
        cost = duration_add(cost, notice(machine, at, events, by));
    return cost;
}

// ---- epoll_ctl

Duration epoll_add(Machine *machine, uint32_t epoll, File file, EpollMask events, uint32_t data,
                   Task *by)
{
    Epolls *epolls = epolls_of(machine);
    CHECK(find(machine, epoll, file) == 0);
    uint32_t id = epolls->free_item;
    if (id != 0) {
        epolls->free_item = item_at(machine, id)->next_watcher;
    } else {
        ARRAY_EXTEND(&epolls->items);
        id = (uint32_t)epolls->items.count - 1;
    }
    uint32_t *last = watchers(machine, file);
    while (*last != 0)
        last = &item_at(machine, *last)->next_watcher;
    *last = id;
    *item_at(machine, id) = (Item){.epoll = epoll, .file = file, .data = data, .events = events};
    set_at(machine, epoll)->count++;
    say(machine, EVENT_EPOLL_WATCHES, item_at(machine, id), events, by);
    return notice(machine, id, ready_now(machine, file), by);
}

Duration epoll_modify(Machine *machine, uint32_t epoll, File file, EpollMask events, Task *by)
{
    uint32_t id = find(machine, epoll, file);
    CHECK(id != 0);
    item_at(machine, id)->events = events;
    say(machine, EVENT_EPOLL_WATCHES, item_at(machine, id), events, by);
    return notice(machine, id, ready_now(machine, file), by);
}

static void remove_item(Machine *machine, uint32_t id)
{
    Item *item = item_at(machine, id);
    uint32_t *at = watchers(machine, item->file);
    while (*at != id)
        at = &item_at(machine, *at)->next_watcher;
    *at = item->next_watcher;
    if (item->listed)
        unlist(machine, id);
    set_at(machine, item->epoll)->count--;
    item->next_watcher = machine->epolls->free_item;
    machine->epolls->free_item = id;
    item->epoll = 0;
}

void epoll_remove(Machine *machine, uint32_t epoll, File file, Task *by)
{
    uint32_t id = find(machine, epoll, file);
    CHECK(id != 0);
    say(machine, EVENT_EPOLL_WATCHES, item_at(machine, id), 0, by);
    remove_item(machine, id);
}

void epoll_forget(Machine *machine, File file)
{
    while (*watchers(machine, file) != 0)
        remove_item(machine, *watchers(machine, file));
}

void epoll_shut(Machine *machine, uint32_t epoll)
{
    Epolls *epolls = machine->epolls;
    for (uint32_t i = 1; i < epolls->items.count && set_at(machine, epoll)->count > 0; i++)
        if (item_at(machine, i)->epoll == epoll)
            remove_item(machine, i);
}

void epoll_shut_all(Machine *machine, Pid process)
{
    size_t count = machine->epolls == NULL ? 0 : machine->epolls->sets.count;
    for (uint32_t epoll = 1; epoll <= count; epoll++)
        if (ID_EQUAL(set_at(machine, epoll)->process, process))
            epoll_shut(machine, epoll);
}

// ---- epoll_wait

uint32_t epoll_take(Machine *machine, uint32_t epoll, EpollEvent *out, uint32_t most, Task *by,
                    Duration *cost)
{
    Set *set = set_at(machine, epoll);
    uint32_t taken = 0;
    // Those on the list now, each once; what goes to its end is not looked at again.
    for (uint32_t left = set->ready; left > 0 && taken < most; left--) {
        uint32_t id = set->first;
        Item *item = item_at(machine, id);
        EpollMask events = ready_now(machine, item->file) & (item->events | EPOLL_ALWAYS);
        unlist(machine, id);
        if (events == 0)
            continue;
        list_last(machine, id);
        say(machine, EVENT_EPOLL_TAKEN, item, events, by);
        out[taken++] = (EpollEvent){item->file, events, item->data};
    }
    *cost = set->ready > 0 ? wake_one(machine, epoll, by) : (Duration){0};
    return taken;
}

void epoll_sleep(Machine *machine, uint32_t epoll, Task *task)
{
    wait_list_add_first(machine, &set_at(machine, epoll)->waiters, task);
    sched_block(machine, task, SWITCH_BLOCKED_EPOLL);
}
