// What a process of Python has besides its threads: the GIL with its holder and who waits for it,
// event loops (band_loop.c), and what hands work over (band_work.c).
#include "render/machine_bands.h"

#include <inttypes.h>
#include <stdio.h>

// ---- the GIL

void band_gil_token(Stage *stage, Box *row)
{
    DrawList *list = stage->list;
    int w = draw_text_width(list, STYLE_BOLD, "GIL") + 2 * theme_px(list->theme, 7);
    int h = stage_chip_h(stage);
    Box place = box_cut_left(row, w);
    place = (Box){place.x, place.y + (place.h - h) / 2, w, h};
    box_cut_left(row, theme_px(list->theme, 2));
    if (stage->dry)
        return;
    draw_round(list, place, theme_px(list->theme, 4), COLOUR_GIL);
    draw_text(list, place, ALIGN_CENTRE, STYLE_BOLD, COLOUR_ON_GIL, "GIL");
}

// The part of a waiter's interval that is left, 0 .. 1, running down.
static void interval_bar(Stage *stage, Box *row, double left)
{
    const Theme *theme = stage->list->theme;
    int h = theme_px(theme, 8), w = theme_px(theme, 36);
    if (w > row->w)
        return;
    Box place = box_cut_left(row, w);
    box_cut_left(row, stage_gap(stage));
    if (stage->dry)
        return;
    Box bar = {place.x, place.y + (place.h - h) / 2, w, h};
    draw_fill(stage->list, bar, COLOUR_RULE);
    left = left < 0 ? 0 : left > 1 ? 1 : left;
    draw_fill(stage->list, (Box){bar.x, bar.y, (int)(left * w + 0.5), h}, COLOUR_GIL);
    draw_stroke(stage->list, bar, 0, 1, COLOUR_TEXT_SOFT);
}

// Whose place is in the waiters' list: while it runs or is runnable its chip stands elsewhere.
static bool gil_waiter(Stage *stage, Box *row, const SceneGil *gil, uint32_t id, int reserve)
{
    const SceneTask *task = scene_task(stage->scene, id);
    Box room = *row;
    room.w -= reserve;
    int before = room.w;
    if (task->state == TASK_STATE_WAITS_GIL) {
        if (!stage_chip(stage, &room, id))
            return false;
    } else {
        if (room.w < theme_px(stage->list->theme, 40))
            return false;
        stage_name(stage, &room, id);
    }
    char text[32];
    int64_t asks_ns = scene_gil_asks_ns(stage->scene, id);
    duration_text(stage->scene->time_ns - task->gil_since_ns, text);
    stage_aside(stage, &room, text);
    int64_t left_ns = asks_ns - stage->scene->time_ns;
    if (asks_ns >= 0 && gil->interval_ns > 0) {
        interval_bar(stage, &room, (double)left_ns / (double)gil->interval_ns);
        if (gil->waiting == 1 && left_ns > 0) {
            char sentence[64];
            snprintf(sentence, sizeof sentence, "asks in %s", duration_text(left_ns, text));
            stage_aside(stage, &room, sentence);
        }
    }
    box_cut_left(row, before - room.w);
    return true;
}

static void gil_waiters(Stage *stage, Box row, const SceneGil *gil)
{
    uint32_t placed = 0;
    stage_soft(stage, &row, "waiting");
    if (gil->waiting == 0)
        stage_soft(stage, &row, "nobody");
    for (uint32_t at = gil->first; at != 0; placed++) {
        uint32_t next = stage->scene->tasks.at[at - 1].gil_next;
        if (!gil_waiter(stage, &row, gil, at, next != 0 ? stage_more_w(stage, gil->waiting) : 0))
            break;
        at = next;
    }
    stage_more(stage, &row, gil->waiting - placed);
}

static void gil_holder(Stage *stage, Box *row, const SceneGil *gil, bool brief)
{
    const Scene *scene = stage->scene;
    band_gil_token(stage, row);
    if (gil->holder == 0) {
        box_cut_left(row, theme_px(stage->list->theme, 4));
        stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT, "free");
        return;
    }
    stage_name(stage, row, gil->holder);
    if (!brief)
        stage_soft_ns(stage, row, "for %s", scene->time_ns - gil->since_ns);
    if (gil->asked_ns >= 0)
        stage_flag(stage, row, "drop asked");
}

// One line, or two where it is narrow: always two then, so that nothing jumps when somebody comes,
// unless there is nobody who could come, or an event loop needs the line while nobody waits.
static void draw_gil(Stage *stage, Box *box, const SceneGil *gil, bool single)
{
    const Theme *theme = stage->list->theme;
    bool narrow = box->w < theme_px(theme, 380), brief = box->w < theme_px(theme, 560);
    Box row = stage_row(stage, box), whole = row;
    if (gil->interpreter != 0)
        stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "interpreter %" PRIu32,
                    gil->interpreter);
    gil_holder(stage, &row, gil, brief && !narrow);
    if (gil->dropper != 0 && !brief) {
        stage_name(stage, &row, gil->dropper);
        stage_soft(stage, &row, "has dropped it");
    }
    // Where there is room, the waiters stand at one place while the holders change.
    int holder_w = theme_px(theme, 290);
    if (!brief && whole.w - row.w < holder_w)
        row = (Box){whole.x + holder_w, row.y, whole.w - holder_w, row.h};
    if (!narrow)
        gil_waiters(stage, row, gil);
    else if (!single && stage_has_row(stage, *box))
        gil_waiters(stage, stage_row(stage, box), gil);
}

static void draw_gils(Stage *stage, Box *box, uint32_t pid, const Runtime *runtime)
{
    const Scene *scene = stage->scene;
    static const SceneGil untaken = {.asked_ns = -1};
    uint32_t first = scene_process(scene, pid)->first_gil; // as a rule the main interpreter's
    const SceneGil *gil = first != 0 ? &scene->python.gils.at[first - 1] : &untaken;
    if (!runtime->has_gil && stage_has_row(stage, *box)) {
        Box row = stage_row(stage, box);
        stage_text(stage, &row, STYLE_BOLD, COLOUR_TEXT, "no GIL");
        stage_aside(stage, &row, "threads run bytecode at the same time");
        return;
    }
    bool one = scene_process(scene, pid)->threads < 2;
    bool low = box->h < (BAND_LOOP_ROWS + 2) * stage_row_h(stage);
    while (gil != NULL && stage_has_row(stage, *box)) {
        draw_gil(stage, box, gil, one || (low && gil->waiting == 0));
        gil = gil->next != 0 ? &scene->python.gils.at[gil->next - 1] : NULL;
    }
}

void band_python(Stage *stage, Box *box, uint32_t pid)
{
    const Scenario *scenario = stage->scene->scenario;
    const SceneProcess *process = scene_process(stage->scene, pid);
    if (process == NULL || process->def - 1 >= scenario->process_count)
        return;
    // A forked process runs what it is a copy of.
    ProcessId family = scenario->processes[process->def - 1].family;
    if (family.index1 - 1 >= scenario->process_count)
        return;
    const Runtime *runtime = &scenario->processes[family.index1 - 1].runtime;
    if (!runtime->python) {
        band_loops(stage, box, pid); // Node's, and its thread pool
        band_work(stage, box, pid, family);
        return;
    }
    draw_gils(stage, box, pid, runtime);
    band_loops(stage, box, pid);
    band_work(stage, box, pid, family);
}

int band_python_rows(const Scenario *scenario)
{
    bool loop = false;
    for (uint32_t i = 0; i < scenario->op_count && !loop; i++)
        loop = scenario->ops[i].code == OP_ASYNCIO_RUN || scenario->ops[i].code == OP_NODE_RUN;
    return (python_runtime(scenario) != NULL) + (loop ? BAND_LOOP_ROWS + 1 : 0) +
           band_work_rows(scenario);
}
