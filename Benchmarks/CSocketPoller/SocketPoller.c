#include "SocketPoller.h"

#include <stddef.h>

#define MOST_EVENTS 512

#ifdef __linux__
#include <sys/epoll.h>

int socket_poller_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

int socket_poller_add(int poller, int socket, int64_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = (uint64_t)tag}};
    return epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
}

int socket_poller_wait(int poller, int64_t *tags, int limit, int milliseconds) {
    struct epoll_event events[MOST_EVENTS];
    int count = epoll_wait(poller, events, limit < MOST_EVENTS ? limit : MOST_EVENTS, milliseconds);
    for (int position = 0; position < count; position++) tags[position] = (int64_t)events[position].data.u64;
    return count < 0 ? 0 : count;
}

#else
#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>

int socket_poller_make(void) { return kqueue(); }

int socket_poller_add(int poller, int socket, int64_t tag) {
    struct kevent change;
    EV_SET(&change, socket, EVFILT_READ, EV_ADD, 0, 0, (void *)(intptr_t)tag);
    return kevent(poller, &change, 1, NULL, 0, NULL);
}

int socket_poller_wait(int poller, int64_t *tags, int limit, int milliseconds) {
    struct kevent events[MOST_EVENTS];
    struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = (milliseconds % 1000) * 1000000L};
    int count = kevent(poller, NULL, 0, events, limit < MOST_EVENTS ? limit : MOST_EVENTS, &time);
    for (int position = 0; position < count; position++) tags[position] = (int64_t)(intptr_t)events[position].udata;
    return count < 0 ? 0 : count;
}
#endif
