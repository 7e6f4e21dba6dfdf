/* SPDX-License-Identifier: MIT */
/* Turn-taking between two processes over a socket pair; can pass a descriptor. */
#ifndef CHANNEL_H
#define CHANNEL_H

/* Two connected, close-on-exec sockets. 0 or -errno. */
int channel_open(int ends[2]);

/* Give the turn to the other side, with @fd unless it is -1. 0 or -errno. */
int channel_send(int channel, int fd);

/*
 * Wait for the turn. @fd: Out, unless NULL: the descriptor that came, or -1.
 * 0, -EPIPE when the other side is gone, or -errno.
 */
int channel_receive(int channel, int *fd);

/* Close every descriptor above standard error but one. */
void channel_close_all_but(int fd);

#endif /* CHANNEL_H */
