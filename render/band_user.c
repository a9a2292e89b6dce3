// The upper band: the processes side by side, and who has ended and is not collected. Where there
// is not room for all of them alike, the processes of a pool or an executor, which do nothing else,
// share what the others leave them, in as many rows as that takes.
#include "render/machine_bands.h"

#include <inttypes.h>

static bool is_alive(const Scene *scene, uint32_t pid)
{
    const SceneProcess *process = scene_process(scene, pid);
    return process != NULL && process->started && !process->ended;
}

// Who has ended and whose end nobody has collected, in a line at the band's bottom.
static void draw_zombies(Stage *stage, Box *box)
{
    const Player *player = stage->player;
    char name[96];
    Box row = {0};
    for (uint32_t pid = 1; pid <= stage->scene->processes.count; pid++) {
        const SceneProcess *process = scene_process(stage->scene, pid);
        if (process == NULL || !process->ended || process->reaped)
            continue;
        if (box_empty(row)) {
            row = box_cut_bottom(box, draw_line_height(stage->list, STYLE_SMALL));
            stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "zombies, not collected:");
        }
        stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT, "%s (%" PRIu32 ")",
                    process_names_text(&player->recording->processes, &player->recording->tasks,
                                       player->scenario, pid, name),
                    pid);
        if (row.w < theme_px(stage->list->theme, 40))
            return;
    }
}

// ---- those that do nothing but a pool's work

// Whether the threads of this entry are main threads of such processes.
static bool is_workers_def(const Scenario *scenario, uint32_t def)
{
    for (uint32_t i = 0; i < scenario->pool_count; i++)
        if (scenario->pools[i].worker.index1 == def)
            return true;
    for (uint32_t i = 0; i < scenario->executor_count; i++)
        if (scenario->executors[i].processes && scenario->executors[i].child.index1 == def)
            return true;
    return false;
}

static bool is_worker(const Scene *scene, uint32_t pid)
{
    const SceneProcess *process = scene_process(scene, pid);
    const SceneTask *first = process != NULL ? scene_task(scene, process->first_task) : NULL;
    return first != NULL && is_workers_def(scene->scenario, first->def);
}

// ---- grids

typedef enum Which { ALL, NO_WORKERS, WORKERS } Which;

static bool is_shown(const Scene *scene, uint32_t pid, Which which)
{
    return is_alive(scene, pid) && (which == ALL || is_worker(scene, pid) == (which == WORKERS));
}

static uint32_t count_of(const Scene *scene, Which which)
{
    uint32_t count = 0;
    for (uint32_t pid = 1; pid <= scene->processes.count; pid++)
        count += is_shown(scene, pid, which);
    return count;
}

typedef struct Grid {
    int across, down;
    bool brief; // a row for each
} Grid;

static int whole_least(const Stage *stage)
{
    return 2 * stage_row_h(stage) + theme_px(stage->list->theme, 8);
}

static int brief_least(const Stage *stage)
{
    return stage_row_h(stage) + theme_px(stage->list->theme, 6);
}

enum { GAP = 8, USUAL_W = 150, NARROW_W = 100, GIL_W = 116 }; // points; a GIL's holder is beside it

static int narrow_w(const Stage *stage)
{
    bool gil = python_runtime(stage->scene->scenario) != NULL;
    return theme_px(stage->list->theme, gil ? GIL_W : NARROW_W);
}

static int most_of(int room, int least, int gap)
{
    int most = (room + gap) / (least + gap);
    return most < 1 ? 1 : most;
}

static Grid grid_with(const Stage *stage, Box box, uint32_t count, int least_w, int least_h)
{
    int gap = theme_px(stage->list->theme, GAP), across = most_of(box.w, least_w, gap);
    across = (uint32_t)across < count ? across : (int)count;
    int down = ((int)count + across - 1) / across, most_down = most_of(box.h, least_h, gap);
    return (Grid){across, down < most_down ? down : most_down, false};
}

static bool has_room(Grid grid, uint32_t count)
{
    return (uint32_t)(grid.across * grid.down) >= count;
}

// In one line if that can be, else in several; rather narrow than too few, and rather in brief.
static Grid grid_of(const Stage *stage, Box box, uint32_t count)
{
    int whole = whole_least(stage), usual_w = theme_px(stage->list->theme, USUAL_W);
    Grid usual = grid_with(stage, box, count, usual_w, whole);
    Grid narrow = grid_with(stage, box, count, narrow_w(stage), whole);
    if (has_room(usual, count) && !(usual.down > 1 && narrow.down == 1))
        return usual;
    Grid brief = grid_with(stage, box, count, narrow_w(stage), brief_least(stage));
    brief.brief = true;
    return has_room(narrow, count) || brief.across * brief.down <= narrow.across * narrow.down
               ? narrow
               : brief;
}

static void draw_more(Stage *stage, Box place, uint32_t left)
{
    int width = place.w;
    stage_textf(stage, &place, STYLE_SMALL, COLOUR_TEXT_SOFT, "and %" PRIu32 " more processes",
                left);
    if (place.w == width)
        stage_textf(stage, &place, STYLE_SMALL, COLOUR_TEXT_SOFT, "and %" PRIu32 " more", left);
}

static void draw_grid(Stage *stage, Box box, Grid grid, Which which)
{
    const Scene *scene = stage->scene;
    int gap = theme_px(stage->list->theme, grid.brief ? GAP / 2 : GAP);
    int w = (box.w - (grid.across - 1) * gap) / grid.across;
    int h = (box.h - (grid.down - 1) * gap) / grid.down;
    uint32_t all = count_of(scene, which), room = (uint32_t)(grid.across * grid.down), shown = 0;
    for (uint32_t pid = 1; pid <= scene->processes.count; pid++) {
        if (!is_shown(scene, pid, which))
            continue;
        int column = (int)shown % grid.across, row = (int)shown / grid.across;
        Box place = {box.x + column * (w + gap), box.y + row * (h + gap), w, h};
        if (shown + 1 == room && all > room) {
            draw_more(stage, place, all - shown);
            return;
        }
        if (grid.brief)
            band_process_brief(stage, place, pid);
        else
            band_process(stage, place, pid);
        shown++;
    }
}

// The workers' part at the right: as many columns as their rows leave them, the others having at
// least half of the width.
static Box cut_workers(const Stage *stage, Box *box, uint32_t workers)
{
    int gap = theme_px(stage->list->theme, GAP), down = most_of(box->h, whole_least(stage), gap);
    int w = narrow_w(stage), most = most_of(box->w / 2, w, gap);
    int wanted = ((int)workers + down - 1) / down;
    if (wanted > most) { // in brief
        down = most_of(box->h, brief_least(stage), gap / 2);
        wanted = ((int)workers + down - 1) / down;
    }
    int across = wanted < most ? wanted : most;
    Box part = box_cut_right(box, across * w + (across - 1) * gap);
    box_cut_right(box, gap);
    return part;
}

void band_user(Stage *stage, Box box)
{
    const Scene *scene = stage->scene;
    draw_zombies(stage, &box);
    uint32_t alive = count_of(scene, ALL), workers = count_of(scene, WORKERS);
    if (alive == 0)
        return;
    int python =
        stage->compact ? band_work_rows(scene->scenario) + 2 : band_python_rows(scene->scenario);
    band_memory(stage, &box, (python > 3 ? python : 3) * stage_row_h(stage));
    int usual_w = theme_px(stage->list->theme, USUAL_W);
    bool apart = workers > 1 && workers < alive && (int)alive * usual_w * 3 / 2 > box.w;
    if (!apart) {
        draw_grid(stage, box, grid_of(stage, box, alive), ALL);
        return;
    }
    Box part = cut_workers(stage, &box, workers);
    draw_grid(stage, part, grid_of(stage, part, workers), WORKERS);
    draw_grid(stage, box, grid_of(stage, box, alive - workers), NO_WORKERS);
}
