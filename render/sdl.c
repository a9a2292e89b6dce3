#include "render/sdl.h"

#include "sim/base/check.h"

#include <SDL.h>
#include <SDL_image.h>
#include <SDL_ttf.h>

#include <stdlib.h>
#include <string.h>

// ---- fonts

struct SdlFont {
    TTF_Font *ttf;
    int px; // the size that it is set to
};

SdlFont *sdl_font_open(const char *path, Diag *diag)
{
    if (TTF_Init() != 0) { // counted by the library, as TTF_Quit is
        diag_fail(diag, (SourceAt){0}, "the font library cannot start: %s", TTF_GetError());
        return NULL;
    }
    enum { ANY_PX = 12 };
    TTF_Font *ttf = TTF_OpenFont(path, ANY_PX);
    if (ttf == NULL) {
        diag_fail(diag, (SourceAt){0}, "cannot open the font %s: %s", path, TTF_GetError());
        TTF_Quit();
        return NULL;
    }
    // Light hinting puts the strokes on pixel rows and keeps the widths of the letters.
    TTF_SetFontHinting(ttf, TTF_HINTING_LIGHT);
    SdlFont *font = malloc(sizeof *font);
    CHECK(font != NULL);
    *font = (SdlFont){.ttf = ttf, .px = ANY_PX};
    return font;
}

void sdl_font_close(SdlFont *font)
{
    if (font == NULL)
        return;
    TTF_CloseFont(font->ttf);
    TTF_Quit();
    free(font);
}

static void set_size(SdlFont *font, int px)
{
    if (font->px == px)
        return;
    TTF_SetFontSize(font->ttf, px); // points at 72 an inch, which are pixels
    font->px = px;
}

bool sdl_font_has(const SdlFont *font, uint32_t code_point)
{
    return TTF_GlyphIsProvided32(font->ttf, code_point) != 0;
}

void sdl_font_metrics(SdlFont *font, int px, int *ascent, int *height)
{
    set_size(font, px);
    *ascent = TTF_FontAscent(font->ttf);
    *height = TTF_FontHeight(font->ttf);
}

// The smallest box around everything that is not blank.
static Box ink_of(const uint8_t *grey, int pitch, int w, int h)
{
    int left = w, top = h, right = 0, bottom = 0;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            if (grey[y * pitch + x] == 0)
                continue;
            left = x < left ? x : left;
            right = x + 1 > right ? x + 1 : right;
            top = y < top ? y : top;
            bottom = y + 1;
        }
    }
    return (Box){left, top, right - left, bottom - top};
}

bool sdl_font_glyph(SdlFont *font, int px, uint32_t code_point, Glyph *glyph)
{
    set_size(font, px);
    int left, right, bottom, top, advance;
    if (TTF_GlyphMetrics32(font->ttf, code_point, &left, &right, &bottom, &top, &advance) != 0)
        return false;
    *glyph = (Glyph){.advance = (int16_t)advance};
    if (right <= left || top <= bottom)
        return true; // a blank: the library may refuse to draw it
    // White on black: the palette's indexes are the grey levels.
    SDL_Surface *surface = TTF_RenderGlyph32_Shaded(
        font->ttf, code_point, (SDL_Color){255, 255, 255, 255}, (SDL_Color){0, 0, 0, 255});
    if (surface == NULL)
        return false;
    const uint8_t *from = surface->pixels;
    Box ink = ink_of(from, surface->pitch, surface->w, surface->h);
    if (!box_empty(ink)) {
        // The library's picture begins at the pen and at the line's upper edge, or where a glyph
        // that reaches beyond them does.
        int ascent = TTF_FontAscent(font->ttf);
        glyph->left = (int16_t)(ink.x + (left < 0 ? left : 0));
        glyph->top = (int16_t)((top > ascent ? top : ascent) - ink.y);
        glyph->width = (int16_t)ink.w;
        glyph->height = (int16_t)ink.h;
        uint8_t *grey = malloc((size_t)ink.w * (size_t)ink.h);
        CHECK(grey != NULL);
        for (int y = 0; y < ink.h; y++)
            memcpy(grey + y * ink.w, from + (ink.y + y) * surface->pitch + ink.x, (size_t)ink.w);
        glyph->grey = grey;
    }
    SDL_FreeSurface(surface);
    return true;
}

// ---- pictures

// A growing file in memory, which the library writes to. It seeks nowhere.
typedef struct Bytes {
    unsigned char *at;
    size_t count, capacity;
} Bytes;

static size_t bytes_write(SDL_RWops *stream, const void *from, size_t size, size_t count)
{
    Bytes *bytes = stream->hidden.unknown.data1;
    size_t more = size * count;
    if (bytes->count + more > bytes->capacity) {
        bytes->capacity = 2 * bytes->capacity + more;
        bytes->at = realloc(bytes->at, bytes->capacity);
        CHECK(bytes->at != NULL);
    }
    memcpy(bytes->at + bytes->count, from, more);
    bytes->count += more;
    return count;
}

static Sint64 bytes_size(SDL_RWops *stream)
{
    return (Sint64)((Bytes *)stream->hidden.unknown.data1)->count;
}

static Sint64 bytes_seek(SDL_RWops *stream, Sint64 offset, int whence)
{
    (void)stream, (void)offset, (void)whence;
    return -1;
}

static size_t bytes_read(SDL_RWops *stream, void *to, size_t size, size_t count)
{
    (void)stream, (void)to, (void)size, (void)count;
    return 0;
}

static int bytes_close(SDL_RWops *stream)
{
    SDL_FreeRW(stream);
    return 0;
}

bool canvas_encode_png(const Canvas *canvas, unsigned char **png, size_t *count, Diag *diag)
{
    Bytes bytes = {0};
    SDL_Surface *surface = SDL_CreateRGBSurfaceFrom(canvas->pixels, canvas->w, canvas->h, 32,
                                                    canvas->w * 4, 0xFF0000, 0x00FF00, 0x0000FF, 0);
    SDL_RWops *stream = SDL_AllocRW();
    CHECK(surface != NULL && stream != NULL);
    stream->size = bytes_size;
    stream->seek = bytes_seek;
    stream->read = bytes_read;
    stream->write = bytes_write;
    stream->close = bytes_close;
    stream->hidden.unknown.data1 = &bytes;
    int status = IMG_SavePNG_RW(surface, stream, 1);
    SDL_FreeSurface(surface);
    if (status != 0) {
        free(bytes.at);
        return diag_fail(diag, (SourceAt){0}, "cannot make a PNG picture: %s", IMG_GetError());
    }
    *png = bytes.at;
    *count = bytes.count;
    return true;
}

// ---- the window

struct SdlWindow {
    SDL_Window *window;
    // SDL's key codes of the player's keys, by PlayerKey.
    SDL_Keycode keys[KEY_COUNT];
};

enum { WINDOW_W_LEAST = 1024, WINDOW_H_LEAST = 640 };

SdlWindow *sdl_window_open(const char *title, int w, int h, Diag *diag)
{
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    if (SDL_Init(SDL_INIT_VIDEO) != 0) {
        diag_fail(diag, (SourceAt){0}, "no window can be opened: %s", SDL_GetError());
        return NULL;
    }
    // Without a display SDL falls back to a window that nobody sees.
    const char *driver = SDL_GetCurrentVideoDriver();
    if (driver == NULL || strcmp(driver, "offscreen") == 0 || strcmp(driver, "dummy") == 0) {
        diag_fail(diag, (SourceAt){0},
                  "no window can be opened: there is no display; `ringside picture` and `ringside "
                  "run` need none");
        SDL_Quit();
        return NULL;
    }
    SDL_Window *made = SDL_CreateWindow(title, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, w, h,
                                        SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (made == NULL) {
        diag_fail(diag, (SourceAt){0}, "no window can be opened: %s", SDL_GetError());
        SDL_Quit();
        return NULL;
    }
    SDL_SetWindowMinimumSize(made, WINDOW_W_LEAST, WINDOW_H_LEAST);
    SdlWindow *window = calloc(1, sizeof *window);
    CHECK(window != NULL);
    window->window = made;
    for (int key = 0; key < KEY_COUNT; key++)
        window->keys[key] = SDL_GetKeyFromName(player_key_info((PlayerKey)key)->key);
    return window;
}

void sdl_window_close(SdlWindow *window)
{
    if (window == NULL)
        return;
    SDL_DestroyWindow(window->window);
    free(window);
    SDL_Quit();
}

void sdl_window_size(const SdlWindow *window, int *w, int *h, float *density)
{
    int points;
    SDL_GetWindowSize(window->window, &points, h);
    SDL_Surface *surface = SDL_GetWindowSurface(window->window);
    *w = surface != NULL ? surface->w : points;
    *h = surface != NULL ? surface->h : *h;
    *density = points > 0 ? (float)*w / (float)points : 1;
}

static int modifiers_of(SDL_Keymod mod)
{
    return ((mod & KMOD_SHIFT) != 0 ? WITH_SHIFT : 0) | ((mod & KMOD_CTRL) != 0 ? WITH_CTRL : 0);
}

// Digits, letters and signs count by what is written on the key, so that every keyboard has them;
// a sign that needs Shift ("+" on most) counts with it too.
static bool key_of(const SdlWindow *window, const SDL_Keysym *pressed, PlayerKey *key)
{
    int modifiers = modifiers_of((SDL_Keymod)pressed->mod); // at the event, not now
    SDL_Keycode code = pressed->sym;
    if (code == SDLK_KP_PLUS || (code == SDLK_EQUALS && (modifiers & WITH_SHIFT) != 0)) {
        code = SDLK_PLUS;
        modifiers &= ~WITH_SHIFT;
    } else if (code == SDLK_EQUALS) {
        code = SDLK_PLUS;
    } else if (code == SDLK_KP_MINUS) {
        code = SDLK_MINUS;
    } else if (code == SDLK_KP_ENTER) {
        code = SDLK_RETURN;
    }
    for (int i = 0; i < KEY_COUNT; i++) {
        if (window->keys[i] == code && player_key_info((PlayerKey)i)->modifiers == modifiers) {
            *key = (PlayerKey)i;
            return true;
        }
    }
    return false;
}

// The pointer's place in pixels; SDL gives points.
static Pointer pointer_at(const SdlWindow *window, PointerKind kind, int x, int y)
{
    int w, h;
    float density;
    sdl_window_size(window, &w, &h, &density);
    return (Pointer){.kind = kind,
                     .x = (int)((float)x * density),
                     .y = (int)((float)y * density),
                     .modifiers = modifiers_of(SDL_GetModState())};
}

// False for what does not concern the player.
static bool translate(const SdlWindow *window, const SDL_Event *from, WindowEvent *event)
{
    switch (from->type) {
    case SDL_QUIT:
        event->kind = WINDOW_CLOSED;
        return true;
    case SDL_WINDOWEVENT:
        event->kind = WINDOW_CHANGED;
        return from->window.event == SDL_WINDOWEVENT_EXPOSED ||
               from->window.event == SDL_WINDOWEVENT_SIZE_CHANGED;
    case SDL_KEYDOWN:
        event->kind = WINDOW_KEY;
        // A key that is held steps, zooms and selects on; it does not run or toggle again.
        return key_of(window, &from->key.keysym, &event->key) &&
               (from->key.repeat == 0 || event->key < KEY_CORES);
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        event->kind = WINDOW_POINTER;
        event->pointer =
            pointer_at(window, from->type == SDL_MOUSEBUTTONDOWN ? POINTER_DOWN : POINTER_UP,
                       from->button.x, from->button.y);
        return from->button.button == SDL_BUTTON_LEFT;
    case SDL_MOUSEMOTION:
        event->kind = WINDOW_POINTER;
        event->pointer = pointer_at(window, POINTER_MOVE, from->motion.x, from->motion.y);
        return true;
    case SDL_MOUSEWHEEL: {
        int x, y;
        SDL_GetMouseState(&x, &y);
        event->kind = WINDOW_POINTER;
        event->pointer = pointer_at(window, POINTER_WHEEL, x, y);
        event->pointer.amount = from->wheel.preciseY;
        return from->wheel.preciseY != 0;
    }
    default:
        return false;
    }
}

bool sdl_window_event(SdlWindow *window, int wait_ms, WindowEvent *event)
{
    SDL_Event from;
    bool some = wait_ms > 0 ? SDL_WaitEventTimeout(&from, wait_ms) : SDL_PollEvent(&from);
    while (some) {
        if (translate(window, &from, event))
            return true;
        some = SDL_PollEvent(&from);
    }
    return false;
}

void sdl_window_show(SdlWindow *window, const Canvas *canvas)
{
    SDL_Surface *surface = SDL_GetWindowSurface(window->window);
    if (surface == NULL || surface->w != canvas->w || surface->h != canvas->h)
        return; // it has just changed its size: an event for that is on its way
    SDL_ConvertPixels(canvas->w, canvas->h, SDL_PIXELFORMAT_RGB888, canvas->pixels, canvas->w * 4,
                      surface->format->format, surface->pixels, surface->pitch);
    SDL_UpdateWindowSurface(window->window);
}

void sdl_window_title(SdlWindow *window, const char *title)
{
    SDL_SetWindowTitle(window->window, title);
}

void sdl_window_fullscreen(SdlWindow *window, bool on)
{
    SDL_SetWindowFullscreen(window->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
}

double sdl_seconds(void)
{
    return (double)SDL_GetPerformanceCounter() / (double)SDL_GetPerformanceFrequency();
}
