// Memory safety. Own memory: a record is a header of eight bytes and room for as many bytes as the header says; a long
// image has memory of its own, whose address is in the record, and which goes with it. Handles are those that `insert`
// gave, until they are given back.

/// Copies of images that are known by 32-bit handles and do not move. Each has a word of its owner beside it.
///
/// | Offset | Field |
/// | --- | --- |
/// | 0 | bytes of the image (UInt32) |
/// | 4 | word of the owner (UInt32) |
/// | 8 | the image, or the address of a long one |
///
/// Records come in size classes, four for each doubling, each from a ``RecordPool``, which is made when it is needed first.
/// The highest six bits of a handle say which pool.
///
/// `@safe`: a handle leads to a record that is in use.
@safe
struct ImagePool: ~Copyable {
    private var pools = Buffer<RecordPool>(capacity: 1)
    /// For each size class one more than the position of its pool, or 0.
    private var positions = Buffer<UInt8>([UInt8](repeating: 0, count: Self.classCount))
    /// Bytes of the long images, outside of the pools.
    private var longByteCount = 0

    private static let headerByteCount = 8
    private static let numberBits: UInt32 = 26
    private static let numberMask: UInt32 = 1 << numberBits - 1
    /// Records of more bytes than this hold an address.
    private static let recordLimit = 1 << 14
    /// Multiples of 8 up to 128, four sizes for each of the seven doublings behind it, and long images.
    private static let classCount = 16 + 28 + 1
    private static let longClass = classCount - 1

    deinit {
        guard positions[Self.longClass] != 0, longByteCount > 0 else { return }
        // Those in use are the ones whose address is not zero.
        let position = Int(positions[Self.longClass]) - 1
        for number in 0..<pools[position].bound {
            let record = unsafe pools[position][number]
            unsafe record.load(fromByteOffset: 8, as: UnsafeMutableRawPointer?.self)?.deallocate()
        }
    }

    /// Bytes of all memory.
    var byteCount: Int {
        var sum = longByteCount
        for position in 0..<pools.count { sum += pools[position].byteCount }
        return sum
    }

    /// Images that are there.
    var count: Int {
        var sum = 0
        for position in 0..<pools.count { sum += pools[position].inUse }
        return sum
    }

    /// The class of records of at least so many bytes.
    static func sizeClass(_ byteCount: Int) -> Int {
        if byteCount <= 128 { return max(byteCount &+ 7, 8) &>> 3 &- 1 }
        if byteCount > recordLimit { return longClass }
        // 129...160 is the first of four classes between 128 and 256, and so on.
        let octave = Int.bitWidth &- 1 &- (byteCount &- 1).leadingZeroBitCount
        let quarter = (byteCount &- 1) &>> (octave &- 2) & 3
        return 16 &+ (octave &- 7) &* 4 &+ quarter
    }

    /// Bytes of the records of a class.
    static func recordByteCount(_ sizeClass: Int) -> Int {
        if sizeClass < 16 { return (sizeClass + 1) * 8 }
        if sizeClass == longClass { return 16 }
        let octave = 7 + (sizeClass - 16) / 4
        return (5 + (sizeClass - 16) % 4) << (octave - 2)
    }

    @inline(__always)
    private func record(_ handle: UInt32) -> UnsafeMutableRawPointer {
        unsafe pools[Int(handle &>> Self.numberBits)][handle & Self.numberMask]
    }

    @inline(__always)
    private func isLong(_ byteCount: Int) -> Bool { byteCount &+ Self.headerByteCount > Self.recordLimit }

    /// The image, good until its handle is given back.
    @inline(__always)
    subscript(handle: UInt32) -> UnsafeRawBufferPointer {
        let record = unsafe record(handle)
        let byteCount = unsafe Int(record.load(as: UInt32.self))
        if isLong(byteCount) { return unsafe longImage(record, byteCount) }
        return unsafe UnsafeRawBufferPointer(start: record + Self.headerByteCount, count: byteCount)
    }

    @inline(never)
    private func longImage(_ record: UnsafeMutableRawPointer, _ byteCount: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            start: record.load(fromByteOffset: 8, as: UnsafeRawPointer.self), count: byteCount)
    }

    /// The owner's word of an image.
    @inline(__always)
    func word(_ handle: UInt32) -> Ref<UInt32> {
        unsafe Ref(to: (record(handle) + 4).assumingMemoryBound(to: UInt32.self))
    }

    /// Copies an image. Its length fits 32 bits, as that of every row does.
    mutating func insert(_ image: UnsafeRawBufferPointer, word: UInt32 = 0) -> UInt32 {
        let position = position(ofClass: Self.sizeClass(image.count &+ Self.headerByteCount))
        let number = pools[position].take()
        let record = unsafe pools[position][number]
        unsafe record.storeBytes(of: UInt32(image.count), as: UInt32.self)
        unsafe record.storeBytes(of: word, toByteOffset: 4, as: UInt32.self)
        if isLong(image.count) {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: image.count, alignment: 16)
            longByteCount += image.count
            unsafe memory.copyMemory(from: image.baseAddress.unsafelyUnwrapped, byteCount: image.count)
            unsafe record.storeBytes(of: memory, toByteOffset: 8, as: UnsafeMutableRawPointer.self)
        } else if let start = image.baseAddress {
            unsafe copyImage(start, to: record + Self.headerByteCount, byteCount: image.count)
        }
        return UInt32(position) &<< Self.numberBits | number
    }

    mutating func giveBack(_ handle: UInt32) {
        let record = unsafe record(handle)
        let byteCount = unsafe Int(record.load(as: UInt32.self))
        if isLong(byteCount) {
            unsafe record.load(fromByteOffset: 8, as: UnsafeMutableRawPointer.self).deallocate()
            unsafe record.storeBytes(of: nil, toByteOffset: 8, as: UnsafeMutableRawPointer?.self)
            longByteCount -= byteCount
        }
        pools[Int(handle &>> Self.numberBits)].giveBack(handle & Self.numberMask)
    }

    /// The position of the pool that a new image of a class goes to.
    @inline(__always)
    private mutating func position(ofClass sizeClass: Int) -> Int {
        let position = Int(positions[sizeClass]) &- 1
        return position >= 0 && pools[position].hasNumber(upTo: Self.numberMask) ? position : otherPosition(sizeClass)
    }

    /// A class without a pool gets one. One whose numbers are used up, 67 million, leaves images to the next larger one.
    @inline(never)
    private mutating func otherPosition(_ sizeClass: Int) -> Int {
        for larger in sizeClass..<(sizeClass == Self.longClass ? Self.classCount : Self.longClass) {
            if positions[larger] == 0 {
                pools.append(RecordPool(recordByteCount: Self.recordByteCount(larger)))
                positions[larger] = UInt8(pools.count)
            }
            let position = Int(positions[larger]) - 1
            if pools[position].hasNumber(upTo: Self.numberMask) { return position }
        }
        preconditionFailure("there are no more handles for images of this size")
    }
}
