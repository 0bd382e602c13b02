import CLZ4

/// LZ4 blocks.
enum LZ4 {
    /// Shorter input is stored as it is.
    static let minimumByteCount = 512
    /// The most that one block may hold.
    static let limit = 0x7E00_0000

    /// Room that compressing so many bytes may need.
    static func bound(_ count: Int) -> Int { Int(LZ4_compressBound(Int32(count))) }

    /// Appends the bytes to a buffer: compressed if that is asked for and saves at least an eighth, else as they are.
    ///
    /// - Returns: whether they were compressed.
    static func append(_ input: RawSpan, to output: inout ByteBuffer, compressing: Bool) -> Bool {
        guard compressing, input.byteCount >= minimumByteCount, input.byteCount <= limit else {
            output.append(input)
            return false
        }
        let largest = input.byteCount - input.byteCount / 8
        var isCompressed = false
        // The room is as large as LZ4 is told, and the compressor stays within both.
        unsafe output.append(upTo: bound(input.byteCount)) { room in
            let count = unsafe input.withUnsafeBytes { input -> Int32 in
                guard let source = input.baseAddress, let target = room.baseAddress else { return 0 }
                return unsafe LZ4_compress_default(
                    source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
                    Int32(input.count), Int32(room.count))
            }
            isCompressed = count > 0 && Int(count) <= largest
            return isCompressed ? Int(count) : 0
        }
        if !isCompressed { output.append(input) }
        return isCompressed
    }

    /// Appends what a block holds to a buffer.
    ///
    /// - Returns: false if the input is not a block of exactly so many bytes; nothing has been appended then.
    static func decompress(_ input: RawSpan, byteCount: Int, to output: inout ByteBuffer) -> Bool {
        guard input.byteCount > 0, input.byteCount <= limit, byteCount > 0, byteCount <= limit else { return false }
        var isWhole = false
        // `LZ4_decompress_safe` writes nothing outside of the room whatever its input is.
        unsafe output.append(upTo: byteCount) { room in
            let count = unsafe input.withUnsafeBytes { input -> Int32 in
                guard let source = input.baseAddress, let target = room.baseAddress else { return -1 }
                return unsafe LZ4_decompress_safe(
                    source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
                    Int32(input.count), Int32(room.count))
            }
            isWhole = Int(count) == byteCount
            return isWhole ? byteCount : 0
        }
        return isWhole
    }
}
