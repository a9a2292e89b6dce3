// What a run's end must free of a queue. The ops are in queue.c.
#pragma once
#include "sim/kernel/sync.h"

void queue_free(Queue *queue);
