// What a thread did that woke another one: the record that a wake-up followed from.
#pragma once
#include "sim/analysis/recording.h"

// The deed of the waker that wake-up `wakeup` (index of a WAKEUP with a waker) followed from, in
// the same operation of the waker and among the `most` records before; `wakeup` itself when there
// is none.
uint64_t deed_of_wakeup(const Recording *recording, uint64_t wakeup, uint64_t most);
