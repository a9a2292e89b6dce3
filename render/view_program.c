// The program: the scenario's text, the line of the current event, and where each thread is in it.
#include "render/panel.h"
#include "render/views.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MOST = 200, CURSORS_MOST = 4 };

// The threads at one line, those first that matter: the current event's, then those that run.
typedef struct LineCursors {
    uint32_t tasks[CURSORS_MOST], shown, count;
} LineCursors;

static uint32_t line_of(const Player *player, const SceneTask *task)
{
    return task->op < player->scenario->op_count ? player->scenario->op_at[task->op].line : 0;
}

// The line that the current event belongs to: its thread's, or, of an event without one, that of
// the selected thread or else of the last thread before; 0: none.
static uint32_t current_line(const Player *player)
{
    enum { LOOK_BACK = 64 };
    uint32_t id = 0;
    for (uint64_t i = 0; id == 0 && i < LOOK_BACK && i < player->scene.next; i++) {
        id = recording_at(player->recording, player->scene.next - 1 - i)->task;
        if (id == 0 && player->selected_task != 0)
            id = player->selected_task;
    }
    const SceneTask *task = scene_task(&player->scene, id);
    return task != NULL && task->op != 0 ? line_of(player, task) : 0;
}

static uint32_t count_lines(const char *text)
{
    uint32_t lines = 0;
    for (; *text != 0; lines++) {
        const char *end = strchr(text, '\n');
        if (end == NULL)
            return lines + 1;
        text = end + 1;
    }
    return lines;
}

// The first line to show, so that the wanted one is in the middle as far as the text allows.
static uint32_t first_shown(const Player *player, uint32_t lines, uint32_t shown)
{
    uint32_t last_first = lines > shown ? lines - shown + 1 : 1;
    if (player->first_line > 0)
        return (uint32_t)player->first_line < last_first ? (uint32_t)player->first_line
                                                         : last_first;
    uint32_t current = current_line(player), above = shown / 2;
    uint32_t first = current > above ? current - above : 1;
    return first < last_first ? first : last_first;
}

static void put_cursor(LineCursors *line, uint32_t task, bool matters)
{
    line->count++;
    if (line->shown < CURSORS_MOST)
        line->tasks[line->shown++] = task;
    else if (!matters)
        return;
    for (uint32_t i = line->shown - 1; matters && i > 0; i--)
        line->tasks[i] = line->tasks[i - 1];
    if (matters)
        line->tasks[0] = task;
}

static void find_cursors(const Player *player, LineCursors *lines, uint32_t first, uint32_t shown)
{
    const TraceRecord *record = player_current(player);
    uint32_t current = record != NULL ? record->task : 0, current_at = 0;
    for (uint32_t id = 1; id <= player->scene.tasks.count; id++) {
        const SceneTask *task = &player->scene.tasks.at[id - 1];
        if (task->op == 0 || task->state == TASK_STATE_ENDED)
            continue;
        uint32_t line = line_of(player, task);
        if (line < first || line - first >= shown)
            continue;
        if (id == current)
            current_at = line - first + 1;
        else
            put_cursor(&lines[line - first], id, task_state_runs((TaskState)task->state));
    }
    if (current_at > 0)
        put_cursor(&lines[current_at - 1], current, true);
}

// The chips of a line, from its right end; `row` becomes what is left for the text.
static void draw_cursors(DrawList *list, Box *row, const Player *player, const LineCursors *line)
{
    const Theme *theme = list->theme;
    int gap = theme_px(theme, 4), most = theme_px(theme, 110), least = row->w / 2;
    int h = row->h - theme_px(theme, 2);
    char more[24];
    uint32_t drawn = 0;
    for (; drawn < line->shown; drawn++) {
        int w = chip_width(list, player, most, line->tasks[drawn]);
        if (row->w - w - gap < least)
            break;
        Box place = box_cut_right(row, w);
        chip_draw(list, player, place.x, place.y + (place.h - h) / 2, h, w, line->tasks[drawn]);
        box_cut_right(row, gap);
    }
    if (drawn == line->count)
        return;
    snprintf(more, sizeof more, "+%u", line->count - drawn);
    int w = draw_text_width(list, STYLE_MONO_SMALL, more);
    draw_text(list, box_cut_right(row, w), ALIGN_RIGHT, STYLE_MONO_SMALL, COLOUR_TEXT_SOFT, more);
    box_cut_right(row, gap);
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void view_program(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    Box inside = panel_plain(list, box);
    Box head = box_cut_top(&inside, draw_line_height(list, STYLE_MONO));
    int gap = theme_px(theme, 12);
    box_cut_left(
        &head, draw_text(list, head, ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT, "PROGRAM") + gap);
    draw_text(list, head, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT_SOFT,
              file_name(player->scenario->path));
    box_cut_top(&inside, theme_px(theme, 6));

    LineCursors cursors[LINES_MOST];
    int row_h = draw_line_height(list, STYLE_MONO) + theme_px(theme, 3);
    uint32_t shown = inside.h > row_h ? (uint32_t)(inside.h / row_h) : 1;
    shown = shown < LINES_MOST ? shown : LINES_MOST;
    const char *text = player->scenario->source;
    uint32_t lines = count_lines(text), first = first_shown(player, lines, shown);
    memset(cursors, 0, sizeof cursors);
    find_cursors(player, cursors, first, shown);

    char digits[24];
    snprintf(digits, sizeof digits, "%u", lines);
    int gutter = draw_text_width(list, STYLE_MONO, digits);
    uint32_t current = current_line(player);
    for (uint32_t line = 1; *text != 0 && line < first + shown; line++) {
        size_t length = strcspn(text, "\n");
        if (line >= first) {
            Box row = box_cut_top(&inside, row_h);
            if (line == current)
                draw_round(list, row, theme_px(theme, 3), COLOUR_USER_BAND);
            draw_hit(list, row, HIT_LINE, line);
            box_cut_left(&row, theme_px(theme, 4));
            draw_textf(list, box_cut_left(&row, gutter), ALIGN_RIGHT, STYLE_MONO, COLOUR_TEXT_SOFT,
                       "%u", line);
            box_cut_left(&row, gap);
            draw_cursors(list, &row, player, &cursors[line - first]);
            draw_textf(list, row, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "%.*s", (int)length, text);
        }
        text += length + (text[length] == '\n');
    }
}
