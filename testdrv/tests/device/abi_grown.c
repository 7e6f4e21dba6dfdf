// SPDX-License-Identifier: MIT
/*
 * The tests of library.c as a client that was compiled with a later header, whose
 * structures are longer. The module and the library are those of the tree.
 */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "library.c"
