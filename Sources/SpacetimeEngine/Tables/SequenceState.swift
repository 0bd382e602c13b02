import SpacetimeSchema

// Memory safety. Valid images: the address is that of a column of this width.

/// The numbers that an auto-increment column hands out: from the schema's start, in steps of its increment, to the end
/// of its range or of what the column can hold, whichever comes first. Then it is exhausted.
///
/// No number comes twice in one process: a rollback gives none back, there is no second round, and a row that brings a
/// number of its own from further on moves the sequence behind it. After a restart the numbers may come again that only
/// failed calls have drawn since the last commit: nothing tells the log of them. Zero is left out, because in a row it means "number me".
struct SequenceState {
    let column: Int
    /// Bytes of the column.
    let width: Int
    private let isSigned: Bool
    private let increment: Int128
    /// The ends of the range. Both lie within the range of `Int128`, not at its ends, so that ``end`` fits.
    private let lower: Int128
    private let upper: Int128
    /// ``end`` if the sequence is exhausted.
    private(set) var next: Int128
    /// What the log knows ``next`` to be.
    private(set) var logged: Int128
    /// ``next`` when the transaction `movedSerial` began.
    private var before: Int128
    private var movedSerial = UInt64.max
    /// True while the datastore lists the sequence among those that the log does not know the position of.
    var isListed = false

    init(schema: SequenceSchema, width: Int, isSigned: Bool) {
        self.width = width
        self.isSigned = isSigned
        increment = schema.increment
        column = Int(schema.column.rawValue)
        let bits = min(width * 8, 128)
        let greatest: Int128 = bits == 128 ? .max : (1 << Int128(isSigned ? bits - 1 : bits)) - 1
        let least: Int128 = !isSigned ? 0 : bits == 128 ? .min : -(1 << Int128(bits - 1))
        lower = max(schema.minimum, least, .min + 1)
        upper = min(schema.maximum, greatest, .max - 1)
        next = 0
        logged = 0
        before = 0
        restart(at: schema.start)
    }

    /// Where an exhausted sequence stands: behind the last number of its range.
    private var end: Int128 { increment > 0 ? upper + 1 : lower - 1 }

    /// The last number that there can be, for messages.
    var lastNumber: Int128 { increment > 0 ? upper : lower }

    private func following(_ value: Int128) -> Int128 {
        let (sum, overflow) = value.addingReportingOverflow(increment)
        if overflow || sum > upper || sum < lower { return end }
        return sum == 0 ? following(0) : sum
    }

    /// The next number, or nil if there is none left.
    ///
    /// - Parameter serial: the transaction that takes it.
    @inline(__always)
    mutating func take(_ serial: UInt64) -> Int128? {
        let value = next
        if value == end { return nil }
        noteMove(serial)
        next = following(value)
        return value
    }

    /// Whether the sequence has not passed this number of its range.
    @inline(__always)
    func isAhead(_ value: Int128) -> Bool {
        increment > 0 ? value >= next && value <= upper : value <= next && value >= lower
    }

    /// Moves on behind a number that came from elsewhere, keeping the step.
    mutating func advance(past value: Int128, _ serial: UInt64) {
        guard isAhead(value) else { return }
        noteMove(serial)
        // Both lie in the range, so the distance fits 128 bits without a sign; wrapping gives exactly these.
        let distance = UInt128(bitPattern: increment > 0 ? value &- next : next &- value)
        let room = UInt128(bitPattern: increment > 0 ? upper &- next : next &- lower)
        let steps = distance / increment.magnitude + 1
        let (way, overflow) = steps.multipliedReportingOverflow(by: increment.magnitude)
        if overflow || way > room {
            next = end
        } else {
            let step = Int128(truncatingIfNeeded: way)
            next = increment > 0 ? next &+ step : next &- step
            if next == 0 { next = following(0) }
        }
    }

    @inline(__always)
    private mutating func noteMove(_ serial: UInt64) {
        if movedSerial == serial { return }
        movedSerial = serial
        before = next
    }

    /// Goes on at this value, as after loading a snapshot.
    mutating func restart(at value: Int128) {
        next = value == 0 ? following(0) : value < lower || value > upper ? end : value
        logged = next
        before = next
    }

    /// Goes on from where it is, in a datastore whose transactions have other numbers and whose log is told of all positions.
    mutating func settle() {
        restart(at: next)
        movedSerial = .max
        isListed = false
    }

    // MARK: The log

    /// Where it was when the transaction began, if the log does not know that: transactions that were not logged had
    /// taken numbers.
    func unloggedStart(_ serial: UInt64) -> Int128? {
        let start = movedSerial == serial ? before : next
        return start == logged ? nil : start
    }

    /// Where it is now, if the transaction has moved it.
    func unloggedMove(_ serial: UInt64) -> Int128? { movedSerial == serial && before != next ? next : nil }

    mutating func noteLogged() {
        logged = next
        isListed = false
    }

    // MARK: Columns

    /// The number in a column; nil if it is beyond 128 bits.
    @inline(__always)
    func number(at address: UnsafeRawPointer) -> Int128? {
        switch width {
        case 8:
            let bits = unsafe address.loadUnaligned(as: UInt64.self)
            return isSigned ? Int128(Int64(bitPattern: bits)) : Int128(bits)
        case 4:
            let bits = unsafe address.loadUnaligned(as: UInt32.self)
            return isSigned ? Int128(Int32(bitPattern: bits)) : Int128(bits)
        default: return unsafe oddNumber(at: address)
        }
    }

    /// The number in a column of another width than most have.
    @inline(never)
    private func oddNumber(at address: UnsafeRawPointer) -> Int128? {
        let isNegative = unsafe isSigned && address.load(fromByteOffset: width - 1, as: UInt8.self) >= 0x80
        let fill: UInt8 = isNegative ? 0xFF : 0
        var value: UInt128 = 0
        for i in 0..<16 {
            let byte = unsafe i < width ? address.load(fromByteOffset: i, as: UInt8.self) : fill
            value |= UInt128(byte) << UInt128(i * 8)
        }
        for i in 16..<max(width, 16) where unsafe address.load(fromByteOffset: i, as: UInt8.self) != fill { return nil }
        let result = Int128(truncatingIfNeeded: value)
        return (result < 0) == isNegative ? result : nil
    }

    @inline(__always)
    func write(_ value: Int128, at address: UnsafeMutableRawPointer) {
        switch width {
        case 8: unsafe address.storeBytes(of: UInt64(truncatingIfNeeded: value), as: UInt64.self)
        case 4: unsafe address.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
        default: unsafe writeOdd(value, at: address)
        }
    }

    @inline(never)
    private func writeOdd(_ value: Int128, at address: UnsafeMutableRawPointer) {
        // 256-bit columns get the value's sign above its 16 bytes.
        for i in 0..<width {
            let byte = UInt8(truncatingIfNeeded: i < 16 ? value >> Int128(i * 8) : value >> 127)
            unsafe address.storeBytes(of: byte, toByteOffset: i, as: UInt8.self)
        }
    }
}
