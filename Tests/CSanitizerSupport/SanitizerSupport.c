#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "SanitizerSupport.h"

#if defined(__linux__) && defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define INTERPOSES 1
#endif
#endif

#ifdef INTERPOSES

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// Synchronization._MutexHandle._lockSlow(UInt32) -> (): called when the mutex is held by another thread; returns with it
// held by this one.
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
// Synchronization._MutexHandle._unlockSlow() -> (): called when other threads wait for the mutex.
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// Synchronization._MutexHandle._tryLockSlow() -> Bool: called when the mutex was held by another thread a moment ago; says
// whether this one has it now.
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"

typedef __attribute__((swiftcall)) bool (*try_lock_function)(__attribute__((swift_context)) void *);
typedef __attribute__((swiftcall)) void (*lock_function)(uint32_t, __attribute__((swift_context)) void *);
typedef __attribute__((swiftcall)) void (*unlock_function)(__attribute__((swift_context)) void *);

static void *library_function(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) abort();
    return function;
}

// Changes nothing: the mutex's own word is what the inlined, instrumented paths are ordered by.
static void touch(void *handle) { (void)__atomic_fetch_or((uint32_t *)handle, 0, __ATOMIC_ACQ_REL); }

__attribute__((swiftcall)) void lock_slow(uint32_t thread, __attribute__((swift_context)) void *handle) __asm__(LOCK_SLOW);
__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *handle) __asm__(UNLOCK_SLOW);
__attribute__((swiftcall)) bool try_lock_slow(__attribute__((swift_context)) void *handle) __asm__(TRY_LOCK_SLOW);

__attribute__((swiftcall)) void lock_slow(uint32_t thread, __attribute__((swift_context)) void *handle) {
    ((lock_function)library_function(LOCK_SLOW))(thread, handle);
    touch(handle);
}

__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *handle) {
    touch(handle);
    ((unlock_function)library_function(UNLOCK_SLOW))(handle);
}

__attribute__((swiftcall)) bool try_lock_slow(__attribute__((swift_context)) void *handle) {
    bool locked = ((try_lock_function)library_function(TRY_LOCK_SLOW))(handle);
    if (locked) touch(handle);
    return locked;
}

bool sanitizer_sees_mutexes(void) { return true; }

#else

bool sanitizer_sees_mutexes(void) { return false; }

#endif
