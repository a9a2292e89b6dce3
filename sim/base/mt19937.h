// The Mersenne Twister as Python's `random` module seeds and reads it: what random.seed(n) and
// random.random() give, bit for bit, in integers only. For exercises whose jobs a Python program
// drew; everything else draws from rng.h (Matsumoto and Nishimura 1998; CPython
// Modules/_randommodule.c).
#pragma once
#include <stdint.h>

enum { MT19937_WORDS = 624 };

typedef struct Mt19937 {
    uint32_t words[MT19937_WORDS];
    uint32_t index;
} Mt19937;

// random.seed(seed).
void mt19937_seed(Mt19937 *mt, uint64_t seed);
// The same, and then `drawn` calls of random.random().
void mt19937_seed_drawn(Mt19937 *mt, uint64_t seed, uint64_t drawn);
// random.getrandbits(32).
uint32_t mt19937_u32(Mt19937 *mt);
// random.random() times 2^53, which is a whole number.
uint64_t mt19937_random_q53(Mt19937 *mt);

// int(random.random() * factor + offset), with the roundings of Python's floating point. `factor`
// and `offset` are below 2^31.
uint64_t mt19937_scaled(Mt19937 *mt, uint32_t factor, uint32_t offset);

// Uniform in [0, bound), as random.choice and random.shuffle of Python 3 draw: as many bits as
// `bound` has, again until they are below it (CPython Lib/random.py _randbelow_with_getrandbits).
// `bound` is above 0.
uint32_t mt19937_below(Mt19937 *mt, uint32_t bound);
