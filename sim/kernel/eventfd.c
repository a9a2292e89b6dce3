#include "sim/kernel/eventfd.h"

typedef struct Eventfd {
    uint64_t value;
    uint32_t watchers;
} Eventfd;

struct Eventfds {
    ARRAY(Eventfd) all;
};

static Eventfd *eventfd_at(const Machine *machine, uint32_t eventfd)
{
    return &machine->eventfds->all.at[eventfd - 1];
}

void eventfds_free(Machine *machine)
{
    if (machine->eventfds != NULL)
        ARRAY_FREE(&machine->eventfds->all);
}

uint32_t eventfd_open(Machine *machine)
{
    if (machine->eventfds == NULL)
        machine->eventfds = ARENA_NEW(&machine->arena, Eventfds);
    ARRAY_EXTEND(&machine->eventfds->all);
    return (uint32_t)machine->eventfds->all.count;
}

void eventfd_close(Machine *machine, uint32_t eventfd)
{
    epoll_forget(machine, (File){FILE_EVENTFD, eventfd});
    eventfd_at(machine, eventfd)->value = 0;
}

Duration eventfd_write(Machine *machine, uint32_t eventfd, Task *by)
{
    eventfd_at(machine, eventfd)->value++;
    return epoll_changed(machine, (File){FILE_EVENTFD, eventfd}, EPOLL_IN, by);
}

uint64_t eventfd_read(Machine *machine, uint32_t eventfd)
{
    uint64_t value = eventfd_at(machine, eventfd)->value;
    eventfd_at(machine, eventfd)->value = 0;
    return value;
}

EpollMask eventfd_ready(const Machine *machine, uint32_t eventfd)
{
    return eventfd_at(machine, eventfd)->value > 0 ? EPOLL_IN : 0;
}

uint32_t *eventfd_watchers(Machine *machine, uint32_t eventfd)
{
    return &eventfd_at(machine, eventfd)->watchers;
}
