// A pair of connected Unix sockets, of which one end only sends and the other only receives, a few
// bytes at a time: by it an event loop is woken by other threads and by signals. Neither end ever
// waits: a send into a full one and a receive from an empty one fail (EAGAIN).
#pragma once
#include "sim/kernel/epoll.h"

// Linux counts what a message takes in memory, not its bytes: 278 messages of a byte fill the
// buffer.
enum { SOCKET_PAIR_MESSAGES = 278 };

typedef struct SocketPairs SocketPairs; // socket_pair.c

void socket_pairs_free(Machine *machine);
// A new one; its number.
uint32_t socket_pair_open(Machine *machine);
void socket_pair_close(Machine *machine, uint32_t pair);
// `by` sends a byte. False when there is no room. `*cost`: what waking takes.
bool socket_pair_send(Machine *machine, uint32_t pair, uint8_t byte, Task *by, Duration *cost);
// Receives the oldest `room` bytes, or all there are, which are fewer. Returns how many.
uint32_t socket_pair_receive(Machine *machine, uint32_t pair, uint8_t *bytes, uint32_t room);

// For epoll.c.
EpollMask socket_pair_ready(const Machine *machine, uint32_t pair);
uint32_t *socket_pair_watchers(Machine *machine, uint32_t pair);
