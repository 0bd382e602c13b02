#include "SocketPoller.h"

#include <stddef.h>

#define MOST_EVENTS 512

#ifdef __linux__
#include <errno.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int socket_poller_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

int socket_poller_add(int poller, int socket, int64_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = (uint64_t)tag}};
    return epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
}

// The system has had the call with nanoseconds since version 5.11, the libraries of C later.
static int wait_for_events(int poller, struct epoll_event *events, int limit, int64_t nanoseconds) {
#ifdef SYS_epoll_pwait2
    static _Thread_local int is_punctual;
    if (!is_punctual) {
        // Timers of a thread may otherwise be 50 microseconds late, to save power.
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
        is_punctual = 1;
    }
    if (nanoseconds % 1000000 != 0) {
        struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
        int count = (int)syscall(SYS_epoll_pwait2, poller, events, limit, &time, NULL, (size_t)0);
        if (count >= 0 || errno != ENOSYS) return count;
    }
#endif
    return epoll_wait(poller, events, limit, (int)(nanoseconds / 1000000));
}

int socket_poller_wait(int poller, int64_t *tags, int limit, int64_t nanoseconds) {
    struct epoll_event events[MOST_EVENTS];
    int count = wait_for_events(poller, events, limit < MOST_EVENTS ? limit : MOST_EVENTS, nanoseconds);
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

int socket_poller_wait(int poller, int64_t *tags, int limit, int64_t nanoseconds) {
    struct kevent events[MOST_EVENTS];
    struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int count = kevent(poller, NULL, 0, events, limit < MOST_EVENTS ? limit : MOST_EVENTS, &time);
    for (int position = 0; position < count; position++) tags[position] = (int64_t)(intptr_t)events[position].udata;
    return count < 0 ? 0 : count;
}
#endif
