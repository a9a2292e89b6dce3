// eventfd(2): a counter that can be watched. Whoever writes adds to it, whoever reads takes all of
// it; by it libuv's loops are woken by other threads. Neither ever waits here: no counter is
// written as often as it takes to fill it, and a read of 0 fails (EAGAIN).
#pragma once
#include "sim/kernel/epoll.h"

typedef struct Eventfds Eventfds; // eventfd.c

void eventfds_free(Machine *machine);
// A new one; its number.
uint32_t eventfd_open(Machine *machine);
void eventfd_close(Machine *machine, uint32_t eventfd);
// `by` adds 1. Returns what waking takes.
Duration eventfd_write(Machine *machine, uint32_t eventfd, Task *by);
// Takes what there is, and returns it.
uint64_t eventfd_read(Machine *machine, uint32_t eventfd);

// For epoll.c.
EpollMask eventfd_ready(const Machine *machine, uint32_t eventfd);
uint32_t *eventfd_watchers(Machine *machine, uint32_t eventfd);
