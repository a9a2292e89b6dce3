// What happens now: the instant, the event as a sentence, why, and what comes next.
#include "render/panel.h"
#include "render/views.h"
#include "sim/analysis/cause.h"
#include "sim/analysis/sentence.h"
#include "sim/base/count.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_BYTES = 512 };

// "12.345 678 ms": exact to the nanosecond, in groups of three.
static char *instant_text(int64_t ns, char text[static 48])
{
    snprintf(text, 48, "%" PRId64 ".%03" PRId64 " %03" PRId64 " ms", ns / 1000000, ns / 1000 % 1000,
             ns % 1000);
    return text;
}

// How long before this instant the event below has been, if not now.
static void ago_text(const Player *player, char text[static 48])
{
    char length[32];
    const TraceRecord *record = player_current(player);
    text[0] = 0;
    if (record != NULL && record->time_ns < player->time_ns)
        snprintf(text, 48, ", %s ago", duration_text(player->time_ns - record->time_ns, length));
}

// The instant is always whole; of the event's number there is what has room beside it.
static void heading(DrawList *list, Box row, const Player *player)
{
    enum { WHERE = 4 };
    char time[48], done[32], all[32], ago[48], where[WHERE][160];
    int gap = theme_px(list->theme, 12),
        caption = draw_text_width(list, STYLE_CAPTION, "NOW") + gap;
    count_text(player->scene.next, done);
    count_text(player->recording->count, all);
    ago_text(player, ago);
    snprintf(where[0], sizeof where[0], "event %s of %s%s", done, all, ago);
    snprintf(where[1], sizeof where[1], "%s of %s%s", done, all, ago);
    snprintf(where[2], sizeof where[2], "%s of %s", done, all);
    snprintf(where[3], sizeof where[3], "%s", done);
    instant_text(player->time_ns, time);
    int room = row.w - caption - draw_text_width(list, STYLE_MONO_BOLD, time) - gap;
    for (int i = 0; i < WHERE; i++) {
        if (draw_text_width(list, STYLE_SMALL, where[i]) > room)
            continue;
        draw_text(list, row, ALIGN_RIGHT, STYLE_SMALL, COLOUR_TEXT_SOFT, where[i]);
        break;
    }
    draw_text(list, box_cut_left(&row, caption), ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT,
              "NOW");
    draw_text(list, row, ALIGN_LEFT, STYLE_MONO_BOLD, COLOUR_TEXT, time);
}

// Of the quiz: what is asked, or how the last guess was, and how many were right.
static const char *quiz_text(DrawList *list, const Player *player)
{
    const char *asked = player->guess == GUESS_RIGHT   ? "Right!"
                        : player->guess == GUESS_WRONG ? "No: that is not who acts next."
                        : player->revealed
                            ? "This is the answer."
                            : "Who acts next? Click a thread or a core; Enter shows it.";
    if (player->guesses == 0)
        return asked;
    return arena_format(&list->arena, "%" PRIu32 " of %" PRIu32 " right. %s", player->guesses_right,
                        player->guesses, asked);
}

static const char *next_text(const Player *player, const Names *names,
                             char text[static SENTENCE_BYTES])
{
    const TraceRecord *next = player_next(player);
    if (player->quiz && !player->revealed)
        return "?";
    if (next == NULL)
        return "Nothing: the run is over.";
    return narrate_sentence(names, next, text, SENTENCE_BYTES);
}

// ---- why

// The causal chain of the wait of `task`, or of the selected coroutine if there is one, each link a
// step to the right. Whole sentences only: where there is no room for all of them, the last line
// says how many there are besides.
static void why_chain(DrawList *list, Box box, const Player *player, uint32_t task)
{
    const Why *why = player_why(player, task, player->why ? player->selected_coroutine : 0);
    TextStyle style = player->why || frame_is_low(list) ? STYLE_SMALL : STYLE_BODY;
    if (why->count > 0 &&
        draw_paragraph_h(list, box.w, style, why->lines[0].text) + draw_line_height(list, style) >
            box.h)
        style = STYLE_SMALL; // the first reason at least
    int step = theme_px(list->theme, 14), line = draw_line_height(list, style);
    for (uint32_t i = 0; i < why->count; i++) {
        int indent = (int)(why->lines[i].depth < 6 ? why->lines[i].depth : 6) * step;
        Box place = {box.x + indent, box.y, box.w - indent, box.h};
        int h = draw_paragraph_h(list, place.w, style, why->lines[i].text);
        if (h + (i + 1 < why->count ? line : 0) > box.h) {
            if (box.h >= line)
                draw_textf(list, (Box){box.x, box.y, box.w, line}, ALIGN_LEFT, style,
                           COLOUR_TEXT_SOFT,
                           player->why ? "and %u more" : "why, and %u more: key W", why->count - i);
            break;
        }
        box_cut_top(&box, draw_paragraph(list, place, style, COLOUR_TEXT_SOFT, why->lines[i].text));
    }
}

// Where the last sentence but that at `end` ends; 0: it is the only one.
static size_t sentence_before(const char *text, size_t end)
{
    while (end > 1 && !(text[end - 1] == ' ' && text[end - 2] == '.'))
        end--;
    return end > 1 ? end - 1 : 0;
}

// In the larger of two styles in which all of it fits; else as many of its sentences as fit.
static void whole_sentences(DrawList *list, Box box, char *text)
{
    TextStyle style = STYLE_BODY;
    if (draw_paragraph_h(list, box.w, style, text) > box.h)
        style = STYLE_SMALL;
    size_t end = strlen(text);
    while (end > 0 && draw_paragraph_h(list, box.w, style, text) > box.h) {
        end = sentence_before(text, end);
        text[end] = 0;
    }
    draw_paragraph(list, box, style, COLOUR_TEXT_SOFT, text);
}

// Why the event happened; or, when that is asked for, why the selected thread does not get on.
static void why(DrawList *list, Box box, const Player *player, const TraceRecord *record)
{
    char text[SENTENCE_BYTES];
    if (player->why) {
        why_chain(list, box, player,
                  player->selected_task != 0 ? player->selected_task : record->task);
        return;
    }
    const SceneTask *task = scene_task(&player->scene, record->task);
    if (cause_text(player->recording, &player->scene, text, sizeof text))
        whole_sentences(list, box, text);
    else if (task != NULL && (task->wants != 0 || task_state_blocked((TaskState)task->state)))
        why_chain(list, box, player, record->task);
}

// ---- all of it

// What comes next, at the bottom. It keeps its place: two lines are its own where there is room.
static void next_line(DrawList *list, Box *box, const Player *player, const char *text)
{
    int line = draw_line_height(list, STYLE_BODY);
    int label = draw_text_width(list, STYLE_CAPTION, "Next") + theme_px(list->theme, 10);
    int h = draw_paragraph_h(list, box->w - label, STYLE_BODY, text);
    bool small = h > box->h;
    TextStyle style = small ? STYLE_SMALL : STYLE_BODY;
    h = small ? draw_paragraph_h(list, box->w - label, style, text) : h;
    if (h > box->h)
        return; // the event itself needs the room
    int usual = frame_is_low(list) || player->why ? h : 2 * line;
    Box row = box_cut_bottom(box, h > usual ? h : usual);
    draw_text(list, (Box){row.x, row.y, label, draw_line_height(list, style)}, ALIGN_LEFT,
              STYLE_CAPTION, COLOUR_TEXT_SOFT, "Next");
    box_cut_left(&row, label);
    draw_paragraph(list, row, style, COLOUR_TEXT, text);
}

// The largest style in which the sentence leaves some room for the rest.
static TextStyle sentence_style(DrawList *list, Box box, const char *text)
{
    static const TextStyle styles[] = {STYLE_SENTENCE, STYLE_BOLD, STYLE_SMALL};
    int i = 0, most = box.h - 2 * draw_line_height(list, STYLE_BODY);
    while (i < 2 && draw_paragraph_h(list, box.w, styles[i], text) > most)
        i++;
    return styles[i];
}

void view_now(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    Names names = {player->scenario, &player->recording->tasks, &player->recording->processes};
    char text[SENTENCE_BYTES], next[SENTENCE_BYTES];
    Box inside = panel_plain(list, box);
    heading(list, box_cut_top(&inside, draw_line_height(list, STYLE_MONO_BOLD)), player);
    box_cut_top(&inside, theme_px(theme, frame_is_low(list) || player->why ? 3 : 8));

    // A line about the quiz, or a message, is at the very bottom.
    const char *foot = player->quiz ? quiz_text(list, player) : player->message;
    if (foot != NULL) {
        int h = draw_paragraph_h(list, inside.w, STYLE_SMALL, foot);
        draw_paragraph(list, box_cut_bottom(&inside, h), STYLE_SMALL, COLOUR_TEXT_SOFT, foot);
        box_cut_bottom(&inside, theme_px(theme, 2));
    }
    const TraceRecord *record = player_current(player);
    if (record == NULL)
        snprintf(text, sizeof text, "Nothing has happened yet.");
    else
        narrate_sentence(&names, record, text, sizeof text);
    TextStyle style = sentence_style(list, inside, text);
    box_cut_top(&inside, draw_paragraph(list, inside, style, COLOUR_TEXT, text));
    box_cut_top(&inside, theme_px(theme, frame_is_low(list) ? 3 : 6));
    next_line(list, &inside, player, next_text(player, &names, next));
    box_cut_bottom(&inside, theme_px(theme, frame_is_low(list) ? 2 : 4));
    if (record != NULL)
        why(list, inside, player, record);
}
