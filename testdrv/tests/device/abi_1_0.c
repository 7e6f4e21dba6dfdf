// SPDX-License-Identifier: MIT
/*
 * The tests of library.c as a client that was compiled with the headers of ABI 1.0, which
 * tests/abi/1.0 keeps. The module and the library are those of the tree.
 */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "library.c"
