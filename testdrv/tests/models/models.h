/* SPDX-License-Identifier: MIT */
/* drivers: a range of memory and a driver model that uses the range. */
#ifndef MODELS_H
#define MODELS_H

#include <errno.h>
#include "../../examples/drivers/model_abi.h"
#include "drivers.h"
#include "sysfs.h"
#include "test.h"

struct model {
	int fd;
	size_t page_size, length;
	char *addr;
};

/* Map @nr_pages pages, write the number of each page to its first word, add the range. */
struct model model_start(const char *name, size_t nr_pages);
void model_stop(struct model *m);

/* Add pages. 0 or -errno. */
int model_add(struct model *m, size_t first, size_t nr_pages);

/* The device reads or writes the first word of page @page. @value may be NULL. 0 or -errno. */
int model_read(struct model *m, size_t page, uint64_t *value);
int model_write(struct model *m, size_t page, uint64_t value);

/* The same by the process. */
uint64_t *model_word(struct model *m, size_t page);

/* The id of the next invalid object, or -errno. */
int model_next(struct model *m);
struct model_info model_info(struct model *m);

#endif /* MODELS_H */
