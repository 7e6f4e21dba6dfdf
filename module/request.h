/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests of the netlink family
 */
#ifndef _PW_REQUEST_H
#define _PW_REQUEST_H

struct genl_ops;

#define PW_NR_REQUESTS	3

extern const struct genl_ops pw_request_ops[PW_NR_REQUESTS];

#endif /* _PW_REQUEST_H */
