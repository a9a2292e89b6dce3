// A YAML document as a tree: texts, lists and maps, every one with its place in the source. Private
// to the loader: nothing outside sim/scenario sees YAML. Not checked against the language yet.
#pragma once
#include "sim/base/arena.h"
#include "sim/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NODE_DEPTH_MAX = 64, // lists and maps inside each other; the loader recurses so deep
    SOURCE_BYTES_MAX = 16 * 1024 * 1024,
    NODES_MAX = 4 * 1000 * 1000,
};

typedef enum NodeKind { NODE_TEXT, NODE_LIST, NODE_MAP } NodeKind;

typedef struct Node Node;
struct Node {
    NodeKind kind;
    bool plain;        // a text without quotes
    uint16_t override; // 0: from the file; else the number (from 1) of the override it came with
    uint32_t count;    // items of a list, pairs of a map
    SourceAt at;       // line 0 when it came with an override; a quoted text's begins in the quotes
    uint32_t start, end; // byte offsets in the source (or in the override's value)
    const char *text;    // of a text, zero-terminated, without inner zeros
    Node *first;         // the first item of a list, the first value of a map
    Node *next;          // the next item of the same list or value of the same map
    Node *key;           // of a map's value: its key, a text
};

// Reads `source` (zero-terminated, `length` bytes without the zero) into a tree in `arena`. Any
// bytes give a tree or, and then it returns false, messages: aliases, anchors, tags, keys that are
// no texts and a second document are refused. A double key is an error with a tree: the first one
// counts, and the caller can go on to find more mistakes.
bool node_read(const char *source, size_t length, Arena *arena, Node **root, Diag *diag);

// The value of `key` in a map, or NULL.
Node *node_get(const Node *map, const char *key);

// Whether a text was left out (`key:` with nothing behind) or says null.
bool node_is_null(const Node *node);
