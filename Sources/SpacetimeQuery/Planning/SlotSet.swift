import SpacetimeEngine

/// Some of a query's tables, by their positions.
struct SlotSet: Hashable {
    private var low: UInt64 = 0
    /// Of positions behind the first 64.
    private var high: [UInt64] = []

    init() {}

    init(_ slots: some Sequence<Int>) { for slot in slots { insert(slot) } }

    /// Of those below 64, by bits.
    init(bits: UInt64) { low = bits }

    /// Those that an expression depends on.
    init(of expression: Expression) {
        var slots = SlotSet()
        expression.forEachSlot { slots.insert($0) }
        self = slots
    }

    func contains(_ slot: Int) -> Bool {
        if slot < 64 { return low >> UInt64(slot) & 1 == 1 }
        let word = slot / 64 - 1
        return word < high.count && high[word] >> UInt64(slot % 64) & 1 == 1
    }

    mutating func insert(_ slot: Int) {
        if slot < 64 {
            low |= 1 << UInt64(slot)
            return
        }
        let word = slot / 64 - 1
        while high.count <= word { high.append(0) }
        high[word] |= 1 << UInt64(slot % 64)
    }

    func inserting(_ slot: Int) -> SlotSet {
        var copy = self
        copy.insert(slot)
        return copy
    }

    var isEmpty: Bool { low == 0 && high.allSatisfy { $0 == 0 } }

    var count: Int { high.reduce(low.nonzeroBitCount) { $0 + $1.nonzeroBitCount } }

    /// The only one, if it is one.
    var only: Int? {
        guard count == 1 else { return nil }
        if low != 0 { return low.trailingZeroBitCount }
        return high.firstIndex { $0 != 0 }.map { 64 * ($0 + 1) + high[$0].trailingZeroBitCount }
    }

    func isSubset(of other: SlotSet) -> Bool {
        guard low & ~other.low == 0 else { return false }
        return high.indices.allSatisfy { high[$0] & ~($0 < other.high.count ? other.high[$0] : 0) == 0 }
    }
}
