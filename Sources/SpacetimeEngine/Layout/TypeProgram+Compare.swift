// Memory safety. Valid images: both values are whole, and of the type of the node.

/// Comparing values where they lie.
extension TypeProgram {
    /// Which of two valid values comes first in key order: negative, zero or positive. The same as comparing the keys
    /// that `appendKey` makes, without making them.
    func compare(_ node: Int32, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Int {
        let entry = nodes[Int(node)]
        switch entry.kind {
        case .bool, .unsigned: return unsafe Self.compareIntegers(left, right, Int(entry.fixedSize), flip: 0)
        case .signed: return unsafe Self.compareIntegers(left, right, Int(entry.fixedSize), flip: 0x80)
        case .float where entry.fixedSize == 4:
            return unsafe Self.order(
                orderedBits(Float(bitPattern: left.loadUnaligned(as: UInt32.self))),
                orderedBits(Float(bitPattern: right.loadUnaligned(as: UInt32.self))))
        case .float:
            return unsafe Self.order(
                orderedBits(Double(bitPattern: left.loadUnaligned(as: UInt64.self))),
                orderedBits(Double(bitPattern: right.loadUnaligned(as: UInt64.self))))
        case .string, .bytes: return unsafe compareBytes(Self.counted(left), Self.counted(right))
        case .array: return unsafe compareArrays(children[Int(entry.firstChild)], left, right)
        case .product:
            var offset = 0
            for i in 0..<Int(entry.childCount) {
                let child = children[Int(entry.firstChild) &+ i]
                let order = unsafe compare(child, left + offset, right + offset)
                if order != 0 { return order }
                // Equal values take equally many bytes.
                unsafe offset &+= size(child, at: left + offset)
            }
            return 0
        case .sum:
            let tag = unsafe left.load(as: UInt8.self)
            let other = unsafe right.load(as: UInt8.self)
            if tag != other { return tag < other ? -1 : 1 }
            return unsafe compare(children[Int(entry.firstChild) &+ Int(tag)], left + 1, right + 1)
        }
    }

    private func compareArrays(_ element: Int32, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Int {
        let count = unsafe Int(left.loadUnaligned(as: UInt32.self))
        let otherCount = unsafe Int(right.loadUnaligned(as: UInt32.self))
        var offset = 4
        for _ in 0..<min(count, otherCount) {
            let order = unsafe compare(element, left + offset, right + offset)
            if order != 0 { return order }
            unsafe offset &+= size(element, at: left + offset)
        }
        return Self.order(count, otherCount)
    }

    /// Little-endian integers of any width, most significant byte first.
    private static func compareIntegers(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ size: Int, flip: UInt8
    ) -> Int {
        var index = size &- 1
        var flip = flip
        while index >= 0 {
            let byte = unsafe left.load(fromByteOffset: index, as: UInt8.self) ^ flip
            let other = unsafe right.load(fromByteOffset: index, as: UInt8.self) ^ flip
            if byte != other { return byte < other ? -1 : 1 }
            flip = 0
            index &-= 1
        }
        return 0
    }

    /// The bytes behind a count.
    static func counted(_ address: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: address + 4, count: Int(address.loadUnaligned(as: UInt32.self)))
    }

    @inline(__always)
    static func order<T: Comparable>(_ left: T, _ right: T) -> Int { left < right ? -1 : left == right ? 0 : 1 }
}
