#include "render/panel.h"
#include "render/views.h"

void view_machine(DrawList *list, Box box, const Player *player)
{
    (void)player;
    panel_draw(list, box, "MACHINE");
}
