#ifndef SPACETIME_THREADS_H
#define SPACETIME_THREADS_H

#include <stdbool.h>

#if defined(__ELF__)
// One load relative to the thread pointer, instead of a call of the dynamic linker. Eight bytes of static thread-local
// storage are within what the linker keeps free for libraries that are loaded later.
#define SPACETIME_TLS_MODEL __attribute__((tls_model("initial-exec")))
#else
#define SPACETIME_TLS_MODEL
#endif

/// The database whose transaction the calling thread is running; null if it is running none.
extern _Thread_local const void *_Nullable spacetime_held_database SPACETIME_TLS_MODEL;

static inline const void *_Nullable spacetime_get_held_database(void) { return spacetime_held_database; }

static inline void spacetime_set_held_database(const void *_Nullable database) { spacetime_held_database = database; }

/// True while the calling thread is waking clients that a commit has something for.
extern _Thread_local bool spacetime_delivering SPACETIME_TLS_MODEL;

static inline bool spacetime_is_delivering(void) { return spacetime_delivering; }

static inline void spacetime_set_delivering(bool is_delivering) { spacetime_delivering = is_delivering; }

/// Tells the processor that this is a loop that waits for another thread.
static inline void spacetime_spin_hint(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

#endif
