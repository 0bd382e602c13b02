/// Keccak-256 with the original padding (not SHA3-256): the hash of module programs and migration tokens.
public enum Keccak256 {
    /// The 32-byte digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        let rate = 136
        var state = [UInt64](repeating: 0, count: 25)
        var offset = 0
        while bytes.count - offset >= rate {
            absorb(bytes[offset..<offset + rate], into: &state)
            offset += rate
        }
        var last = [UInt8](bytes[offset...])
        last.append(contentsOf: repeatElement(0, count: rate - last.count))
        // The original padding starts with a single 1 bit; SHA-3 would put 0x06 here.
        last[bytes.count - offset] ^= 0x01
        last[rate - 1] ^= 0x80
        absorb(last[...], into: &state)
        return (0..<32).map { UInt8(truncatingIfNeeded: state[$0 / 8] >> (8 * UInt64($0 % 8))) }
    }

    private static func absorb(_ block: ArraySlice<UInt8>, into state: inout [UInt64]) {
        for (index, byte) in block.enumerated() {
            state[index / 8] ^= UInt64(byte) << (8 * UInt64(index % 8))
        }
        permute(&state)
    }

    private static func permute(_ state: inout [UInt64]) {
        var column = [UInt64](repeating: 0, count: 5)
        var moved = [UInt64](repeating: 0, count: 25)
        for constant in roundConstants {
            for x in 0..<5 {
                column[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
            }
            for x in 0..<5 {
                let mix = column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1)
                for y in 0..<5 { state[x + 5 * y] ^= mix }
            }
            for x in 0..<5 {
                for y in 0..<5 { moved[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(state[x + 5 * y], rotations[x + 5 * y]) }
            }
            for y in 0..<5 {
                for x in 0..<5 {
                    state[x + 5 * y] = moved[x + 5 * y] ^ (~moved[(x + 1) % 5 + 5 * y] & moved[(x + 2) % 5 + 5 * y])
                }
            }
            state[0] ^= constant
        }
    }

    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
        count == 0 ? word : word << count | word >> (64 - count)
    }

    /// Offsets of the rho step, by `x + 5 * y`.
    private static let rotations: [UInt64] = [
        0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
    ]

    private static let roundConstants: [UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
        0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]
}
