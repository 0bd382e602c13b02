// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as in RFC 3720 appendix B.4.

#ifndef SPACETIME_CRC32C_H
#define SPACETIME_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/// Continues a checksum over more bytes; starts with 0. Uses the processor's instruction where there is one.
uint32_t spacetime_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by tables alone, to check the other against.
uint32_t spacetime_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
