// What holds of every scene, whatever the trace: lists are lists, and who runs is where it says.
#pragma once
#include "sim/analysis/scene.h"

// NULL when the laws hold, else the one that does not.
const char *scene_laws(const Scene *scene);
