#include "CBLAKE3.h"

#include <stdbool.h>
#include <string.h>

// Input is cut into chunks, which are leaves of a binary tree whose left subtrees are complete. Going through it level by
// level, neighbours become a parent each, and one that is left over goes up a level as it is. Eight chunks, and then eight
// parents, are worked on at once, each in a lane of the same vectors. In C, since Swift's vectors come apart in rotations.

enum { LANES = 8, CHUNK = 1024, BLOCK = 64 };
enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

/// One word of each of eight compressions.
typedef uint32_t lanes_t __attribute__((vector_size(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))

static const uint32_t initial[8] = {
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
};

/// Which words of the message each round takes.
static const uint8_t order[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1}, {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4}, {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

#define SPLAT(word) ((lanes_t){0} + (uint32_t)(word))
#define ROTATE(word, count) ((word) >> (count) | (word) << (32 - (count)))
#define MIX(a, b, c, d, x, y)                                                                                          \
    v[a] += v[b] + m[x];                                                                                               \
    v[d] = ROTATE(v[d] ^ v[a], 16);                                                                                    \
    v[c] += v[d];                                                                                                      \
    v[b] = ROTATE(v[b] ^ v[c], 12);                                                                                    \
    v[a] += v[b] + m[y];                                                                                               \
    v[d] = ROTATE(v[d] ^ v[a], 8);                                                                                     \
    v[c] += v[d];                                                                                                      \
    v[b] = ROTATE(v[b] ^ v[c], 7);

/// Eight compressions. Counters are those of the lanes, in two halves.
INLINE void compress(lanes_t chain[8], const lanes_t m[16], const lanes_t counter[2], uint32_t length, uint32_t flags) {
    lanes_t v[16];
    memcpy(v, chain, 8 * sizeof(lanes_t));
    for (int i = 0; i < 4; i++) v[8 + i] = SPLAT(initial[i]);
    v[12] = counter[0];
    v[13] = counter[1];
    v[14] = SPLAT(length);
    v[15] = SPLAT(flags);
#pragma clang loop unroll(full)
    for (int round = 0; round < 7; round++) {
        const uint8_t *o = order[round];
        MIX(0, 4, 8, 12, o[0], o[1])
        MIX(1, 5, 9, 13, o[2], o[3])
        MIX(2, 6, 10, 14, o[4], o[5])
        MIX(3, 7, 11, 15, o[6], o[7])
        MIX(0, 5, 10, 15, o[8], o[9])
        MIX(1, 6, 11, 12, o[10], o[11])
        MIX(2, 7, 8, 13, o[12], o[13])
        MIX(3, 4, 9, 14, o[14], o[15])
    }
    for (int i = 0; i < 8; i++) chain[i] = v[i] ^ v[i + 8];
}

INLINE void begin(lanes_t chain[8]) {
    for (int i = 0; i < 8; i++) chain[i] = SPLAT(initial[i]);
}

/// Writes the chains of the first lanes one behind the other.
INLINE void store(const lanes_t chain[8], uint32_t *to, size_t count) {
    for (size_t lane = 0; lane < count; lane++) {
        for (int word = 0; word < 8; word++) to[lane * 8 + (size_t)word] = chain[word][lane];
    }
}

INLINE uint32_t load(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/// Up to eight whole chunks. None of them is the root.
INLINE void chunks(const uint8_t *bytes, uint64_t first, size_t count, uint32_t *to) {
    lanes_t chain[8], message[16], counter[2];
    begin(chain);
    size_t offset[LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        // Lanes for which there is no chunk do what the last one does.
        size_t number = lane < count ? lane : count - 1;
        offset[lane] = number * CHUNK;
        counter[0][lane] = (uint32_t)(first + number);
        counter[1][lane] = (uint32_t)((first + number) >> 32);
    }
    for (size_t block = 0; block < CHUNK / BLOCK; block++) {
        for (size_t word = 0; word < 16; word++) {
            for (size_t lane = 0; lane < LANES; lane++) {
                message[word][lane] = load(bytes + offset[lane] + block * BLOCK + word * 4);
            }
        }
        compress(chain, message, counter, BLOCK,
                 (block == 0 ? CHUNK_START : 0) | (block == CHUNK / BLOCK - 1 ? CHUNK_END : 0));
    }
    store(chain, to, count);
}

/// A chunk of any length, none included. In the first lane; the others do something as well.
INLINE void chunk(const uint8_t *bytes, size_t count, uint64_t number, uint32_t flags, uint32_t *to) {
    lanes_t chain[8], message[16];
    lanes_t counter[2] = {SPLAT(number), SPLAT(number >> 32)};
    begin(chain);
    size_t offset = 0;
    do {
        uint8_t block[BLOCK] = {0};
        size_t length = count - offset < BLOCK ? count - offset : BLOCK;
        if (length > 0) memcpy(block, bytes + offset, length);
        for (int word = 0; word < 16; word++) message[word] = SPLAT(load(block + word * 4));
        compress(chain, message, counter, (uint32_t)length,
                 (offset == 0 ? CHUNK_START : 0) | (offset + length == count ? CHUNK_END | flags : 0));
        offset += BLOCK;
    } while (offset < count);
    store(chain, to, 1);
}

/// Up to eight parents of chains that stand one behind the other, which they overwrite.
INLINE void parents(const uint32_t *children, size_t count, uint32_t flags, uint32_t *to) {
    lanes_t chain[8], message[16];
    const lanes_t counter[2] = {SPLAT(0), SPLAT(0)};
    begin(chain);
    for (size_t word = 0; word < 16; word++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            message[word][lane] = children[(lane < count ? lane : count - 1) * 16 + word];
        }
    }
    compress(chain, message, counter, BLOCK, PARENT | flags);
    store(chain, to, count);
}

INLINE void hash(const uint8_t *bytes, size_t count, uint32_t *chains, uint32_t *digest) {
    if (count <= CHUNK) return chunk(bytes, count, 0, ROOT, digest);
    size_t whole = count / CHUNK, nodes = whole;
    for (size_t done = 0; done < whole; done += LANES) {
        size_t some = whole - done < LANES ? whole - done : LANES;
        chunks(bytes + done * CHUNK, done, some, chains + done * 8);
    }
    if (count % CHUNK != 0) {
        chunk(bytes + whole * CHUNK, count % CHUNK, whole, 0, chains + whole * 8);
        nodes++;
    }
    while (nodes > 2) {
        size_t pairs = nodes / 2;
        for (size_t done = 0; done < pairs; done += LANES) {
            size_t some = pairs - done < LANES ? pairs - done : LANES;
            parents(chains + done * 16, some, 0, chains + done * 8);
        }
        if (nodes % 2 != 0) memmove(chains + pairs * 8, chains + (nodes - 1) * 8, 32);
        nodes = pairs + nodes % 2;
    }
    parents(chains, 1, ROOT, digest);
}

static void hash_plainly(const uint8_t *bytes, size_t count, uint32_t *chains, uint32_t *digest) {
    hash(bytes, count, chains, digest);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void hash_widely(const uint8_t *bytes, size_t count, uint32_t *chains,
                                                        uint32_t *digest) {
    hash(bytes, count, chains, digest);
}
#endif

void spacetime_blake3(const uint8_t *bytes, size_t count, uint32_t *scratch, uint32_t *digest) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return hash_widely(bytes, count, scratch, digest);
#endif
    hash_plainly(bytes, count, scratch, digest);
}
