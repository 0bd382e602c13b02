// Memory safety. Valid images: values are whole. Keys are those that `appendKey` made of values of the node.

/// One image for all values that are equal in key order: NaNs become the ordinary NaN, and -0 becomes +0.
extension TypeProgram {
    /// Appends the canonical image of the value at `address`, and returns the bytes that the value takes.
    @discardableResult
    func appendCanonical(_ node: Int32, at address: UnsafeRawPointer, to image: inout Buffer<UInt8>) -> Int {
        let entry = nodes[Int(node)]
        if entry.isCanonical {
            let count = unsafe size(node, at: address)
            unsafe image.append(UnsafeRawBufferPointer(start: address, count: count))
            return count
        }
        switch entry.kind {
        case .float where entry.fixedSize == 4:
            let value = unsafe Float(bitPattern: address.loadUnaligned(as: UInt32.self))
            image.append(littleEndian: UInt64(canonical(value).bitPattern), 4)
            return 4
        case .float:
            let value = unsafe Double(bitPattern: address.loadUnaligned(as: UInt64.self))
            image.append(littleEndian: canonical(value).bitPattern, 8)
            return 8
        case .array:
            let count = unsafe Int(address.loadUnaligned(as: UInt32.self))
            let child = children[Int(entry.firstChild)]
            image.append(littleEndian: UInt64(count), 4)
            var offset = 4
            for _ in 0..<count { unsafe offset &+= appendCanonical(child, at: address + offset, to: &image) }
            return offset
        case .product:
            var offset = 0
            for i in 0..<Int(entry.childCount) {
                unsafe offset &+= appendCanonical(
                    children[Int(entry.firstChild) &+ i], at: address + offset, to: &image)
            }
            return offset
        case .sum:
            let tag = unsafe address.load(as: UInt8.self)
            image.append(tag)
            return unsafe 1
                &+ appendCanonical(children[Int(entry.firstChild) &+ Int(tag)], at: address + 1, to: &image)
        case .bool, .unsigned, .signed, .string, .bytes: return 0
        }
    }

    /// Appends the value that `appendKey` made these key bytes of, in its canonical image, and returns how many of the key's
    /// bytes that took.
    @discardableResult
    func appendValue(_ node: Int32, fromKey key: UnsafeRawPointer, to image: inout Buffer<UInt8>) -> Int {
        let entry = nodes[Int(node)]
        switch entry.kind {
        case .bool, .unsigned, .signed:
            let size = Int(entry.fixedSize)
            image.reserve(size)
            for i in 0..<size {
                let byte = unsafe key.load(fromByteOffset: size &- 1 &- i, as: UInt8.self)
                image.appendReserved(i == size &- 1 && entry.kind == .signed ? byte ^ 0x80 : byte)
            }
            return size
        case .float where entry.fixedSize == 4:
            let bits = unsafe UInt32(bigEndian: key.loadUnaligned(as: UInt32.self))
            image.append(littleEndian: UInt64(Float(orderedBits: bits).bitPattern), 4)
            return 4
        case .float:
            let bits = unsafe UInt64(bigEndian: key.loadUnaligned(as: UInt64.self))
            image.append(littleEndian: Double(orderedBits: bits).bitPattern, 8)
            return 8
        case .string, .bytes:
            let start = image.count
            image.append(littleEndian: 0, 4)
            var offset = 0
            while true {
                let byte = unsafe key.load(fromByteOffset: offset, as: UInt8.self)
                offset &+= 1
                if byte == 0 {
                    // Zero ends the text, unless it stands for itself.
                    offset &+= 1
                    if unsafe key.load(fromByteOffset: offset &- 1, as: UInt8.self) == 0 { break }
                }
                image.append(byte)
            }
            image.setCount(image.count &- start &- 4, at: start)
            return offset
        case .array:
            let child = children[Int(entry.firstChild)]
            let start = image.count
            image.append(littleEndian: 0, 4)
            var offset = 0
            var count = 0
            while unsafe key.load(fromByteOffset: offset, as: UInt8.self) == 1 {
                unsafe offset &+= 1 &+ appendValue(child, fromKey: key + offset + 1, to: &image)
                count &+= 1
            }
            image.setCount(count, at: start)
            return offset &+ 1
        case .product:
            var offset = 0
            for i in 0..<Int(entry.childCount) {
                unsafe offset &+= appendValue(
                    children[Int(entry.firstChild) &+ i], fromKey: key + offset, to: &image)
            }
            return offset
        case .sum:
            let tag = unsafe key.load(as: UInt8.self)
            image.append(tag)
            return unsafe 1
                &+ appendValue(children[Int(entry.firstChild) &+ Int(tag)], fromKey: key + 1, to: &image)
        }
    }
}

/// The one value that stands for all that are equal to it in key order.
func canonical(_ value: Double) -> Double { value.isNaN ? .nan : value == 0 ? 0 : value }
func canonical(_ value: Float) -> Float { value.isNaN ? .nan : value == 0 ? 0 : value }

extension Double {
    /// The value that has these ordered bits, see `orderedBits`.
    init(orderedBits bits: UInt64) {
        self = bits == .max ? .nan : Double(bitPattern: bits >> 63 == 1 ? bits ^ 1 << 63 : ~bits)
    }
}

extension Float {
    init(orderedBits bits: UInt32) {
        self = bits == .max ? .nan : Float(bitPattern: bits >> 31 == 1 ? bits ^ 1 << 31 : ~bits)
    }
}
