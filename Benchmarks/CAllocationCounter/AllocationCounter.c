#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "AllocationCounter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__linux__) && defined(__GLIBC__)
#define COUNTS_ALLOCATIONS 1
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <malloc/malloc.h>
#endif

static uint64_t count_at_start;

#ifdef COUNTS_ALLOCATIONS

// glibc's allocator under the names that interposing does not hide.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

// A slot has one writing thread, so a relaxed load and store are enough and compile to plain moves. Slots fill a
// cache line each: two threads never share one.
struct slot {
    _Alignas(64) _Atomic uint64_t allocations;
};

enum { slot_count = 512 };
static struct slot slots[slot_count];
static _Atomic uint32_t slots_taken;
static __thread struct slot *own_slot;

__attribute__((noinline)) static struct slot *take_slot(void) {
    uint32_t position = atomic_fetch_add_explicit(&slots_taken, 1, memory_order_relaxed);
    // Threads past the last slot share it and may lose counts; no benchmark starts that many.
    own_slot = &slots[position < slot_count ? position : slot_count - 1];
    return own_slot;
}

static inline void count_one(void) {
    struct slot *slot = own_slot;
    if (__builtin_expect(slot == NULL, 0)) slot = take_slot();
    uint64_t allocations = atomic_load_explicit(&slot->allocations, memory_order_relaxed);
    atomic_store_explicit(&slot->allocations, allocations + 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    count_one();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_one();
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    count_one();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    count_one();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count_one();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment == 0 || alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    count_one();
    int saved = errno;
    void *block = __libc_memalign(alignment, size);
    errno = saved;
    if (block == NULL) return ENOMEM;
    *result = block;
    return 0;
}

void free(void *block) { __libc_free(block); }

// Memory that a program maps by itself is no heap to glibc, but it is memory: large indexes and slabs of pages live there.
// The allocator's own mappings do not come through here; mallinfo2 knows them.
static _Atomic int64_t mapped_bytes;

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    void *mapped = (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
    if (mapped != MAP_FAILED && file == -1) atomic_fetch_add_explicit(&mapped_bytes, (int64_t)length, memory_order_relaxed);
    return mapped;
}

int munmap(void *address, size_t length) {
    int result = (int)syscall(SYS_munmap, address, length);
    if (result == 0) atomic_fetch_sub_explicit(&mapped_bytes, (int64_t)length, memory_order_relaxed);
    return result;
}

bool allocation_counter_is_supported(void) { return true; }

uint64_t allocation_counter_read(void) {
    uint64_t sum = 0;
    for (int position = 0; position < slot_count; position++) {
        sum += atomic_load_explicit(&slots[position].allocations, memory_order_relaxed);
    }
    return sum;
}

uint64_t allocation_counter_live_bytes(void) {
    struct mallinfo2 heap = mallinfo2();
    int64_t mapped = atomic_load_explicit(&mapped_bytes, memory_order_relaxed);
    return (uint64_t)heap.uordblks + (uint64_t)heap.hblkhd + (uint64_t)(mapped > 0 ? mapped : 0);
}

#else

bool allocation_counter_is_supported(void) { return false; }
uint64_t allocation_counter_read(void) { return 0; }

uint64_t allocation_counter_live_bytes(void) {
#if defined(__APPLE__)
    return mstats().bytes_used;
#else
    return 0;
#endif
}

#endif

void allocation_counter_start(void) { count_at_start = allocation_counter_read(); }

uint64_t allocation_counter_stop(void) { return allocation_counter_read() - count_at_start; }

void allocation_counter_allocate(uint64_t count) {
    for (uint64_t done = 0; done < count; done++) {
        void *volatile block = NULL;
        void *aligned = NULL;
        switch (done % 5) {
        case 0: block = malloc(24); break;
        case 1: block = calloc(3, 8); break;
        case 2: block = realloc(NULL, 40); break;
        case 3: block = aligned_alloc(64, 128); break;
        default:
            if (posix_memalign(&aligned, 64, 128) == 0) block = aligned;
            break;
        }
        free(block);
    }
}
