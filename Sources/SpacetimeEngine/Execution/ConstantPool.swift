import SpacetimeSATS

// Memory safety. Own memory: the constants. Checked bytes: values are validated as what they are compared with before
// one is read.

/// Collects the constants of a program: whole values, texts, and sorted lists.
struct ConstantPool {
    private(set) var bytes: [UInt8] = []

    /// Adds bytes and returns their place.
    mutating func add(_ added: some Sequence<UInt8>) -> Int {
        let place = bytes.count
        bytes += added
        return place
    }

    /// Adds numbers, aligned.
    mutating func add<Number: FixedWidthInteger>(numbers: [Number]) -> Int {
        while bytes.count % MemoryLayout<UInt64>.size != 0 { bytes.append(0) }
        let place = bytes.count
        unsafe numbers.withUnsafeBytes { unsafe bytes += $0 }
        return place
    }

    /// A comparison with a value.
    ///
    /// - Throws: if the bytes are no value of the type.
    mutating func test(
        _ comparison: RowPredicate.Comparison, _ value: [UInt8], _ type: AlgebraicType, node: Int32,
        _ program: borrowing TypeProgram
    ) throws(BSATNError) -> ValueTest {
        _ = try program.places(of: ValueList(count: 1, bytes: value), node)
        var test = ValueTest(comparison, type, node: node)
        test.place = add(value)
        test.count = value.count
        return test
    }

    /// A search in a list of values.
    mutating func test(
        isIn values: ValueList, _ type: AlgebraicType, node: Int32, _ program: borrowing TypeProgram
    ) throws(BSATNError) -> ValueTest {
        let places = try program.places(of: values, node)
        if let integer = KeySpec.Integer(type) {
            var numbers = unsafe values.bytes.withUnsafeBytes { bytes in
                places.dropLast().map { unsafe integer.load(bytes.baseAddress.unsafelyUnwrapped + $0) }
            }
            numbers.sort()
            return test(isIn: numbers, integer, node: node)
        }
        let isText = type == .string || type == .bytes
        let sorted = program.distinct(values, places, node)
        var test = ValueTest(isText ? .textList : .valueList, node: node)
        test.count = sorted.count
        test.place = addList(sorted.map { values.bytes[($0.lowerBound + (isText ? 4 : 0))..<$0.upperBound] })
        return test
    }

    /// Adds a list that ``ConstantList`` reads.
    mutating func addList(_ elements: [ArraySlice<UInt8>]) -> Int {
        var starts: [UInt32] = []
        var end = (elements.count + 1) * 4
        for element in elements {
            starts.append(UInt32(end))
            end += element.count
        }
        starts.append(UInt32(end))
        let place = add(numbers: starts)
        for element in elements { bytes += element }
        return place
    }

    private mutating func test(isIn numbers: [UInt64], _ integer: KeySpec.Integer, node: Int32) -> ValueTest {
        var test = ValueTest(.integerList, node: node)
        test.integer = integer
        guard let first = numbers.first, let last = numbers.last else { return test }
        let span = last - first
        if span < UInt64(numbers.count) * 64 {
            // No more memory than the list itself would take, and one step instead of a search.
            var bits = [UInt64](repeating: 0, count: Int(span / 64) + 1)
            for number in numbers { bits[Int((number - first) / 64)] |= 1 << ((number - first) % 64) }
            test.kind = .integerBits
            test.number = first
            test.count = Int(span) + 1
            test.place = add(numbers: bits)
        } else {
            test.count = numbers.count
            test.place = add(numbers: numbers)
        }
        return test
    }
}

/// The constants of a program where it runs: one block that does not move.
///
/// `@safe`: places come from the pool that the block was made of.
@safe
struct Constants: ~Copyable {
    let base: UnsafeMutableRawPointer
    private let byteCount: Int

    init(_ pool: ConstantPool) {
        byteCount = pool.bytes.count
        unsafe base = .allocate(byteCount: max(byteCount, 8), alignment: 8)
        unsafe pool.bytes.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { unsafe base.copyMemory(from: start, byteCount: bytes.count) }
        }
    }

    deinit { unsafe base.deallocate() }

    /// Tells a test where its constants are.
    func connect(_ test: inout ValueTest) {
        guard test.place >= 0 else { return }
        // What is no value of its own is read as far as the list, or the count of the test, says.
        let count = min(test.count, byteCount - test.place)
        unsafe test.set(UnsafeRawBufferPointer(start: base + test.place, count: count))
    }
}

extension TypeProgram {
    /// Where each value of a list begins, and where the last one ends.
    ///
    /// - Throws: if the bytes are not so many values of the type.
    func places(of values: ValueList, _ node: Int32) throws(BSATNError) -> [Int] {
        var places: [Int] = []
        places.reserveCapacity(values.count + 1)
        var offset = 0
        try unsafe values.bytes.withBytes { (bytes) throws(BSATNError) in
            for _ in 0..<values.count {
                places.append(offset)
                try unsafe validate(node, in: bytes, at: &offset)
            }
        }
        places.append(offset)
        guard offset == values.bytes.count else {
            throw .trailingBytes(at: offset, count: values.bytes.count - offset)
        }
        return places
    }

    /// The places of the different values of a list in key order.
    func distinct(_ values: ValueList, _ places: [Int], _ node: Int32) -> [Range<Int>] {
        unsafe values.bytes.withUnsafeBytes { bytes in
            // Without bytes all values are one, and there is no address.
            guard let base = unsafe bytes.baseAddress.map(UnsafeRawPointer.init) else {
                return values.count > 0 ? [0..<0] : []
            }
            var ranges: [Range<Int>] = []
            let sorted = (0..<values.count).map { places[$0]..<places[$0 + 1] }.sorted {
                unsafe compare(node, base + $0.lowerBound, base + $1.lowerBound) < 0
            }
            for range in sorted {
                if let last = ranges.last, unsafe compare(node, base + last.lowerBound, base + range.lowerBound) == 0 {
                    continue
                }
                ranges.append(range)
            }
            return ranges
        }
    }
}

extension KeySpec.Integer {
    /// How values of that type are read as one integer; nil if they are none.
    init?(_ type: AlgebraicType) {
        guard let (width, isSigned) = KeySpec.integerForm(type) else { return nil }
        self.init(offset: 0, column: 0, width: Int32(width), flip: isSigned ? 1 << UInt64(width * 8 - 1) : 0)
    }
}
