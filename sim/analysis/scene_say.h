// What the files that put a scene into words share. Not for readers.
#pragma once
#include "sim/analysis/scene_text.h"
#include "sim/base/size.h"
#include "sim/scenario/quantity.h"

#include <stdio.h>

enum { NAMES_MOST = 20, LABEL_COLUMNS = 20 };

typedef struct Teller {
    const Scene *scene;
    const Names *names;
    Writer *writer;
    bool headed; // the section has its heading
} Teller;

static inline void say(const Teller *teller, const char *text)
{
    writer_text(teller->writer, text);
}

static inline void say_value(const Teller *teller, ArgType type, uint64_t value)
{
    sentence_argument(teller->writer, teller->names, type, value);
}

static inline void say_ns(const Teller *teller, int64_t ns)
{
    char text[32];
    say(teller, duration_text(ns, text));
}

static inline void say_size(const Teller *teller, uint64_t bytes)
{
    char text[32];
    say(teller, size_text(bytes, text));
}

static inline int64_t since(const Teller *teller, int64_t ns)
{
    return teller->scene->time_ns - ns;
}

// "runs", once before the first line of a section.
static inline void heading(Teller *teller, const char *text)
{
    if (!teller->headed) {
        say(teller, text);
        writer_char(teller->writer, '\n');
    }
    teller->headed = true;
}

// "queue jobs"; a forked process's own with whose it is: "queue child/jobs".
static inline char *sync_text(const Teller *teller, uint32_t number,
                              char text[static SYNC_NAME_SIZE + 32])
{
    char name[SYNC_NAME_SIZE];
    snprintf(text, SYNC_NAME_SIZE + 32, "%s %s",
             sync_kind_word(scene_sync_def(teller->scene, number)->kind),
             scene_sync_name(teller->scene, teller->names, number, name));
    return text;
}

// The name of a line, filled up so that what follows begins in one column.
static inline void label_text(const Teller *teller, const char *before, const char *name)
{
    say(teller, "  ");
    say(teller, before);
    say(teller, name);
    writer_fill(teller->writer, ' ', LABEL_COLUMNS - text_columns(before) - text_columns(name));
    say(teller, "  ");
}

static inline void label(const Teller *teller, ArgType type, uint64_t value, const char *before)
{
    char name[128];
    label_text(teller, before, narrate_argument(teller->names, type, value, name, sizeof name));
}

// "task_a #2"; also of one that has ended, whose function is not known any more: "#2".
static inline void say_coroutine(const Teller *teller, uint32_t serial)
{
    const SceneCoroutine *coroutine = scene_coroutine(teller->scene, serial);
    if (coroutine == NULL)
        writer_format(teller->writer, "#%u", serial);
    else
        say_value(teller, ARG_COROUTINE, coroutine_pack(serial, coroutine->function));
}

// The GILs, the event loops and their coroutines: sections of their own. (scene_text_python.c)
void scene_text_python(Teller *teller);
// Executors, pools of processes and streams: a section of their own. (scene_text_work.c)
void scene_text_work(Teller *teller);
