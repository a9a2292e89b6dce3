// What `picture` and `film` share: their common options, and a run set up to be drawn without a
// window. Of the command line: it prints.
#pragma once
#include "render/canvas.h"
#include "render/player.h"

#include <argp.h>

enum { STAGE_OVERRIDES_MAX = 256 };

typedef struct StageOptions {
    Arena arena;
    const char *file;
    const char *output; // -o; NULL when it was not given
    const char *overrides[STAGE_OVERRIDES_MAX];
    size_t override_count;
    const char
        *beside[STAGE_OVERRIDES_MAX]; // of the other run, on top of these; none: no other run
    size_t beside_count;
    int w, h; // pixels; set the defaults before parsing
    bool dark, large, why;
    int view;         // index in the table of views
    const char *task; // name of the selected thread; NULL: none
    bool has_zoom;
    TimeSpan zoom; // of the timeline
} StageOptions;

// The common options, a child of both commands' parsers. Its input is the StageOptions.
extern const struct argp stage_argp;
// A point of simulated time on the command line ("12ms"); a message and exit when it is none.
int64_t stage_parse_time(struct argp_state *state, const char *text);

typedef struct Stage {
    const StageOptions *asked;
    Take *take;
    Take *before; // the run beside it, its ghost; NULL: none
    Player player;
    Fonts *fonts;
    Theme theme;
    DrawList frame;
    Canvas canvas;
} Stage;

// Runs the scenario (or reads the trace) and opens the fonts. False, with messages on standard
// error, when that cannot be; stage_close is due in any case. `asked` outlives the stage.
bool stage_open(Stage *stage, StageOptions *asked);
void stage_draw(Stage *stage); // the player as it is now, onto the canvas
void stage_close(Stage *stage);
