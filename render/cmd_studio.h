// What `picture` and `film` share: their common options, and a run set up to be drawn without a
// window. Of the command line: it prints.
#pragma once
#include "render/canvas.h"
#include "render/cmd_options.h"
#include "render/player.h"

typedef struct StudioOptions {
    ShowOptions show;
    const char *output;                    // -o; NULL when it was not given
    const char *beside[CLI_OVERRIDES_MAX]; // of the other run, on top of these; none: no other run
    size_t beside_count;
    bool why;
    int view;         // index in the table of views
    const char *task; // name of the selected thread; NULL: none
    bool has_zoom;
    TimeSpan zoom; // of the timeline
} StudioOptions;

// Options of a picture of `w` x `h` pixels unless the command line says otherwise.
StudioOptions studio_options(int w, int h);
// The common options, a child of both commands' parsers. Its input is the StudioOptions.
extern const struct argp studio_argp;
// A point of simulated time on the command line ("12ms"); a message and exit when it is none.
int64_t studio_parse_time(struct argp_state *state, const char *text);

typedef struct Studio {
    const StudioOptions *asked;
    Take *take;
    Take *before; // the run beside it, its ghost; NULL: none
    Player player;
    Fonts *fonts;
    Theme theme;
    DrawList frame;
    Canvas canvas;
} Studio;

// Runs the scenario (or reads the trace) and opens the fonts. False, with messages on standard
// error, when that cannot be; studio_close is due in any case. `asked` outlives the studio.
bool studio_open(Studio *studio, StudioOptions *asked);
void studio_draw(Studio *studio); // the player as it is now, onto the canvas
void studio_close(Studio *studio);
