// Counts heap allocations of the whole process, for the benchmarks.
//
// On Linux with glibc the target defines malloc and its relatives and passes each call on to glibc. Symbols of an
// executable win over those of shared libraries, so linking the target into a program is all it takes: the Swift
// runtime's allocations and SQLite's are counted alike. Elsewhere nothing is interposed and the counter says so.
//
// Each thread counts in a slot of its own, without atomics' bus locks, so the count is always on and costs about a
// nanosecond per allocation.

#ifndef SPACETIME_ALLOCATION_COUNTER_H
#define SPACETIME_ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/// Whether this program's allocations are counted at all.
bool allocation_counter_is_supported(void);

/// Starts a count: remembers how many allocations there have been. One count at a time.
void allocation_counter_start(void);

/// Ends the count and returns the allocations made since the start, by all threads.
uint64_t allocation_counter_stop(void);

/// The allocations made so far, by all threads, since the program began. Reallocations count as allocations.
uint64_t allocation_counter_read(void);

/// The bytes now in use on the heap, including the allocator's own header per block; 0 where that is unknown.
uint64_t allocation_counter_live_bytes(void);

/// Makes `count` allocations that no optimiser may remove, of every kind that is counted, and frees them.
void allocation_counter_allocate(uint64_t count);

#endif
