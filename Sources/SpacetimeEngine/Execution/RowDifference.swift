// Memory safety. Lent buffers: images are copied when they are entered, and lent for as long as nothing is entered.

/// Two sets of rows beside each other, by their bytes: which rows are gone and which are new.
///
/// A row that is given several times counts once. To be used again and again: memory of ordinary size is kept, and nothing is
/// allocated once it was as large.
package struct RowDifference: ~Copyable {
    // No enum: the 6.3 compiler makes invalid code of a private one in a type without copies that another module uses.
    private static var old: UInt8 { 0 }
    private static var both: UInt8 { 1 }
    private static var new: UInt8 { 2 }
    private static var settled: UInt8 { 3 }

    private var rows = NumberedBytes()
    private var marks = Buffer<UInt8>(capacity: 16)

    package init() {}

    /// How many different rows there are in both sets together.
    package var count: Int { rows.count }

    package mutating func removeAll() {
        rows.removeAll()
        marks.removeAll(keeping: 1_024, orShrinkingTo: 16)
    }

    /// Adds a row of the first set.
    package mutating func addOld(_ row: UnsafeRawBufferPointer) { unsafe add(row, Self.old, meeting: Self.new) }

    /// Adds a row of the second set.
    package mutating func addNew(_ row: UnsafeRawBufferPointer) { unsafe add(row, Self.new, meeting: Self.old) }

    private mutating func add(_ row: UnsafeRawBufferPointer, _ mark: UInt8, meeting other: UInt8) {
        let (number, isNew) = unsafe rows.enter(row)
        if isNew { marks.append(mark) } else if marks[number] == other { marks[number] = Self.both }
    }

    /// A row by its number, from 0. The bytes are valid until a row is added.
    package subscript(number: Int) -> UnsafeRawBufferPointer { unsafe rows[number] }

    /// Whether a row is of the first set alone, and no other has its place.
    package func isGone(_ number: Int) -> Bool { marks[number] == Self.old }

    /// Whether a row is of the second set alone, and has no place yet.
    package func isNew(_ number: Int) -> Bool { marks[number] == Self.new }

    /// Says that a new row is put in the place of one of the first set: then neither is to be dealt with any more.
    ///
    /// - Parameter number: of the new row.
    /// - Returns: false if the other row is not one that is gone.
    package mutating func put(_ number: Int, inPlaceOf row: UnsafeRawBufferPointer) -> Bool {
        guard let old = unsafe rows.number(of: row), marks[old] == Self.old else { return false }
        marks[old] = Self.settled
        marks[number] = Self.settled
        return true
    }
}
