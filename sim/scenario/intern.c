// Texts, distributions, core sets and names, each stored once: a scenario with a million equal ops
// stays small, and equal texts have equal ids. One hash table keeps all of them; the first byte of
// a key says which kind it is.
#include "sim/scenario/loader.h"

#include "sim/base/check.h"

#include <string.h>
#define uthash_fatal(message) CHECKF(false, "%s", message)
#include <uthash.h>

struct Interned {
    uint32_t index1;
    UT_hash_handle hh;
};

enum { TAG_STRING, TAG_DIST, TAG_CORE_SET, TAG_SYMBOL };

// The entry of a key that begins with `tag`; a new one has index1 0.
static Interned *find(Loader *loader, char tag, const void *bytes, size_t count)
{
    char small[256];
    char *key = count + 1 <= sizeof small ? small : arena_alloc(&loader->scratch, count + 1);
    key[0] = tag;
    memcpy(key + 1, bytes, count);
    Interned *entry;
    HASH_FIND(hh, loader->interned, key, (unsigned)(count + 1), entry);
    if (entry != NULL)
        return entry;
    char *kept = key == small ? arena_text(&loader->scratch, key, count + 1) : key;
    entry = ARENA_NEW(&loader->scratch, Interned);
    HASH_ADD_KEYPTR(hh, loader->interned, kept, (unsigned)(count + 1), entry);
    return entry;
}

StringId intern_string(Loader *loader, const char *text)
{
    size_t length = strlen(text);
    Interned *entry = find(loader, TAG_STRING, text, length);
    if (entry->index1 == 0) {
        *ARRAY_PUSH(&loader->strings) = arena_text(&loader->scenario->arena, text, length);
        entry->index1 = (uint32_t)loader->strings.count;
    }
    return (StringId){entry->index1};
}

uint32_t intern_dist(Loader *loader, Dist dist)
{
    if (dist.kind == DIST_CHOICE) { // has a list of its own
        *ARRAY_PUSH(&loader->dists) = dist;
        return (uint32_t)loader->dists.count;
    }
    int64_t key[3] = {(int64_t)dist.kind, dist.a, dist.b};
    Interned *entry = find(loader, TAG_DIST, key, sizeof key);
    if (entry->index1 == 0) {
        *ARRAY_PUSH(&loader->dists) = dist;
        entry->index1 = (uint32_t)loader->dists.count;
    }
    return entry->index1;
}

uint32_t intern_core_set(Loader *loader, const CoreSet *set)
{
    Interned *entry = find(loader, TAG_CORE_SET, set->words, sizeof set->words);
    if (entry->index1 == 0) {
        *ARRAY_PUSH(&loader->core_sets) = *set;
        entry->index1 = (uint32_t)loader->core_sets.count;
    }
    return entry->index1;
}

uint32_t *intern_symbol(Loader *loader, ProcessId process, SymbolKind kind, StringId name)
{
    uint32_t key[3] = {process.index1, (uint32_t)kind, name.index1};
    return &find(loader, TAG_SYMBOL, key, sizeof key)->index1;
}

const char **intern_names(Loader *loader, ProcessId process, SymbolKind kind, size_t *count)
{
    uint32_t key[3] = {process.index1, (uint32_t)kind, 0};
    enum { BEFORE_NAME = 1 + 2 * sizeof key[0] };
    const char **names =
        ARENA_ARRAY(&loader->scratch, const char *, HASH_COUNT(loader->interned) + 1);
    *count = 0;
    for (const Interned *entry = loader->interned; entry != NULL; entry = entry->hh.next) {
        const char *bytes = entry->hh.key;
        if (entry->index1 == 0 || bytes[0] != TAG_SYMBOL ||
            memcmp(bytes + 1, key, BEFORE_NAME - 1) != 0)
            continue;
        uint32_t name;
        memcpy(&name, bytes + BEFORE_NAME, sizeof name);
        names[(*count)++] = loader->strings.at[name - 1];
    }
    return names;
}

void intern_free(Loader *loader)
{
    HASH_CLEAR(hh, loader->interned);
}
