// The table of keys.def. Nothing is decided here.
#include "sim/scenario/keys.h"

enum { REQUIRED = 1 };

static const KeyInfo infos[] = {
#define KEY(section, name, type, flags, value, text)                                               \
    {KEYS_##section, name, KEY_##type, ((flags)&REQUIRED) != 0, value, text},
#include "sim/scenario/keys.def"
#undef KEY
};

static const struct {
    const char *name, *text;
} types[] = {
#define X(id, name, text) [KEY_##id] = {name, text},
    KEY_TYPES(X)
#undef X
};

const KeyInfo *key_infos(size_t *count)
{
    *count = sizeof infos / sizeof infos[0];
    return infos;
}

const char *key_type_name(KeyType type)
{
    return types[type].name;
}

const char *key_type_text(KeyType type)
{
    return types[type].text;
}
