/// One test of a compiled condition and where to go on after it. Plain data, so that running it counts no references.
struct PredicateInstruction {
    enum Kind: UInt8 {
        /// Up to 64 bits, compared as unsigned numbers after flipping.
        case integer
        case float, double
        /// String or bytes, compared byte by byte.
        case text
        /// Anything else, compared as a value of its type.
        case value
        case present
        case prefix
        /// One of some integers: a sorted list, or a bit for each number from the least to the greatest.
        case integerList, integerBits
        case textList, valueList
        case fields
    }

    /// A place in the row.
    struct Operand {
        /// The offset in every row, or -1 if it must be looked for.
        var offset: Int32 = -1
        var column: Int32 = 0
        /// The type of the value there.
        var node: Int32 = 0
        var firstStep: Int32 = 0
        var stepCount: Int32 = 0
    }

    /// A step of a path, with the type that it leads into.
    struct Step {
        var node: Int32
        var isPayload: Bool
        /// Position of the field, or the tag.
        var index: Int32
    }

    /// Programs end at these instead of at an instruction.
    static let accept: Int32 = -1
    static let reject: Int32 = -2

    var kind: Kind
    var comparison: RowPredicate.Comparison = .equal
    var operand: Operand
    var other = Operand()
    var integer = KeySpec.Integer(offset: 0, column: 0, width: 1, flip: 0)
    /// The integer or the ordered bits of the float compared with; the least of a list.
    var number: UInt64 = 0
    /// Where in the constants the bytes, the value or the list are.
    var constants = 0
    /// Bytes, elements, or bits.
    var count = 0
    var onTrue: Int32 = accept
    var onFalse: Int32 = reject
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
