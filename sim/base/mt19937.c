#include "sim/base/mt19937.h"

#include "sim/base/wide.h"

enum { MIDDLE = 397 };

static void seed_word(Mt19937 *mt, uint32_t seed)
{
    mt->words[0] = seed;
    for (uint32_t i = 1; i < MT19937_WORDS; i++) {
        uint32_t last = mt->words[i - 1];
        mt->words[i] = 1812433253u * (last ^ (last >> 30)) + i;
    }
    mt->index = MT19937_WORDS;
}

// init_by_array, with the seed's 32-bit words as the key, the lowest first; 0 is one word.
void mt19937_seed(Mt19937 *mt, uint64_t seed)
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t key_words = key[1] != 0 ? 2 : 1;
    seed_word(mt, 19650218u);
    uint32_t *words = mt->words;
    uint32_t i = 1, j = 0;
    for (uint32_t step = 0; step < MT19937_WORDS; step++) {
        words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30)) * 1664525u)) + key[j] + j;
        j = (j + 1) % key_words;
        if (++i == MT19937_WORDS) {
            words[0] = words[MT19937_WORDS - 1];
            i = 1;
        }
    }
    for (uint32_t step = 0; step < MT19937_WORDS - 1; step++) {
        words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30)) * 1566083941u)) - i;
        if (++i == MT19937_WORDS) {
            words[0] = words[MT19937_WORDS - 1];
            i = 1;
        }
    }
    words[0] = 0x80000000u;
}

void mt19937_seed_drawn(Mt19937 *mt, uint64_t seed, uint64_t drawn)
{
    mt19937_seed(mt, seed);
    for (uint64_t i = 0; i < drawn; i++)
        mt19937_random_q53(mt);
}

static void next_words(Mt19937 *mt)
{
    for (uint32_t i = 0; i < MT19937_WORDS; i++) {
        uint32_t bits =
            (mt->words[i] & 0x80000000u) | (mt->words[(i + 1) % MT19937_WORDS] & 0x7fffffffu);
        uint32_t twisted = (bits >> 1) ^ ((bits & 1) != 0 ? 0x9908b0dfu : 0);
        mt->words[i] = mt->words[(i + MIDDLE) % MT19937_WORDS] ^ twisted;
    }
    mt->index = 0;
}

uint32_t mt19937_u32(Mt19937 *mt)
{
    if (mt->index == MT19937_WORDS)
        next_words(mt);
    uint32_t y = mt->words[mt->index++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

uint64_t mt19937_random_q53(Mt19937 *mt)
{
    uint64_t a = mt19937_u32(mt) >> 5, b = mt19937_u32(mt) >> 6;
    return a << 26 | b;
}

// `value` as a double holds it: its 53 highest bits, rounded to nearest, ties to even.
static UInt128 round_to_double(UInt128 value)
{
    int shift = 0;
    while (value >> shift >= (UInt128)1 << 53)
        shift++;
    if (shift == 0)
        return value;
    UInt128 kept = value >> shift, rest = value & (((UInt128)1 << shift) - 1);
    UInt128 half = (UInt128)1 << (shift - 1);
    if (rest > half || (rest == half && (kept & 1) != 0))
        kept++;
    return kept << shift;
}

uint64_t mt19937_scaled(Mt19937 *mt, uint32_t factor, uint32_t offset)
{
    UInt128 product = round_to_double((UInt128)mt19937_random_q53(mt) * factor);
    return (uint64_t)(round_to_double(product + ((UInt128)offset << 53)) >> 53);
}

uint32_t mt19937_below(Mt19937 *mt, uint32_t bound)
{
    int unused = __builtin_clz(bound); // of 32 bits
    uint32_t number;
    while ((number = mt19937_u32(mt) >> unused) >= bound)
        continue;
    return number;
}
