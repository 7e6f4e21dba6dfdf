/* SPDX-License-Identifier: MIT */
/* The hypervisor's own list of the grants of this domain that are mapped. */
#ifndef TABLE_H
#define TABLE_H

#include <stdint.h>

/*
 * Returns which of @nr references the hypervisor has a mapping of: bit i for @refs[i]. Only
 * in the privileged domain. A failure fails the test.
 */
unsigned int table_mapped(const uint32_t *refs, unsigned int nr);

#endif /* TABLE_H */
