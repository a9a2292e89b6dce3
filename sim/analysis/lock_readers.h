// Who reads under a reader-writer lock: the scene counts them and does not keep who they are.
#pragma once
#include "sim/analysis/recording.h"

// The lock has this number in `scene`. Reads back through the trace: the ids of up to `most` of its
// readers in `readers`, the last one to come first. Returns how many of those there are.
uint32_t lock_readers(const Recording *recording, const Scene *scene, uint32_t number,
                      uint32_t *readers, uint32_t most);
