/* SPDX-License-Identifier: MIT */
/*
 * A libfabric endpoint over verbs;ofi_rxm that sends and receives one tagged message at a
 * time. It never registers memory itself: a message of 256 KiB makes the provider register
 * the buffer. All functions end the process with status 2 on failure.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stddef.h>

#include <rdma/fabric.h>

#define ENDPOINT_NAME_MAX	128

/**
 * struct endpoint - a domain with one endpoint, and its one peer
 * @name, @name_size: Address that the peer needs.
 */
struct endpoint {
	struct fi_info *info;
	struct fid_fabric *fabric;
	struct fid_domain *domain;
	struct fid_av *av;
	struct fid_cq *cq;
	struct fid_ep *ep;
	fi_addr_t peer;
	char name[ENDPOINT_NAME_MAX];
	size_t name_size;
};

void endpoint_open(struct endpoint *endpoint);

/* Exchange addresses with the peer over the stream socket @channel. */
void endpoint_connect(struct endpoint *endpoint, int channel);

/* Return when the message has been sent, or has come. */
void endpoint_send(struct endpoint *endpoint, const void *start, size_t size, uint64_t tag);
void endpoint_receive(struct endpoint *endpoint, void *start, size_t size, uint64_t tag);

/* Register a range with the domain, and give the registration back. */
void endpoint_register(struct endpoint *endpoint, void *start, size_t size);

void endpoint_close(struct endpoint *endpoint);

#endif /* ENDPOINT_H */
