/// BLAKE3 in its plain mode: identities are derived with it, and the argument keys of views.
public enum BLAKE3 {
    /// The 32-byte digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        // Chunks are leaves of a binary tree whose left subtrees are complete. `stack` holds the roots of finished
        // subtrees, largest first, just as the one bits of the number of finished chunks tell their sizes.
        var stack: [[UInt32]] = []
        var offset = 0
        var chunkIndex: UInt64 = 0
        while bytes.count - offset > chunkLength {
            var value = chunk(bytes[offset..<offset + chunkLength], chunkIndex).chainingValue()
            chunkIndex += 1
            for _ in 0..<chunkIndex.trailingZeroBitCount {
                value = parent(stack.removeLast(), value).chainingValue()
            }
            stack.append(value)
            offset += chunkLength
        }
        var root = chunk(bytes[offset...], chunkIndex)
        while let left = stack.popLast() { root = parent(left, root.chainingValue()) }
        root.flags |= Flags.root
        return root.compress().prefix(8).flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
    }

    private static let chunkLength = 1_024
    private static let blockLength = 64

    private enum Flags {
        static let chunkStart: UInt32 = 1
        static let chunkEnd: UInt32 = 2
        static let parent: UInt32 = 4
        static let root: UInt32 = 8
    }

    private static let initial: [UInt32] = [
        0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
    ]

    private static let permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]

    /// A compression that is prepared but not run, since its flags depend on whether it turns out to be the root.
    private struct Node {
        var input: [UInt32]
        var block: [UInt32]
        var counter: UInt64
        var length: UInt32
        var flags: UInt32

        func chainingValue() -> [UInt32] { [UInt32](compress().prefix(8)) }

        func compress() -> [UInt32] {
            var state = input
            state += initial.prefix(4)
            state += [UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), length, flags]
            var message = block
            for round in 0..<7 {
                mix(&state, 0, 4, 8, 12, message[0], message[1])
                mix(&state, 1, 5, 9, 13, message[2], message[3])
                mix(&state, 2, 6, 10, 14, message[4], message[5])
                mix(&state, 3, 7, 11, 15, message[6], message[7])
                mix(&state, 0, 5, 10, 15, message[8], message[9])
                mix(&state, 1, 6, 11, 12, message[10], message[11])
                mix(&state, 2, 7, 8, 13, message[12], message[13])
                mix(&state, 3, 4, 9, 14, message[14], message[15])
                if round < 6 { message = permutation.map { message[$0] } }
            }
            for index in 0..<8 {
                state[index] ^= state[index + 8]
                state[index + 8] ^= input[index]
            }
            return state
        }
    }

    private static func mix(
        _ state: inout [UInt32], _ a: Int, _ b: Int, _ c: Int, _ d: Int, _ x: UInt32, _ y: UInt32
    ) {
        state[a] = state[a] &+ state[b] &+ x
        state[d] = rotate(state[d] ^ state[a], 16)
        state[c] = state[c] &+ state[d]
        state[b] = rotate(state[b] ^ state[c], 12)
        state[a] = state[a] &+ state[b] &+ y
        state[d] = rotate(state[d] ^ state[a], 8)
        state[c] = state[c] &+ state[d]
        state[b] = rotate(state[b] ^ state[c], 7)
    }

    private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

    private static func parent(_ left: [UInt32], _ right: [UInt32]) -> Node {
        Node(input: initial, block: left + right, counter: 0, length: UInt32(blockLength), flags: Flags.parent)
    }

    /// The last block of a chunk of at most 1024 bytes, after compressing the blocks before it.
    private static func chunk(_ bytes: ArraySlice<UInt8>, _ index: UInt64) -> Node {
        var input = initial
        var flags = Flags.chunkStart
        var rest = bytes
        while rest.count > blockLength {
            let node = Node(
                input: input, block: words(rest.prefix(blockLength)), counter: index, length: UInt32(blockLength),
                flags: flags)
            input = node.chainingValue()
            flags = 0
            rest = rest.dropFirst(blockLength)
        }
        return Node(
            input: input, block: words(rest), counter: index, length: UInt32(rest.count), flags: flags | Flags.chunkEnd)
    }

    /// Sixteen little-endian words; missing bytes are zero.
    private static func words(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
        var words = [UInt32](repeating: 0, count: 16)
        for (index, byte) in bytes.enumerated() { words[index / 4] |= UInt32(byte) << (8 * UInt32(index % 4)) }
        return words
    }
}
