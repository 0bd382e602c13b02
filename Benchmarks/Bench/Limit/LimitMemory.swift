/// The memory of flat rows and flat hash tables.
final class LimitMemory {
    private struct Row {
        var id: UInt64
        var owner: UInt64
        var x: Int32
        var y: Int32
    }

    private var rows: [Row] = []
    private var keys = FlatHashTable()
    private var owners = FlatHashTable()

    init(rows count: Int, secondIndex: Bool) {
        for position in 0..<count {
            let (x, y) = MemoryRunner.numbers(of: UInt64(position))
            let row = Row(id: UInt64(position), owner: UInt64(count - position), x: x, y: y)
            rows.append(row)
            _ = keys.insert(row.id, position: position)
            if secondIndex { _ = owners.insert(row.owner, position: position) }
        }
    }

    static func subject(secondIndex: Bool) -> MemorySubject {
        MemorySubject(system: "limit", variant: secondIndex ? "key+unique" : "key") {
            LimitMemory(rows: $0, secondIndex: secondIndex)
        }
    }
}
