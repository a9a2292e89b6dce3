// Themes: what every colour is for, its value in each theme, and the sizes of text. Views name
// roles, never values. Data colours are the Okabe-Ito set, which colour-blind people tell apart.
#pragma once
#include <stdint.h>

typedef uint32_t Colour; // 0xRRGGBB

// X(ID, light, dark). A row whose name begins with ON_ is text on the role behind it; text and its
// ground have a contrast of at least 4.5 to 1, which a test computes.
#define THEME_COLOURS(X)                                                                           \
    X(GROUND, 0xF7F7F2, 0x14161A)                                                                  \
    X(PANEL, 0xFFFFFF, 0x1D2026)                                                                   \
    X(PANEL_EDGE, 0xE1E1DA, 0x343A44)                                                              \
    X(RULE, 0xEEEEE8, 0x2A2F38)                                                                    \
    X(TEXT, 0x15181C, 0xECEEF2)                                                                    \
    X(TEXT_SOFT, 0x5A6169, 0xA9B0BA)                                                               \
    X(ACCENT, 0x0072B2, 0x56B4E9)                                                                  \
    X(ON_ACCENT, 0xFFFFFF, 0x10141A)                                                               \
    X(USER_BAND, 0xEDF4FC, 0x16212D)                                                               \
    X(KERNEL_BAND, 0xFFF8E8, 0x2A2415)                                                             \
    X(HARDWARE_BAND, 0xF0F0EC, 0x22252B)                                                           \
    X(RUNNING, 0x0072B2, 0x0072B2)                                                                 \
    X(ON_RUNNING, 0xFFFFFF, 0xFFFFFF)                                                              \
    X(KERNEL, 0xE69F00, 0xE69F00)                                                                  \
    X(ON_KERNEL, 0x15181C, 0x15181C)                                                               \
    X(KERNEL_STRIPE, 0xB57900, 0xB57900)                                                           \
    X(RUNNABLE, 0xF0E442, 0xF0E442)                                                                \
    X(ON_RUNNABLE, 0x15181C, 0x15181C)                                                             \
    X(LOCK, 0xD55E00, 0xE8772A)                                                                    \
    X(ON_LOCK, 0x15181C, 0x15181C)                                                                 \
    X(GIL, 0xCC79A7, 0xCC79A7)                                                                     \
    X(ON_GIL, 0x15181C, 0x15181C)                                                                  \
    X(IO, 0x56B4E9, 0x56B4E9)                                                                      \
    X(ON_IO, 0x15181C, 0x15181C)                                                                   \
    X(SLEEP, 0xC2C6CC, 0x6B7280)                                                                   \
    X(ON_SLEEP, 0x15181C, 0xFFFFFF)                                                                \
    X(GOOD, 0x009E73, 0x009E73)                                                                    \
    X(ON_GOOD, 0x15181C, 0x15181C)                                                                 \
    X(CURSOR, 0xD55E00, 0xFF8A3C)                                                                  \
    X(GHOST, 0xD9DCE0, 0x3A404A)

typedef enum ColourRole {
#define X(id, light, dark) COLOUR_##id,
    THEME_COLOURS(X)
#undef X
        COLOUR_COUNT
} ColourRole;

typedef enum ThemeName { THEME_LIGHT, THEME_DARK, THEME_COUNT } ThemeName;

// Styles of text. X(ID, face, size in points at scale 1)
#define TEXT_STYLES(X)                                                                             \
    X(BODY, SANS, 13)                                                                              \
    X(BOLD, SANS_BOLD, 13)                                                                         \
    X(SMALL, SANS, 12)                                                                             \
    X(CAPTION, SANS_BOLD, 11)                                                                      \
    X(TITLE, SANS_BOLD, 16)                                                                        \
    X(SENTENCE, SANS_BOLD, 15)                                                                     \
    X(MONO, MONO, 12)                                                                              \
    X(MONO_SMALL, MONO, 11)                                                                        \
    X(MONO_BOLD, MONO_BOLD, 12)

typedef enum TextStyle {
#define X(id, face, size) STYLE_##id,
    TEXT_STYLES(X)
#undef X
        STYLE_COUNT
} TextStyle;

typedef enum FontFace { FACE_SANS, FACE_SANS_BOLD, FACE_MONO, FACE_MONO_BOLD, FACE_COUNT } FontFace;

typedef struct Theme {
    ThemeName name;
    Colour colours[COLOUR_COUNT];
    float scale; // pixels a point: 1, more on high-DPI screens and in large type
} Theme;

// Large type is so many times as large as normal type in a window of 1600x900 points or more. In
// smaller ones it is less, down to LARGE_TYPE_LEAST at the smallest that a window may be: type that
// leaves no room for what there is to read helps nobody.
#define LARGE_TYPE       1.35f
#define LARGE_TYPE_LEAST 1.2f

// `large` for the back row. `density` is the screen's pixels a point, 1 or more.
Theme theme_make(ThemeName name, int large, float density);
// The same for a window of `w` x `h` pixels.
Theme theme_for_window(ThemeName name, int large, float density, int w, int h);
FontFace theme_face(TextStyle style);
int theme_text_px(const Theme *theme, TextStyle style); // height of the type in pixels

// A length of `points` in pixels, rounded.
static inline int theme_px(const Theme *theme, float points)
{
    return (int)(points * theme->scale + 0.5f);
}
