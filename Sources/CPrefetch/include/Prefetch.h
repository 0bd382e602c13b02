#ifndef SPACETIME_PREFETCH_H
#define SPACETIME_PREFETCH_H

/// Asks the processor to bring the cache line of an address closer. Never faults, whatever the address.
static inline void spacetime_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

/// The same for a line that will be written: it is taken from other cores beforehand.
static inline void spacetime_prefetch_for_writing(const void *address) { __builtin_prefetch(address, 1, 3); }

#endif
