// Stepping back in a recording, about as fast as forward. A scene knows the way forward only, so
// that a step back is a fold from a key frame. A rewind keeps some scenes of the stretch between
// the key frame and the instant, closer together the nearer they are to it: going back record by
// record then copies a scene and folds a few records each time, instead of half of the stretch.
#pragma once
#include "sim/analysis/recording.h"

// How many scenes are kept at most, and how many bytes of them.
enum { REWIND_SCENES = 32, REWIND_BYTES = 1 << 26 };

typedef struct Rewind {
    const Recording *recording;
    Scene kept[REWIND_SCENES]; // in order; `opened` of them have memory
    uint32_t count, opened;
} Rewind;

// `recording` outlives it. Keeps nothing yet.
void rewind_open(Rewind *rewind, const Recording *recording);
void rewind_free(Rewind *rewind); // one that is all zero, too

// The same scene as recording_seek gives. Steps back of up to a few records are fast; any other
// seek is the recording's.
void rewind_seek(Rewind *rewind, Scene *scene, uint64_t next);
