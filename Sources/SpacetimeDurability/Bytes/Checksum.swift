import CCRC32C

/// CRC-32C of the bytes, continuing from that of bytes before them. By an instruction of the processor where it has one.
package func crc32c(_ bytes: RawSpan, continuing crc: UInt32 = 0) -> UInt32 {
    // The C function reads the bytes of the buffer and keeps no pointer.
    unsafe bytes.withUnsafeBytes { buffer in
        guard let base = buffer.baseAddress else { return crc }
        return unsafe spacetime_crc32c(crc, base, buffer.count)
    }
}
