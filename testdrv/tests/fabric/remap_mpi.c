// SPDX-License-Identifier: MIT
/*
 * An ordinary MPI program of two ranks: rank 0 sends a buffer to rank 1, again and again. The
 * memory under the buffer changes between two messages. Rank 1 counts wrong messages.
 *
 * usage: orterun -n 2 remap_mpi MODE [MESSAGES [BYTES]]	(see memory.c; 10, 262144)
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "memory.h"

static void send_all(struct memory *memory, int messages)
{
	int message;

	for (message = 1; message <= messages; message++) {
		memory_fill(memory, (unsigned int)message);
		MPI_Send(memory->start, (int)memory->size, MPI_BYTE, 1, message, MPI_COMM_WORLD);
		MPI_Barrier(MPI_COMM_WORLD);
	}
}

static int receive_all(struct memory *memory, int messages)
{
	int message, nr_wrong = 0;

	for (message = 1; message <= messages; message++) {
		memset(memory->start, 0, memory->size);
		MPI_Recv(memory->start, (int)memory->size, MPI_BYTE, 0, message, MPI_COMM_WORLD,
			 MPI_STATUS_IGNORE);
		nr_wrong += memory_count_wrong(memory->start, memory->size,
					       (unsigned int)message) != 0;
		MPI_Barrier(MPI_COMM_WORLD);
	}
	return nr_wrong;
}

int main(int argc, char **argv)
{
	const struct memory_mode *mode = memory_mode_find(argc > 1 ? argv[1] : "keep");
	const int messages = argc > 2 ? atoi(argv[2]) : 10;
	struct memory memory;
	int rank, nr_ranks;

	if (!mode || messages < 1)
		errx(2, "usage: remap_mpi MODE [MESSAGES [BYTES]]");
	memory_open(&memory, mode, argc > 3 ? (size_t)atol(argv[3]) : 262144);
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &nr_ranks);
	if (nr_ranks != 2)
		MPI_Abort(MPI_COMM_WORLD, 2);
	if (rank == 0)
		send_all(&memory, messages);
	else
		printf("{ \"mode\": \"%s\", \"messages\": %d, \"wrong\": %d }\n", mode->name,
		       messages, receive_all(&memory, messages));
	MPI_Finalize();
	memory_close(&memory);
	return 0;
}
