// What the pointer does: clicks, drags, the wheel, and guesses in a quiz.
#include "render/player_parts.h"

static int64_t time_at(TimeSpan span, Box box, int x)
{
    double share = box.w > 0 ? (double)(x - box.x) / box.w : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return span.from_ns + (int64_t)(share * (double)(span.to_ns - span.from_ns));
}

// Whether the thread or the core of the hit acts at the instant of the next event. What happens at
// one instant has an order in the trace, but nobody can know it by thinking: all of them are right.
static bool acts_next(const Player *player, Hit hit)
{
    enum { LOOKED_AT = 4096 };
    const Recording *recording = player->recording;
    uint64_t first = player->scene.next, last = recording->count;
    last = last - first < LOOKED_AT ? last : first + LOOKED_AT;
    int64_t time_ns = recording_at(recording, first)->time_ns;
    for (uint64_t i = first; i < last; i++) {
        const TraceRecord *record = recording_at(recording, i);
        if (record->time_ns != time_ns)
            return false;
        if (hit.action == HIT_TASK ? record->task == hit.argument
                                   : record->core == (int)hit.argument)
            return true;
    }
    return false;
}

// In a quiz a click on a task or a core says who will act next.
static bool is_guess(Player *player, Hit hit)
{
    const TraceRecord *next = player_next(player);
    if (!player->quiz || player->revealed || next == NULL)
        return false;
    bool right = acts_next(player, hit);
    player->guess = right ? GUESS_RIGHT : GUESS_WRONG;
    player->guesses++;
    player->guesses_right += right;
    player->revealed = true;
    return true;
}

// To where a thread next comes to this line of the scenario; from the beginning when none does.
static void seek_line(Player *player, uint32_t line)
{
    RecordFilter filter = {.task = player->selected_task, .core = CORE_NONE, .by_kind = true};
    filter.kinds[EVENT_OP_BEGUN] = true;
    player->playing = false;
    for (int round = 0; round < 2; round++) {
        uint64_t from = round == 0 ? player->scene.next : 0;
        int64_t at;
        while ((at = recording_find(player->recording, from, 1, &filter)) != RECORD_NONE) {
            uint64_t op = recording_at(player->recording, (uint64_t)at)->a;
            from = (uint64_t)at + 1;
            if (op < player->scenario->op_count && player->scenario->op_at[op].line == line) {
                player_seek_event(player, from);
                return;
            }
        }
    }
}

static void click(Player *player, Hit hit, int x)
{
    switch (hit.action) {
    case HIT_KEY:
        player_key(player, (PlayerKey)hit.argument);
        break;
    case HIT_TASK:
        if (!is_guess(player, hit)) {
            bool same = player->selected_task == hit.argument;
            player_select(player, same ? 0 : hit.argument, CORE_NONE, 0);
        }
        break;
    case HIT_COROUTINE: {
        bool same = player->selected_coroutine == hit.argument;
        player_select(player, 0, CORE_NONE, same ? 0 : hit.argument);
        break;
    }
    case HIT_CORE:
        if (!is_guess(player, hit)) {
            bool same = player->selected_core == (int)hit.argument;
            player_select(player, 0, same ? CORE_NONE : (int)hit.argument, 0);
        }
        break;
    case HIT_LINE:
        seek_line(player, hit.argument);
        break;
    case HIT_TIMELINE:
        player->playing = false;
        if (hit.argument != 0)
            player_select(player, hit.argument, CORE_NONE, 0);
        player_seek_place(player, time_at(player->zoom, hit.box, x));
        break;
    default:
        break;
    }
}

static void scrub(Player *player, int x)
{
    TimeSpan whole = {0, player_by_event(player) ? (int64_t)player->recording->count
                                                 : player->recording->end_ns};
    player->playing = false;
    player_seek_place(player, time_at(whole, player->pressed.box, x));
}

static void scroll_rows(Player *player, int y)
{
    Box track = player->pressed.box;
    double share = track.h > 0 ? (double)(y - track.y) / track.h : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    player->first_row = (int)(share * player->pressed.argument + 0.5);
}

// From where the button went down to here.
static void mark(Player *player, int x)
{
    int64_t one = time_at(player->pressed_zoom, player->pressed.box, player->pressed_x);
    int64_t other = time_at(player->pressed_zoom, player->pressed.box, x);
    player->marked = one < other ? (TimeSpan){one, other} : (TimeSpan){other, one};
}

static const Hit *hit_of(const DrawList *frame, int x, int y, HitAction action)
{
    for (size_t i = frame->hits.count; i-- > 0;) {
        if (frame->hits.at[i].action == action && box_has(frame->hits.at[i].box, x, y))
            return &frame->hits.at[i];
    }
    return NULL;
}

static void turn_wheel(Player *player, const DrawList *frame, Pointer pointer)
{
    const Hit *plot = hit_of(frame, pointer.x, pointer.y, HIT_TIMELINE);
    const Hit *rows = hit_of(frame, pointer.x, pointer.y, HIT_ROWS);
    int lines = (int)(pointer.amount > 0 ? -1 : 1) * 3;
    if (plot != NULL && (pointer.modifiers & WITH_SHIFT) == 0) {
        int64_t about = time_at(player->zoom, plot->box, pointer.x);
        player_zoom_about(player, about, pointer.amount > 0 ? 0.8 : 1.25);
    } else if (rows != NULL) {
        int row = player->first_row + lines;
        player->first_row = row < 0 ? 0 : row > (int)rows->argument ? (int)rows->argument : row;
    } else {
        const Hit *program = hit_of(frame, pointer.x, pointer.y, HIT_PROGRAM);
        if (program == NULL)
            return;
        // The view says with the hit which line it shows first.
        int first = (int)program->argument + lines;
        player->first_line = first < 1 ? 1 : first;
    }
}

void player_pointer(Player *player, const DrawList *frame, Pointer pointer)
{
    enum { DRAG_PIXELS = 4 };
    switch (pointer.kind) {
    case POINTER_DOWN:
        player->pressed = draw_hit_at(frame, pointer.x, pointer.y);
        player->pressed_x = pointer.x;
        player->pressed_y = pointer.y;
        player->pressed_zoom = player->zoom;
        player->dragged = false;
        player->marking =
            player->pressed.action == HIT_TIMELINE && (pointer.modifiers & WITH_SHIFT) != 0;
        if (player->pressed.action == HIT_SEEK)
            scrub(player, pointer.x);
        else if (player->pressed.action == HIT_SCROLL)
            scroll_rows(player, pointer.y);
        break;
    case POINTER_MOVE: {
        int dx = pointer.x - player->pressed_x, dy = pointer.y - player->pressed_y;
        if (dx * dx + dy * dy > DRAG_PIXELS * DRAG_PIXELS)
            player->dragged = true;
        if (player->pressed.action == HIT_SEEK) {
            scrub(player, pointer.x);
        } else if (player->pressed.action == HIT_SCROLL) {
            scroll_rows(player, pointer.y);
        } else if (player->marking && player->dragged) {
            mark(player, pointer.x);
        } else if (player->pressed.action == HIT_TIMELINE && player->dragged) {
            TimeSpan zoom = player->pressed_zoom;
            player_pan(player, zoom,
                       -(double)dx * (double)(zoom.to_ns - zoom.from_ns) / player->pressed.box.w);
        }
        break;
    }
    case POINTER_UP: {
        Hit hit = draw_hit_at(frame, pointer.x, pointer.y);
        bool same =
            hit.action == player->pressed.action && hit.argument == player->pressed.argument;
        if (same && !player->dragged)
            click(player, hit, pointer.x);
        player->pressed = (Hit){0};
        break;
    }
    case POINTER_WHEEL:
        turn_wheel(player, frame, pointer);
        break;
    }
}
