#include "sim/kernel/socket_pair.h"

#include <string.h>

typedef struct SocketPair {
    uint32_t count, watchers;
    uint8_t bytes[SOCKET_PAIR_MESSAGES];
} SocketPair;

struct SocketPairs {
    ARRAY(SocketPair) pairs;
};

static SocketPair *pair_at(const Machine *machine, uint32_t pair)
{
    return &machine->socket_pairs->pairs.at[pair - 1];
}

void socket_pairs_free(Machine *machine)
{
    if (machine->socket_pairs != NULL)
        ARRAY_FREE(&machine->socket_pairs->pairs);
}

uint32_t socket_pair_open(Machine *machine)
{
    if (machine->socket_pairs == NULL)
        machine->socket_pairs = ARENA_NEW(&machine->arena, SocketPairs);
    ARRAY_EXTEND(&machine->socket_pairs->pairs);
    return (uint32_t)machine->socket_pairs->pairs.count;
}

void socket_pair_close(Machine *machine, uint32_t pair)
{
    epoll_forget(machine, (File){FILE_SELF_PIPE, pair});
    pair_at(machine, pair)->count = 0;
}

bool socket_pair_send(Machine *machine, uint32_t id, uint8_t byte, Task *by, Duration *cost)
{
    SocketPair *pair = pair_at(machine, id);
    *cost = (Duration){0};
    if (pair->count == SOCKET_PAIR_MESSAGES)
        return false;
    pair->bytes[pair->count++] = byte;
    *cost = epoll_changed(machine, (File){FILE_SELF_PIPE, id}, EPOLL_IN, by);
    return true;
}

uint32_t socket_pair_receive(Machine *machine, uint32_t id, uint8_t *bytes, uint32_t room)
{
    SocketPair *pair = pair_at(machine, id);
    uint32_t count = pair->count < room ? pair->count : room;
    memcpy(bytes, pair->bytes, count);
    memmove(pair->bytes, pair->bytes + count, pair->count - count);
    pair->count -= count;
    return count;
}

EpollMask socket_pair_ready(const Machine *machine, uint32_t pair)
{
    return pair_at(machine, pair)->count > 0 ? EPOLL_IN : 0;
}

uint32_t *socket_pair_watchers(Machine *machine, uint32_t pair)
{
    return &pair_at(machine, pair)->watchers;
}
