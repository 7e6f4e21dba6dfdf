/* SPDX-License-Identifier: MIT */
/* The software RDMA device of the guest. */
#ifndef RXE_H
#define RXE_H

#define RXE_DEVICE	"rxe0"
#define RXE_INTERFACE	"dummy0"
#define RXE_PORT	1

/*
 * Add the device on RXE_INTERFACE, which has the address 10.9.0.1 and an MTU for packets with
 * a whole page. 0 or -errno.
 */
int rxe_add(void);

#endif /* RXE_H */
