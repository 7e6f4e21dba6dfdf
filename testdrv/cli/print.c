// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "print.h"
#include "verb.h"

int print_json(json_t *json)
{
	int ret;

	if (!json) {
		fprintf(stderr, "pinwatch: no memory\n");
		return STATUS_BAD;
	}
	ret = json_dumpf(json, stdout, JSON_INDENT(2));
	json_decref(json);
	putchar('\n');
	return ret ? STATUS_BAD : STATUS_OK;
}
