/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: generic netlink. Not in front of every file: genl.c includes it
 */
#ifndef _PW_COMPAT_NET_H
#define _PW_COMPAT_NET_H

#include <net/genetlink.h>

/*
 * The capability that a task needs to join a group. 6.1 has flags for groups. 5.10
 * tests one flag of commands, and has a bit for CAP_SYS_ADMIN.
 */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define PW_GROUP_NET_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN
#define PW_GROUP_SYS_ADMIN	.flags = GENL_MCAST_CAP_SYS_ADMIN
#else
#define PW_GROUP_NET_ADMIN	.flags = GENL_UNS_ADMIN_PERM
#define PW_GROUP_SYS_ADMIN	.cap_sys_admin = 1
#endif

/* Since 6.0; newer kernels also report the missing attribute to user space. */
#ifndef GENL_REQ_ATTR_CHECK
#define GENL_REQ_ATTR_CHECK(info, attr)	(!(info)->attrs[attr])
#endif

/* Since 6.6 */
static inline struct nlattr **pw_dump_attrs(struct netlink_callback *cb)
{
#ifdef PW_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#endif /* _PW_COMPAT_NET_H */
