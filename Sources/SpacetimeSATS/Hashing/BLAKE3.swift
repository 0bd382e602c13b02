import CBLAKE3

/// BLAKE3 in its plain mode: identities are derived with it, and modules are known by it.
public enum BLAKE3 {
    /// The 32-byte digest of `bytes`. Takes about a second for three gigabytes.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt32](repeating: 0, count: 8)
        unsafe withUnsafeTemporaryAllocation(
            of: UInt32.self, capacity: spacetime_blake3_scratch(bytes.count)
        ) { scratch in
            guard let scratch = scratch.baseAddress else { return }
            // It reads the bytes that are there, and writes as much scratch memory as it asked for, and eight words.
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe spacetime_blake3(bytes.baseAddress, bytes.count, scratch, &digest)
            }
        }
        return digest.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    }
}
