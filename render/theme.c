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
    const float large_type = 1.35f;
    Theme theme = {.name = name, .scale = density * (large ? large_type : 1.0f)};
    for (int i = 0; i < COLOUR_COUNT; i++)
        theme.colours[i] = colours[name][i];
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
