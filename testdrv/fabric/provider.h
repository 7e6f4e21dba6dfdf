/* SPDX-License-Identifier: MIT */
/* The provider that libfabric loads, which offers no endpoints. */
#ifndef PINWATCH_FABRIC_PROVIDER_H
#define PINWATCH_FABRIC_PROVIDER_H

#include <rdma/fabric.h>
#include <rdma/providers/fi_prov.h>

extern struct fi_provider pw_provider;

/* libfabric's entry point. */
struct fi_provider *fi_prov_ini(void);

/*
 * Print a line on stderr: the monitor that the user has asked for does not work because of
 * @error, a negative errno, what to do, and the @consequence.
 */
void pw_provider_complain(int error, const char *consequence);

#endif /* PINWATCH_FABRIC_PROVIDER_H */
