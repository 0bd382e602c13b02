import SpacetimeKit

/// Inserts into a growing table, some rows per reducer call.
final class KitInsert: Contestant {
    let system = "spacetimekit"
    private let items: ItemWorkload
    private let plan: InsertPlan
    private var database: Database<Shop>?

    init(_ items: ItemWorkload, _ plan: InsertPlan) {
        self.items = items
        self.plan = plan
        ItemSource.items = items
    }

    func prepare(pass: Int) throws {
        database = nil
        database = try Database.open(.inMemory, module: Shop.self)
    }

    func run(pass: Int) throws -> PassResult {
        guard let database else { return PassResult(operations: 0, digest: 0) }
        if plan.rowsPerTransaction == 1, plan.shape == .named {
            for row in 0..<plan.rows {
                try database.call(
                    Shop.add, UInt64(row), items.owner[row], items.x[row], items.y[row], items.name[row])
            }
        } else {
            for batch in plan.batches { try database.add(batch, plan.shape) }
        }
        return PassResult(operations: plan.rows, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        guard let database else { return 0 }
        return try database.read { db in
            var digest = Digest()
            switch plan.shape {
            case .named:
                for row in db.item.owner.filter(0...) {
                    let name = Int64(row.name.utf8.count)
                    digest.add(row.id, Int64(row.owner) &+ Int64(row.x) &+ Int64(row.y) &+ name)
                }
            case .fixed:
                for row in db.fixedItem.owner.filter(0...) {
                    digest.add(row.id, Int64(row.owner) &+ Int64(row.x) &+ Int64(row.y))
                }
            }
            return digest.value
        }
    }
}

/// The reading benchmarks; each pass is one `read`.
final class KitReads: Contestant {
    let system = "spacetimekit"
    let variant: String
    /// Keys are looked up many at a time.
    private let isBatched: Bool
    private let work: ReadWork
    private let shape: ItemShape
    private let items: ItemWorkload
    private let database: Database<Shop>

    /// The same work in the same database, by look-ups of many keys at a time.
    init(batching other: KitReads) {
        variant = "batched"
        isBatched = true
        (items, work, shape, database) = (other.items, other.work, other.shape, other.database)
    }

    init(_ items: ItemWorkload, _ work: ReadWork, _ shape: ItemShape) throws {
        variant = ""
        isBatched = false
        self.items = items
        self.work = work
        self.shape = shape
        ItemSource.items = items
        database = try Database.open(.inMemory, module: Shop.self)
        let plan = InsertPlan(rows: items.rows, rowsPerTransaction: 1_000, shape: shape)
        for batch in plan.batches { try database.add(batch, shape) }
    }

    func run(pass: Int) throws -> PassResult {
        try database.read { db in
            switch (work, shape) {
            case (.find, .named) where isBatched: findSeveral(items.keys(pass: pass), in: db.item)
            case (.find, .fixed) where isBatched: findSeveral(items.keys(pass: pass), in: db.fixedItem)
            case (.find, .named): find(items.keys(pass: pass), in: db.item)
            case (.find, .fixed): find(items.keys(pass: pass), in: db.fixedItem)
            case (.range, .named): range(items.rangeStarts(pass: pass), in: db.item)
            case (.range, .fixed): range(items.rangeStarts(pass: pass), in: db.fixedItem)
            case (.scan, .named): scan(db.item)
            case (.scan, .fixed): scan(db.fixedItem)
            case (.filter, .named): filtered(db.item.count { $0.x < ItemWorkload.xLimit })
            case (.filter, .fixed): filtered(db.fixedItem.count { $0.x < ItemWorkload.xLimit })
            }
        }
    }

    private func find(_ keys: ArraySlice<UInt64>, in table: Item.Handle) -> PassResult {
        var digest = Digest()
        for key in keys {
            if let row = table.id.find(key) { digest.add(key, Int64(row.x) &+ Int64(row.name.utf8.count)) }
        }
        return PassResult(operations: keys.count, digest: digest.value)
    }

    private func findSeveral(_ keys: ArraySlice<UInt64>, in table: Item.Handle) -> PassResult {
        var digest = Digest()
        for (key, row) in zip(keys, table.id.find(keys)) {
            if let row { digest.add(key, Int64(row.x) &+ Int64(row.name.utf8.count)) }
        }
        return PassResult(operations: keys.count, digest: digest.value)
    }

    private func findSeveral(_ keys: ArraySlice<UInt64>, in table: FixedItem.Handle) -> PassResult {
        var digest = Digest()
        for (key, row) in zip(keys, table.id.find(keys)) {
            if let row { digest.add(key, Int64(row.x) &+ Int64(row.y)) }
        }
        return PassResult(operations: keys.count, digest: digest.value)
    }

    private func find(_ keys: ArraySlice<UInt64>, in table: FixedItem.Handle) -> PassResult {
        var digest = Digest()
        for key in keys {
            if let row = table.id.find(key) { digest.add(key, Int64(row.x) &+ Int64(row.y)) }
        }
        return PassResult(operations: keys.count, digest: digest.value)
    }

    private func range(_ starts: ArraySlice<UInt64>, in table: Item.Handle) -> PassResult {
        var digest = Digest()
        var rows = 0
        for start in starts {
            let owners = start..<start + UInt64(ItemWorkload.ownersPerRange)
            for (id, x) in table.owner.filter(owners).select({ ($0.id, $0.x) }) {
                digest.add(id, Int64(x))
                rows += 1
            }
        }
        return PassResult(operations: rows, digest: digest.value)
    }

    private func range(_ starts: ArraySlice<UInt64>, in table: FixedItem.Handle) -> PassResult {
        var digest = Digest()
        var rows = 0
        for start in starts {
            for row in table.owner.filter(start..<start + UInt64(ItemWorkload.ownersPerRange)) {
                digest.add(row.id, Int64(row.x))
                rows += 1
            }
        }
        return PassResult(operations: rows, digest: digest.value)
    }

    private func scan(_ table: Item.Handle) -> PassResult {
        var digest = Digest()
        for (id, x) in table.rows.select({ ($0.id, $0.x) }) { digest.add(id, Int64(x)) }
        return PassResult(operations: items.rows, digest: digest.value)
    }

    private func scan(_ table: FixedItem.Handle) -> PassResult {
        var digest = Digest()
        for row in table.rows { digest.add(row.id, Int64(row.x)) }
        return PassResult(operations: items.rows, digest: digest.value)
    }

    private func filtered(_ count: Int) -> PassResult {
        var digest = Digest()
        digest.add(count)
        return PassResult(operations: items.rows, digest: digest.value)
    }
}

extension Database<Shop> {
    /// Adds a batch in one reducer call.
    fileprivate func add(_ rows: Range<Int>, _ shape: ItemShape) throws {
        switch shape {
        case .named: try call(Shop.addRange, UInt64(rows.lowerBound), UInt64(rows.count))
        case .fixed: try call(Shop.addFixedRange, UInt64(rows.lowerBound), UInt64(rows.count))
        }
    }
}
