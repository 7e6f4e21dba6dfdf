/* SPDX-License-Identifier: MIT */
/* What demo and exercise print of a row. */
#ifndef ROWS_H
#define ROWS_H

#include <jansson.h>
#include <stddef.h>

#include "demo.h"

/* Text for a column, in @buf, which is returned. */
const char *row_generation(const struct demo_row *row, char *buf, size_t size);
const char *row_pages(const struct demo_row *row, char *buf, size_t size);

/* Microseconds, "-" for a negative @ns. */
const char *row_time(int64_t ns, char *buf, size_t size);

/* All that both have in JSON; NULL: there was no memory. */
json_t *row_json(const struct demo_row *row);

/* Print the names of all operations. */
void rows_list(void);

#endif /* ROWS_H */
