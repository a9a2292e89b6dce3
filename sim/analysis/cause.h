// The cause of an event: what led to it, in a sentence or two. Looks back only. Of waits why.h
// tells more.
#pragma once
#include "sim/analysis/recording.h"

// Of the record that the scene has in it last. False when there is nothing to say that the record's
// own sentence does not. The text is cut to `size` bytes.
bool cause_text(const Recording *recording, const Scene *scene, char *text, size_t size);
