// SPDX-License-Identifier: MIT
/* Programs as text. */
#include <inttypes.h>

#include "prog.h"

static const struct prog_patch *patch_find(const struct prog_call *call, int place,
					   unsigned int offset)
{
	unsigned int i;

	for (i = 0; i < call->nr_patches; i++)
		if (call->patches[i].place == place && call->patches[i].offset == offset &&
		    call->patches[i].source != PROG_NO_CALL)
			return &call->patches[i];
	return NULL;
}

/* Without the zeros at the end */
static void blob_print(const struct prog_call *call, int place, FILE *file)
{
	const struct prog_blob *blob = &call->blobs[place];
	unsigned int i, end = 0;

	for (i = 0; i < blob->size; i++)
		if (blob->bytes[i] || patch_find(call, place, i))
			end = i + 1;
	fprintf(file, "&%s%u:{", call->in_arena ? "arena " : "", blob->size);
	for (i = 0; i < end; i++) {
		const struct prog_patch *patch = patch_find(call, place, i);

		if (patch && patch->kind == PROG_RESOURCE)
			fprintf(file, "<r%d>", patch->source);
		else if (patch)
			blob_print(call, patch->source, file);
		else
			fprintf(file, "%02x", blob->bytes[i]);
		if (patch)
			i += patch->size - 1;
	}
	fputc('}', file);
}

static void argument_print(const struct prog_call *call, unsigned int i, FILE *file)
{
	const struct prog_patch *patch = patch_find(call, PROG_ARGS, i);

	if (!patch)
		fprintf(file, "%#" PRIx64, call->args[i]);
	else if (patch->kind == PROG_RESOURCE)
		fprintf(file, "r%d", patch->source);
	else
		blob_print(call, patch->source, file);
}

void prog_print(const struct prog *prog, FILE *file)
{
	unsigned int i, j;

	fprintf(file, "# program %u.%" PRIu64 ", %u threads\n", prog->worker, prog->index,
		prog->nr_threads);
	for (i = 0; i < prog->nr; i++) {
		const struct prog_call *call = &prog->calls[i];

		if (call->call->makes)
			fprintf(file, "r%u = ", i);
		fprintf(file, "%s(", call->call->name);
		for (j = 0; j < abi_nr_args(call->call); j++) {
			fputs(j ? ", " : "", file);
			argument_print(call, j, file);
		}
		fprintf(file, ")%s\n", call->mutated ? "\t# mutated" : "");
	}
}
