#include "render/font.h"

#include "render/sdl.h"
#include "sim/base/arena.h"
#include "sim/base/array.h"
#include "sim/base/check.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { FILES_A_FACE = 3, PX_MAX = 255, ASCII = 128, REPLACEMENT = 0xFFFD };

// What a face is drawn with: the first file that is there, the later ones for characters that it
// lacks (arrows, signs).
static const char *const face_files[FACE_COUNT][FILES_A_FACE] = {
    [FACE_SANS] = {"Inter-Regular", "DejaVuSans", "DejaVuSansMono"},
    [FACE_SANS_BOLD] = {"Inter-SemiBold", "DejaVuSans-Bold", "DejaVuSans"},
    [FACE_MONO] = {"JetBrainsMono-Regular", "DejaVuSansMono", "DejaVuSans"},
    [FACE_MONO_BOLD] = {"JetBrainsMono-Bold", "DejaVuSansMono-Bold", "DejaVuSans"},
};

static const char *const install_hint[FACE_COUNT] = {
    [FACE_SANS] = "fonts-inter or fonts-dejavu-core",
    [FACE_SANS_BOLD] = "fonts-inter or fonts-dejavu-core",
    [FACE_MONO] = "fonts-jetbrains-mono or fonts-dejavu-core",
    [FACE_MONO_BOLD] = "fonts-jetbrains-mono or fonts-dejavu-core",
};

typedef struct CachedGlyph {
    Glyph glyph;
    uint32_t code_point;
    bool known;
    UT_hash_handle hh;
} CachedGlyph;

// A face at one size.
typedef struct SizedFace {
    int ascent, height;
    CachedGlyph ascii[ASCII];
    CachedGlyph *others; // uthash
} SizedFace;

// A file is open once, though several faces may fall back to it.
typedef struct FontFile {
    const char *name; // of face_files
    SdlFont *font;
} FontFile;

struct Fonts {
    FontFile files[FACE_COUNT * FILES_A_FACE];
    int file_count;
    SdlFont *faces[FACE_COUNT][FILES_A_FACE]; // those that were found, in order; then NULL
    SizedFace *sized[FACE_COUNT][PX_MAX + 1];
};

// ---- finding the files
//
// We walk the folders in which fonts are kept (the XDG base directory specification's) instead of
// asking fontconfig: the themes name files, not patterns, so nothing is left to match; it is one
// library less; and there is no cache that a first start would have to build.

typedef struct FontFolders {
    Arena arena;
    ARRAY(char *) paths;
} FontFolders;

static void add_folder(FontFolders *folders, const char *parent, size_t length, const char *child)
{
    if (length > 0)
        *ARRAY_PUSH(&folders->paths) =
            arena_format(&folders->arena, "%.*s/%s", (int)length, parent, child);
}

static void list_folders(FontFolders *folders)
{
    const char *data_home = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    const char *data = getenv("XDG_DATA_DIRS");
    if (data_home != NULL && data_home[0] == '/')
        add_folder(folders, data_home, strlen(data_home), "fonts");
    else if (home != NULL && home[0] == '/')
        add_folder(folders, home, strlen(home), ".local/share/fonts");
    if (home != NULL && home[0] == '/')
        add_folder(folders, home, strlen(home), ".fonts");
    if (data == NULL || data[0] == 0)
        data = "/usr/local/share:/usr/share";
    while (*data != 0) {
        size_t length = strcspn(data, ":");
        add_folder(folders, data, length, "fonts");
        data += length + (data[length] != 0);
    }
}

static int by_name(const FTSENT **left, const FTSENT **right)
{
    return strcmp((*left)->fts_name, (*right)->fts_name);
}

// "Inter-Regular.otf" and "Inter-Regular.ttf" are the file "Inter-Regular".
static bool is_font_file(const char *file, const char *name)
{
    size_t length = strlen(name);
    return strncmp(file, name, length) == 0 &&
           (strcmp(file + length, ".otf") == 0 || strcmp(file + length, ".ttf") == 0);
}

// Opens each wanted file that `path` is. A damaged one is as good as none: the next font serves.
static void try_file(Fonts *fonts, const char *file, const char *path)
{
    for (int i = 0; i < fonts->file_count; i++) {
        FontFile *wanted = &fonts->files[i];
        if (wanted->font != NULL || !is_font_file(file, wanted->name))
            continue;
        Diag diag = {0};
        wanted->font = sdl_font_open(path, &diag);
        diag_free(&diag);
    }
}

static void find_files(Fonts *fonts, const FontFolders *folders)
{
    for (size_t i = 0; i < folders->paths.count; i++) {
        char *const roots[] = {folders->paths.at[i], NULL};
        FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
        if (walk == NULL)
            continue;
        for (FTSENT *entry; (entry = fts_read(walk)) != NULL;) {
            if (entry->fts_info == FTS_F)
                try_file(fonts, entry->fts_name, entry->fts_path);
        }
        fts_close(walk);
    }
}

static FontFile *file_named(Fonts *fonts, const char *name)
{
    for (int i = 0; i < fonts->file_count; i++) {
        if (strcmp(fonts->files[i].name, name) == 0)
            return &fonts->files[i];
    }
    FontFile *file = &fonts->files[fonts->file_count++];
    file->name = name;
    return file;
}

static bool give_faces(Fonts *fonts, const FontFolders *folders, Diag *diag)
{
    for (int face = 0; face < FACE_COUNT; face++) {
        int count = 0;
        for (int i = 0; i < FILES_A_FACE; i++) {
            SdlFont *font = file_named(fonts, face_files[face][i])->font;
            if (font != NULL)
                fonts->faces[face][count++] = font;
        }
        if (count > 0)
            continue;
        const char *searched = "";
        for (size_t i = 0; i < folders->paths.count; i++)
            searched = arena_format(&diag->arena, "%s%s%s", searched, i > 0 ? ", " : "",
                                    folders->paths.at[i]);
        return diag_fail_hint(diag, (SourceAt){0},
                              arena_format(&diag->arena,
                                           "install %s (names as in Debian and Ubuntu)",
                                           install_hint[face]),
                              "no font to draw with: neither %s nor %s (.otf or .ttf) is in %s",
                              face_files[face][0], face_files[face][1], searched);
    }
    return true;
}

bool fonts_open(Fonts **opened, Diag *diag)
{
    Fonts *fonts = calloc(1, sizeof *fonts);
    CHECK(fonts != NULL);
    for (int face = 0; face < FACE_COUNT; face++) {
        for (int i = 0; i < FILES_A_FACE; i++)
            file_named(fonts, face_files[face][i]);
    }
    FontFolders folders = {0};
    list_folders(&folders);
    find_files(fonts, &folders);
    bool good = give_faces(fonts, &folders, diag);
    ARRAY_FREE(&folders.paths);
    arena_free(&folders.arena);
    if (!good) {
        fonts_close(fonts);
        fonts = NULL;
    }
    *opened = fonts;
    return good;
}

static void sized_free(SizedFace *sized)
{
    if (sized == NULL)
        return;
    for (int i = 0; i < ASCII; i++)
        free((void *)sized->ascii[i].glyph.grey);
    CachedGlyph *cached, *next;
    HASH_ITER(hh, sized->others, cached, next)
    {
        HASH_DEL(sized->others, cached);
        free((void *)cached->glyph.grey);
        free(cached);
    }
    free(sized);
}

void fonts_close(Fonts *fonts)
{
    if (fonts == NULL)
        return;
    for (int face = 0; face < FACE_COUNT; face++) {
        for (int px = 0; px <= PX_MAX; px++)
            sized_free(fonts->sized[face][px]);
    }
    for (int i = 0; i < fonts->file_count; i++)
        sdl_font_close(fonts->files[i].font);
    free(fonts);
}

// ---- glyphs

static SizedFace *sized_face(Fonts *fonts, FontFace face, int px)
{
    CHECKF(face < FACE_COUNT && px >= 1 && px <= PX_MAX, "face %d, %d px", (int)face, px);
    SizedFace *sized = fonts->sized[face][px];
    if (sized == NULL) {
        sized = calloc(1, sizeof *sized);
        CHECK(sized != NULL);
        sdl_font_metrics(fonts->faces[face][0], px, &sized->ascent, &sized->height);
        fonts->sized[face][px] = sized;
    }
    return sized;
}

// An upright rectangle, for a character that no font has.
static Glyph missing_glyph(int px)
{
    int w = px / 2 > 2 ? px / 2 : 3, h = px * 3 / 4 > 2 ? px * 3 / 4 : 3;
    uint8_t *grey = calloc((size_t)w, (size_t)h);
    CHECK(grey != NULL);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            if (x == 0 || y == 0 || x == w - 1 || y == h - 1)
                grey[y * w + x] = 255;
        }
    }
    return (Glyph){.grey = grey,
                   .width = (int16_t)w,
                   .height = (int16_t)h,
                   .left = 1,
                   .top = (int16_t)h,
                   .advance = (int16_t)(w + 2)};
}

static Glyph make_glyph(Fonts *fonts, FontFace face, int px, uint32_t code_point)
{
    // A control character is a gap: texts are lines, and their breaks have been dealt with.
    if (code_point < ' ' || code_point == 0x7F)
        code_point = ' ';
    for (int i = 0; i < FILES_A_FACE && fonts->faces[face][i] != NULL; i++) {
        Glyph glyph;
        SdlFont *font = fonts->faces[face][i];
        if (sdl_font_has(font, code_point) && sdl_font_glyph(font, px, code_point, &glyph))
            return glyph;
    }
    return missing_glyph(px);
}

static const CachedGlyph *find_glyph(Fonts *fonts, SizedFace *sized, FontFace face, int px,
                                     uint32_t code_point)
{
    CachedGlyph *cached = NULL;
    if (code_point < ASCII) {
        cached = &sized->ascii[code_point];
    } else {
        HASH_FIND(hh, sized->others, &code_point, sizeof code_point, cached);
        if (cached == NULL) {
            cached = calloc(1, sizeof *cached);
            CHECK(cached != NULL);
            cached->code_point = code_point;
            HASH_ADD(hh, sized->others, code_point, sizeof code_point, cached);
        }
    }
    if (!cached->known) {
        cached->glyph = make_glyph(fonts, face, px, code_point);
        cached->known = true;
    }
    return cached;
}

const Glyph *font_glyph(Fonts *fonts, FontFace face, int px, uint32_t code_point)
{
    return &find_glyph(fonts, sized_face(fonts, face, px), face, px, code_point)->glyph;
}

int font_ascent(Fonts *fonts, FontFace face, int px)
{
    return sized_face(fonts, face, px)->ascent;
}

int font_height(Fonts *fonts, FontFace face, int px)
{
    return sized_face(fonts, face, px)->height;
}

int font_text_width(Fonts *fonts, FontFace face, int px, const char *text)
{
    SizedFace *sized = sized_face(fonts, face, px);
    int width = 0;
    for (uint32_t code_point; (code_point = utf8_next(&text)) != 0;)
        width += find_glyph(fonts, sized, face, px, code_point)->glyph.advance;
    return width;
}

// ---- UTF-8

uint32_t utf8_next(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    if (at[0] == 0)
        return 0;
    if (at[0] < 0x80) {
        *text += 1;
        return at[0];
    }
    // Length and payload of the first byte; the smallest code point that needs that length.
    int length = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code_point = at[0] & (0x7Fu >> length);
    if (at[0] >= 0xC0 && at[0] <= 0xF7) {
        int i = 1;
        while (i < length && (at[i] & 0xC0) == 0x80)
            code_point = code_point << 6 | (at[i++] & 0x3Fu);
        bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
        if (i == length && code_point >= least[length] && code_point <= 0x10FFFF && !surrogate) {
            *text += length;
            return code_point;
        }
    }
    *text += 1;
    return REPLACEMENT;
}
