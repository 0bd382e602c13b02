/// The item table by hand: rows in a flat array, names in one run of bytes, a hash table for the key, and per owner a
/// chain of rows, which works because owners are small numbers.
struct LimitItemTable: ~Copyable {
    struct Row {
        var id: UInt64
        var owner: UInt64
        var x: Int32
        var y: Int32
        var nameStart: UInt32
        var nameCount: UInt32
        /// The next row of the same owner, or -1.
        var next: Int
    }

    private(set) var rows: [Row] = []
    private var names: [UInt8] = []
    private var chains: [Int] = []
    private var index = FlatHashTable()
    private let shape: ItemShape

    init(_ shape: ItemShape) { self.shape = shape }

    mutating func insert(_ range: Range<Int>, of items: ItemWorkload) {
        for position in range {
            let owner = Int(items.owner[position])
            guard index.insert(UInt64(position), position: rows.count) else { continue }
            while chains.count <= owner { chains.append(-1) }
            let start = names.count
            if shape == .named { names.append(contentsOf: items.name[position].utf8) }
            rows.append(
                Row(
                    id: UInt64(position), owner: UInt64(owner), x: items.x[position], y: items.y[position],
                    nameStart: UInt32(start), nameCount: UInt32(names.count - start), next: chains[owner]))
            chains[owner] = rows.count - 1
        }
    }

    @inline(__always)
    func row(id: UInt64) -> Row? {
        index.position(of: id).map { rows[$0] }
    }

    /// Calls `body` with each row of the owners.
    @inline(__always)
    func forEach(owners: Range<Int>, _ body: (Row) -> Void) {
        for owner in owners.clamped(to: 0..<chains.count) {
            var position = chains[owner]
            while position >= 0 {
                let row = rows[position]
                body(row)
                position = row.next
            }
        }
    }
}

/// Inserts into a growing table. A transaction costs nothing here.
final class LimitInsert: Contestant {
    let system = "limit"
    private let items: ItemWorkload
    private let plan: InsertPlan
    private var table: LimitItemTable

    init(_ items: ItemWorkload, _ plan: InsertPlan) {
        self.items = items
        self.plan = plan
        table = LimitItemTable(plan.shape)
    }

    func prepare(pass: Int) throws { table = LimitItemTable(plan.shape) }

    func run(pass: Int) throws -> PassResult {
        for batch in plan.batches { table.insert(batch, of: items) }
        return PassResult(operations: plan.rows, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        table.forEach(owners: 0..<items.owners) { row in
            digest.add(row.id, Int64(row.owner) &+ Int64(row.x) &+ Int64(row.y) &+ Int64(row.nameCount))
        }
        return digest.value
    }
}

/// The reading benchmarks by hand.
final class LimitReads: Contestant {
    let system = "limit"
    private let work: ReadWork
    private let items: ItemWorkload
    private let shape: ItemShape
    private var table: LimitItemTable

    init(_ items: ItemWorkload, _ work: ReadWork, _ shape: ItemShape) {
        self.items = items
        self.work = work
        self.shape = shape
        table = LimitItemTable(shape)
        table.insert(0..<items.rows, of: items)
    }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        var operations = 0
        switch work {
        case .find:
            let keys = items.keys(pass: pass)
            for key in keys {
                if let row = table.row(id: key) {
                    digest.add(key, Int64(row.x) &+ (shape == .named ? Int64(row.nameCount) : Int64(row.y)))
                }
            }
            operations = keys.count
        case .range:
            for start in items.rangeStarts(pass: pass) {
                let owners = Int(start)..<Int(start) + ItemWorkload.ownersPerRange
                table.forEach(owners: owners) { row in
                    digest.add(row.id, Int64(row.x))
                    operations &+= 1
                }
            }
        case .scan:
            for row in table.rows { digest.add(row.id, Int64(row.x)) }
            operations = items.rows
        case .filter:
            var count = 0
            for row in table.rows where row.x < ItemWorkload.xLimit { count &+= 1 }
            digest.add(count)
            operations = items.rows
        }
        return PassResult(operations: operations, digest: digest.value)
    }
}
