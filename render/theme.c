#include "render/theme.h"

static const Colour colours[THEME_COUNT][COLOUR_COUNT] = {
#define X(id, light, dark) [COLOUR_##id] = light,
    [THEME_LIGHT] = {THEME_COLOURS(X)},
#undef X
#define X(id, light, dark) [COLOUR_##id] = dark,
    [THEME_DARK] = {THEME_COLOURS(X)},
#undef X
};

static const struct {
    FontFace face;
    float points;
} styles[STYLE_COUNT] = {
#define X(id, face_name, size) [STYLE_##id] = {FACE_##face_name, size},
    TEXT_STYLES(X)
#undef X
};

Theme theme_make(ThemeName name, int large, float density)
{
    Theme theme = {.name = name, .scale = density * (large ? LARGE_TYPE : 1.0f)};
    for (int i = 0; i < COLOUR_COUNT; i++)
        theme.colours[i] = colours[name][i];
    return theme;
}

Theme theme_for_window(ThemeName name, int large, float density, int w, int h)
{
    const float whole_w = 1600, whole_h = 900, least = 0.64f; // 1024x640 of 1600x900
    float across = (float)w / density / whole_w, down = (float)h / density / whole_h;
    float share = ((across < down ? across : down) - least) / (1 - least);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    Theme theme = theme_make(name, large, density);
    if (large)
        theme.scale = density * (LARGE_TYPE_LEAST + (LARGE_TYPE - LARGE_TYPE_LEAST) * share);
    return theme;
}

FontFace theme_face(TextStyle style)
{
    return styles[style].face;
}

int theme_text_px(const Theme *theme, TextStyle style)
{
    return theme_px(theme, styles[style].points);
}
