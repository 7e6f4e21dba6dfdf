// SPDX-License-Identifier: MIT
/*
 * An ordinary UCX program, as remap.c is for libfabric: one process sends a buffer to another,
 * again and again, and the memory under the buffer changes between two messages. Prints how
 * many messages arrive with wrong contents. usage: remap_ucx MODE...
 */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucp/api/ucp.h>

#include "memory.h"

#define NR_MESSAGES	10
#define SIZE		(256UL * 1024)
#define SECONDS		60
#define PORT		13337
#define ADDRESS		"192.168.77.1"

struct peer {
	ucp_context_h context;
	ucp_worker_h worker;
	ucp_listener_h listener;
	ucp_ep_h ep;
	ucp_conn_request_h request;
};

static void must(ucs_status_t status, const char *call)
{
	if (status != UCS_OK)
		errx(2, "%s: %s", call, ucs_status_string(status));
}

static struct sockaddr_in address_get(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, ADDRESS, &address.sin_addr);
	return address;
}

static void peer_open(struct peer *peer)
{
	const ucp_params_t params = {
		.field_mask = UCP_PARAM_FIELD_FEATURES, .features = UCP_FEATURE_TAG,
	};
	const ucp_worker_params_t worker_params = { 0 };
	ucp_config_t *config;

	*peer = (struct peer){ 0 };
	must(ucp_config_read(NULL, NULL, &config), "ucp_config_read");
	must(ucp_init(&params, config, &peer->context), "ucp_init");
	ucp_config_release(config);
	must(ucp_worker_create(peer->context, &worker_params, &peer->worker), "ucp_worker_create");
}

static void peer_close(struct peer *peer)
{
	if (peer->listener)
		ucp_listener_destroy(peer->listener);
	ucp_worker_destroy(peer->worker);
	ucp_cleanup(peer->context);
}

static void connection_request(ucp_conn_request_h request, void *data)
{
	struct peer *peer = data;

	peer->request = request;
}

static void peer_listen(struct peer *peer)
{
	struct sockaddr_in address = address_get();
	const ucp_listener_params_t params = {
		.field_mask = UCP_LISTENER_PARAM_FIELD_SOCK_ADDR |
			      UCP_LISTENER_PARAM_FIELD_CONN_HANDLER,
		.sockaddr = { (struct sockaddr *)&address, sizeof(address) },
		.conn_handler = { connection_request, peer },
	};

	must(ucp_listener_create(peer->worker, &params, &peer->listener), "ucp_listener_create");
}

static void peer_accept(struct peer *peer)
{
	ucp_ep_params_t params = { .field_mask = UCP_EP_PARAM_FIELD_CONN_REQUEST };
	const time_t end = time(NULL) + SECONDS;

	while (!peer->request && time(NULL) < end)
		ucp_worker_progress(peer->worker);
	if (!peer->request)
		errx(2, "no connection");
	params.conn_request = peer->request;
	must(ucp_ep_create(peer->worker, &params, &peer->ep), "ucp_ep_create");
}

static void peer_connect(struct peer *peer)
{
	struct sockaddr_in address = address_get();
	const ucp_ep_params_t params = {
		.field_mask = UCP_EP_PARAM_FIELD_FLAGS | UCP_EP_PARAM_FIELD_SOCK_ADDR,
		.flags = UCP_EP_PARAMS_FLAGS_CLIENT_SERVER,
		.sockaddr = { (struct sockaddr *)&address, sizeof(address) },
	};

	must(ucp_ep_create(peer->worker, &params, &peer->ep), "ucp_ep_create");
}

static void request_wait(struct peer *peer, void *request, const char *call)
{
	const time_t end = time(NULL) + SECONDS;

	if (!request)
		return;
	if (UCS_PTR_IS_ERR(request))
		must(UCS_PTR_STATUS(request), call);
	while (ucp_request_check_status(request) == UCS_INPROGRESS && time(NULL) < end)
		ucp_worker_progress(peer->worker);
	must(ucp_request_check_status(request), call);
	ucp_request_free(request);
}

/* The receiver: for each message one byte to the sender, 1 if the contents are wrong */
static void __attribute__((noreturn)) receive(int channel)
{
	unsigned char *buffer = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const ucp_request_param_t param = { 0 };
	struct peer peer;
	unsigned int message;
	char wrong = 0;

	if (buffer == MAP_FAILED)
		err(2, "mmap");
	peer_open(&peer);
	peer_listen(&peer);
	if (write(channel, &wrong, 1) != 1)
		exit(2);
	peer_accept(&peer);
	for (message = 1; message <= NR_MESSAGES; message++) {
		memset(buffer, 0, SIZE);
		request_wait(&peer, ucp_tag_recv_nbx(peer.worker, buffer, SIZE, message,
						     (ucp_tag_t)-1, &param), "receive");
		wrong = memory_count_wrong(buffer, SIZE, message) != 0;
		if (write(channel, &wrong, 1) != 1)
			exit(2);
	}
	/* The connection stays until the sender is done. */
	if (read(channel, &wrong, 1) < 0)
		exit(2);
	_exit(0);
}

static char channel_read(int channel)
{
	char byte;

	if (read(channel, &byte, 1) != 1)
		errx(2, "the receiver has ended");
	return byte;
}

static void message_send(struct peer *peer, struct memory *memory, unsigned int message)
{
	const ucp_request_param_t param = { 0 };

	memory_fill(memory, message);
	request_wait(peer, ucp_tag_send_nbx(peer->ep, memory->start, memory->size, message, &param),
		     "send");
}

/* The receiver sends its byte after the data has come: keep the sender's side going. */
static char reply_wait(struct peer *peer, int channel)
{
	char wrong;
	ssize_t ret;

	while ((ret = recv(channel, &wrong, 1, MSG_DONTWAIT)) < 0)
		ucp_worker_progress(peer->worker);
	if (ret != 1)
		errx(2, "the receiver has ended");
	return wrong;
}

/* The sender, a process of its own for each mode */
static void __attribute__((noreturn)) send_mode(const struct memory_mode *mode)
{
	unsigned int message, nr_wrong = 0;
	struct memory memory;
	struct peer peer;
	int ends[2];
	pid_t pid;

	memory_open(&memory, mode, SIZE);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		err(2, "socketpair");
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		close(ends[0]);
		receive(ends[1]);
	}
	close(ends[1]);
	channel_read(ends[0]);
	peer_open(&peer);
	peer_connect(&peer);
	for (message = 1; message <= NR_MESSAGES; message++) {
		message_send(&peer, &memory, message);
		nr_wrong += reply_wait(&peer, ends[0]) != 0;
	}
	printf("%s %u\n", mode->name, nr_wrong);
	fflush(stdout);
	close(ends[0]);
	if (waitpid(pid, NULL, 0) != pid)
		err(2, "waitpid");
	memory_close(&memory);
	peer_close(&peer);
	exit(0);
}

static int mode_run(const char *name)
{
	const struct memory_mode *mode = memory_mode_find(name);
	int status;
	pid_t pid;

	if (!mode)
		errx(2, "no mode %s", name);
	pid = fork();
	if (pid == 0)
		send_mode(mode);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int main(int argc, char **argv)
{
	int i, ret, worst = 0;

	signal(SIGPIPE, SIG_IGN);
	for (i = 1; i < argc; i++) {
		ret = mode_run(argv[i]);
		if (ret > worst)
			worst = ret;
	}
	return worst;
}
