import SpacetimeSATS

// Memory safety. Valid images: the value is one of the type that the test was made for. Whoever made the test put whole
// values, or a whole list, where it says, and keeps them.

/// A test of one value against what was known beforehand. Plain data, so that running it counts no references.
///
/// `@safe`: see above.
@safe
struct ValueTest {
    enum Kind: UInt8 {
        /// Up to 64 bits, compared as unsigned numbers after flipping.
        case integer
        case float, double
        /// String or bytes, compared byte by byte.
        case text
        /// Anything else, compared as a value of its type.
        case value
        case prefix
        /// One of some integers: a sorted list, or a bit for each number from the least to the greatest.
        case integerList, integerBits
        case textList, valueList
        /// Not tests of one value against constants: whether there is one, and how it lies to another field of the row.
        case present, fields
    }

    var kind: Kind
    var comparison: RowPredicate.Comparison
    /// The type of the value.
    var node: Int32 = 0
    var integer = KeySpec.Integer(offset: 0, column: 0, width: 1, flip: 0)
    /// The integer or the ordered bits of the float compared with; the least of a list.
    var number: UInt64 = 0
    /// Where in the constants the bytes, the value or the list are; -1 if there are none.
    var place = -1
    /// Bytes, elements, or bits.
    var count = 0
    /// Where they are in memory, once that is known.
    var constants: UnsafeRawPointer

    init(_ kind: Kind, _ comparison: RowPredicate.Comparison = .equal, node: Int32 = 0) {
        self.kind = kind
        self.comparison = comparison
        self.node = node
        unsafe constants = UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    }

    /// A comparison with a value that is still to be set.
    init(_ comparison: RowPredicate.Comparison, _ type: AlgebraicType, node: Int32) {
        let integer = KeySpec.Integer(type)
        let kind: Kind =
            switch type {
            case _ where integer != nil: .integer
            case .f32: .float
            case .f64: .double
            case .string, .array(.u8): .text
            default: .value
            }
        self.init(kind, comparison, node: node)
        if let integer { self.integer = integer }
    }

    /// Takes what it compares with out of memory that stays as it is: a whole value of the type, or what a list consists of.
    mutating func set(_ value: UnsafeRawBufferPointer) {
        guard let start = value.baseAddress else { return }
        switch kind {
        case .integer: number = unsafe integer.load(start)
        case .float: number = unsafe UInt64(orderedBits(Float(bitPattern: start.loadUnaligned(as: UInt32.self))))
        case .double: number = unsafe orderedBits(Double(bitPattern: start.loadUnaligned(as: UInt64.self)))
        case .text:
            unsafe constants = start + 4
            count = value.count - 4
        case .value, .prefix, .integerList, .integerBits, .textList, .valueList: unsafe constants = start
        case .present, .fields: break
        }
    }

    /// Whether the value there passes.
    @inline(__always)
    func holds(at address: UnsafeRawPointer, _ program: borrowing TypeProgram) -> Bool {
        switch kind {
        case .integer: return unsafe Self.holds(integer.load(address), comparison, number)
        case .float:
            return unsafe Self.holds(
                UInt64(orderedBits(Float(bitPattern: address.loadUnaligned(as: UInt32.self)))), comparison, number)
        case .double:
            return unsafe Self.holds(
                orderedBits(Double(bitPattern: address.loadUnaligned(as: UInt64.self))), comparison, number)
        case .text:
            let text = unsafe TypeProgram.counted(address)
            let value = unsafe UnsafeRawBufferPointer(start: constants, count: count)
            if comparison == .equal { return unsafe equalBytes(text, value) }
            return unsafe Self.holds(compareBytes(text, value), comparison, 0)
        default: return unsafe holdsOther(at: address, program)
        }
    }

    @inline(never)
    private func holdsOther(at address: UnsafeRawPointer, _ program: borrowing TypeProgram) -> Bool {
        switch kind {
        case .value: return unsafe Self.holds(program.compare(node, address, constants), comparison, 0)
        case .present: return true
        case .prefix:
            let text = unsafe TypeProgram.counted(address)
            return unsafe text.count >= count
                && equalBytes(
                    UnsafeRawBufferPointer(rebasing: text[..<count]),
                    UnsafeRawBufferPointer(start: constants, count: count))
        case .integerBits:
            let place = unsafe integer.load(address) &- number
            guard place < UInt64(count) else { return false }
            return unsafe constants.assumingMemoryBound(to: UInt64.self)[Int(place &>> 6)] &>> (place & 63) & 1 == 1
        case .integerList:
            let number = unsafe integer.load(address)
            return unsafe Self.contains(constants.assumingMemoryBound(to: UInt64.self), count, number)
        case .textList:
            let text = unsafe TypeProgram.counted(address)
            return unsafe ConstantList(base: constants, count: count).contains { unsafe compareBytes($0, text) }
        case .valueList:
            return unsafe ConstantList(base: constants, count: count).contains {
                unsafe program.compare(node, $0.baseAddress.unsafelyUnwrapped, address)
            }
        case .integer, .float, .double, .text, .fields: return false
        }
    }

    private static func contains(_ numbers: UnsafePointer<UInt64>, _ count: Int, _ number: UInt64) -> Bool {
        var low = 0
        var length = count
        while length > 0 {
            let half = length &>> 1
            let isBelow = unsafe numbers[low &+ half] < number
            low = isBelow ? low &+ half &+ 1 : low
            length = isBelow ? length &- half &- 1 : half
        }
        return unsafe low < count && numbers[low] == number
    }

    @inline(__always)
    static func holds<T: Comparable>(_ left: T, _ comparison: RowPredicate.Comparison, _ right: T) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}

/// Lists of values in the constants of a program: the places of the elements as `UInt32`, one more than there are
/// elements, then the elements themselves.
///
/// `@safe`: the compiler made the list so, and it is looked at while the program that it is a part of runs.
@safe
struct ConstantList {
    let base: UnsafeRawPointer
    let count: Int

    @inline(__always)
    func element(_ index: Int) -> UnsafeRawBufferPointer {
        let places = unsafe base.assumingMemoryBound(to: UInt32.self)
        let start = unsafe Int(places[index])
        return unsafe UnsafeRawBufferPointer(start: base + start, count: Int(places[index &+ 1]) &- start)
    }

    /// Whether some element is equal, by a function that tells how an element lies to the value looked for.
    @inline(__always)
    func contains(_ order: (UnsafeRawBufferPointer) -> Int) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low &+ high) &>> 1
            let found = unsafe order(element(middle))
            if found == 0 { return true }
            if found < 0 { low = middle &+ 1 } else { high = middle }
        }
        return false
    }
}
