#ifndef SOCKET_POLLER_H
#define SOCKET_POLLER_H

#include <stdint.h>

/// Tells which of many sockets have something to read: `epoll`, or `kqueue` where there is none.
///
/// Returns a descriptor, or -1 with `errno`.
int socket_poller_make(void);

/// Watches a socket until it is closed. Returns 0, or -1 with `errno`.
int socket_poller_add(int poller, int socket, int64_t tag);

/// Waits until there are some, or so long. Writes the tags of the sockets that have bytes or have ended, at most so many.
/// Returns how many.
int socket_poller_wait(int poller, int64_t *tags, int limit, int64_t nanoseconds);

#endif
