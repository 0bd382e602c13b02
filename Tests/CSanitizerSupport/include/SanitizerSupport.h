// Lets the thread sanitizer see the contended path of Swift's Mutex.
//
// On Linux that path lies in the standard library, which is not instrumented: a thread that had to wait for a mutex
// looks to the sanitizer as if it never took it, and everything the mutex guards is reported as a race. This target
// stands in front of the library's function and adds the missing edge. It does nothing in other builds.

#ifndef SPACETIME_SANITIZER_SUPPORT_H
#define SPACETIME_SANITIZER_SUPPORT_H

#include <stdbool.h>

/// Whether waits for a mutex are made visible in this program.
bool sanitizer_sees_mutexes(void);

#endif
