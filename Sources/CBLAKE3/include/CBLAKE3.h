// Private to SpacetimeSATS.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// How many words of scratch memory `spacetime_blake3` needs for so many bytes.
static inline size_t spacetime_blake3_scratch(size_t count) { return (count / 1024 + 8) * 8; }

/// BLAKE3 of `count` bytes, in its plain mode: a digest of eight words.
///
/// `scratch` has room for as many words as `spacetime_blake3_scratch` says. Uses AVX2 where the processor has it.
void spacetime_blake3(const uint8_t *_Nullable bytes, size_t count, uint32_t *_Nonnull scratch,
                      uint32_t *_Nonnull digest);
