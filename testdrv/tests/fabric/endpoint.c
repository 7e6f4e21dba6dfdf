// SPDX-License-Identifier: MIT
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_tagged.h>

#include "endpoint.h"

#define API_VERSION	FI_VERSION(1, 9)
#define PROVIDER	"verbs;ofi_rxm"
#define LIMIT_SECONDS	60

static void check(ssize_t ret, const char *call)
{
	if (ret)
		errx(2, "%s: %s", call, fi_strerror((int)-ret));
}

static void info_get(struct endpoint *endpoint)
{
	struct fi_info *hints = fi_allocinfo();

	if (!hints)
		errx(2, "fi_allocinfo failed");
	hints->caps = FI_TAGGED;
	hints->ep_attr->type = FI_EP_RDM;
	hints->domain_attr->mr_mode = FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_VIRT_ADDR;
	hints->fabric_attr->prov_name = strdup(PROVIDER);
	check(fi_getinfo(API_VERSION, NULL, NULL, 0, hints, &endpoint->info), "fi_getinfo");
	fi_freeinfo(hints);
}

static void domain_open(struct endpoint *endpoint)
{
	struct fi_av_attr av_attr = { .type = FI_AV_MAP };
	struct fi_cq_attr cq_attr = { .format = FI_CQ_FORMAT_TAGGED, .size = 64 };

	check(fi_fabric(endpoint->info->fabric_attr, &endpoint->fabric, NULL), "fi_fabric");
	check(fi_domain(endpoint->fabric, endpoint->info, &endpoint->domain, NULL), "fi_domain");
	check(fi_av_open(endpoint->domain, &av_attr, &endpoint->av, NULL), "fi_av_open");
	check(fi_cq_open(endpoint->domain, &cq_attr, &endpoint->cq, NULL), "fi_cq_open");
}

void endpoint_open(struct endpoint *endpoint)
{
	info_get(endpoint);
	domain_open(endpoint);
	check(fi_endpoint(endpoint->domain, endpoint->info, &endpoint->ep, NULL), "fi_endpoint");
	check(fi_ep_bind(endpoint->ep, &endpoint->av->fid, 0), "fi_ep_bind");
	check(fi_ep_bind(endpoint->ep, &endpoint->cq->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
	check(fi_enable(endpoint->ep), "fi_enable");
	endpoint->name_size = sizeof(endpoint->name);
	check(fi_getname(&endpoint->ep->fid, endpoint->name, &endpoint->name_size), "fi_getname");
}

void endpoint_connect(struct endpoint *endpoint, int channel)
{
	char peer[ENDPOINT_NAME_MAX];

	if (write(channel, endpoint->name, sizeof(peer)) != sizeof(peer) ||
	    read(channel, peer, sizeof(peer)) != sizeof(peer))
		errx(2, "the peer has ended");
	if (fi_av_insert(endpoint->av, peer, 1, &endpoint->peer, 0, NULL) != 1)
		errx(2, "fi_av_insert failed");
}

static void __attribute__((noreturn)) completion_failed(struct endpoint *endpoint, ssize_t ret)
{
	struct fi_cq_err_entry entry = { 0 };

	if (ret == -FI_EAVAIL && fi_cq_readerr(endpoint->cq, &entry, 0) == 1)
		ret = -entry.err;
	errx(2, "completion: %s", fi_strerror((int)-ret));
}

static void completion_wait(struct endpoint *endpoint)
{
	const time_t end = time(NULL) + LIMIT_SECONDS;
	struct fi_cq_tagged_entry entry;
	ssize_t ret;

	/* Reading the queue is what makes the provider progress. */
	while ((ret = fi_cq_read(endpoint->cq, &entry, 1)) == -FI_EAGAIN) {
		if (time(NULL) > end)
			errx(2, "no completion in %d s", LIMIT_SECONDS);
		/* An emulator runs one processor at a time. A busy loop takes its share. */
		usleep(50);
	}
	if (ret != 1)
		completion_failed(endpoint, ret);
}

void endpoint_send(struct endpoint *endpoint, const void *start, size_t size, uint64_t tag)
{
	ssize_t ret;

	while ((ret = fi_tsend(endpoint->ep, start, size, NULL, endpoint->peer, tag, NULL)) ==
	       -FI_EAGAIN)
		fi_cq_read(endpoint->cq, NULL, 0);
	check(ret, "fi_tsend");
	completion_wait(endpoint);
}

void endpoint_receive(struct endpoint *endpoint, void *start, size_t size, uint64_t tag)
{
	ssize_t ret;

	while ((ret = fi_trecv(endpoint->ep, start, size, NULL, FI_ADDR_UNSPEC, tag, 0, NULL)) ==
	       -FI_EAGAIN)
		fi_cq_read(endpoint->cq, NULL, 0);
	check(ret, "fi_trecv");
	completion_wait(endpoint);
}

void endpoint_register(struct endpoint *endpoint, void *start, size_t size)
{
	struct fid_mr *mr;

	check(fi_mr_reg(endpoint->domain, start, size, FI_SEND | FI_RECV, 0, 0, 0, &mr, NULL),
	      "fi_mr_reg");
	check(fi_close(&mr->fid), "fi_close");
}

void endpoint_close(struct endpoint *endpoint)
{
	fi_close(&endpoint->ep->fid);
	fi_close(&endpoint->cq->fid);
	fi_close(&endpoint->av->fid);
	fi_close(&endpoint->domain->fid);
	fi_close(&endpoint->fabric->fid);
	fi_freeinfo(endpoint->info);
}
