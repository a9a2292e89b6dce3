// 128-bit integers, for sums and products of nanoseconds that leave 64 bits. gcc and clang.
#pragma once

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;
