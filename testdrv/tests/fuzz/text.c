// SPDX-License-Identifier: MIT
/* See text.h. The assembler looks along the compiler's -I for what it includes. */
#include "text.h"

#define EMBED(symbol, file)				\
	__asm__(".pushsection .rodata\n"		\
		".macro define name\n"			\
		".global \\name\n"			\
		"\\name:\n"				\
		".endm\n"				\
		"define " symbol "\n"			\
		".purgem define\n"			\
		".incbin \"" file "\"\n"		\
		".byte 0\n"				\
		".popsection\n")

EMBED("text_description", "../fuzz/pinwatch.txt");
EMBED("text_header", "linux/pinwatch.h");
