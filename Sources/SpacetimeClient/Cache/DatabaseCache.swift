import SpacetimeProtocol
import SpacetimeSATS

/// What a client has of a database: a cache per table, which messages change as a whole or not at all.
struct DatabaseCache: ~Copyable {
    private var tables: [TableCache] = []
    private var numbers: [String: Int] = [:]
    private let hash: RowHash
    /// What is seen beside what queries deliver.
    private(set) var foresight = Foresight()

    /// - Parameter secret: for ``RowHash``.
    init(layouts: [TableLayout], secret: UInt64) {
        hash = RowHash(secret: secret)
        for layout in layouts { describe(layout) }
    }

    /// Says what the columns of a table are.
    mutating func describe(_ layout: TableLayout) {
        if let table = self[layout.name] { table.describe(layout) } else { add(layout.name, layout) }
    }

    /// A table, if a message has named it or the program has described it.
    subscript(name: String) -> TableCache? { numbers[name].map { tables[$0] } }

    /// A table, which is made if it is not there.
    mutating func table(_ name: String) -> TableCache {
        if let table = self[name] { return table }
        return add(name, nil)
    }

    @discardableResult
    private mutating func add(_ name: String, _ layout: TableLayout?) -> TableCache {
        let table = TableCache(name: name, layout: layout, hash: hash)
        numbers[name] = tables.count
        tables.append(table)
        return table
    }

    /// The names of the tables that there are, in the order in which they were first named.
    var names: [String] { tables.map(\.name) }

    // MARK: Messages

    private struct Step {
        let table: TableCache
        let rows: RowList
        let isInsert: Bool
    }

    /// Applies what a transaction changed, all sets of the message together.
    ///
    /// - Throws: if the message cannot be right. Nothing has changed then.
    mutating func apply(
        _ sets: [V2.QuerySetUpdate], in generation: RowStore.Generation
    ) throws(CacheViolation) -> [TableChanges] {
        var steps: [Step] = []
        var deletes: [Step] = []
        var events: [(TableCache, RowList)] = []
        for update in sets.lazy.flatMap(\.tables) {
            let table = table(update.table)
            for change in update.changes {
                switch change {
                case .persistent(let inserted, let deleted):
                    if !inserted.isEmpty { steps.append(Step(table: table, rows: inserted, isInsert: true)) }
                    if !deleted.isEmpty { deletes.append(Step(table: table, rows: deleted, isInsert: false)) }
                case .event(let rows): events.append((table, rows))
                }
            }
        }
        // A row may leave one query and enter another in the same message.
        steps += deletes
        try apply(steps, in: generation)
        for (table, rows) in events {
            table.isTouched = true
            table.note(events: rows)
        }
        return finish()
    }

    /// Applies the rows of a query set that is watched from now on, or, if `isInsert` is false, is not any more.
    ///
    /// - Throws: if the message cannot be right. Nothing has changed then.
    mutating func apply(
        _ rows: [V2.TableRows], isInsert: Bool, in generation: RowStore.Generation
    ) throws(CacheViolation) -> [TableChanges] {
        var steps: [Step] = []
        for rows in rows {
            steps.append(Step(table: table(rows.table), rows: rows.rows, isInsert: isInsert))
        }
        try apply(steps, in: generation)
        return finish()
    }

    private func apply(_ steps: [Step], in generation: RowStore.Generation) throws(CacheViolation) {
        for (number, step) in steps.enumerated() {
            step.table.isTouched = true
            do throws(CacheViolation) {
                if step.isInsert {
                    try step.table.retain(step.rows, in: generation)
                } else {
                    try step.table.release(step.rows, in: generation)
                }
            } catch {
                undo(steps[...number], upTo: error.row, in: generation)
                throw error
            }
        }
    }

    /// Takes back what was applied: of the last step the rows up to `end`, of those before it all.
    private func undo(_ steps: ArraySlice<Step>, upTo end: Int, in generation: RowStore.Generation) {
        var end: Int? = end
        for step in steps.reversed() {
            do throws(CacheViolation) {
                if step.isInsert {
                    try step.table.release(step.rows, upTo: end, in: generation)
                } else {
                    try step.table.retain(step.rows, upTo: end, in: generation)
                }
            } catch {
                // What was counted can be counted back: rows stay in the store until the message has ended.
                preconditionFailure("a message could not be taken back: \(error)")
            }
            end = nil
        }
        // Nothing has changed, so there is nothing to tell.
        for table in tables where table.isTouched { _ = table.finish() }
    }

    private mutating func finish() -> [TableChanges] {
        if foresight.predictor != nil { foresee() }
        return tables.compactMap { $0.isTouched ? $0.finish() : nil }
    }

    // MARK: Foresight

    /// Has calls from now on be run on the rows as they are told.
    mutating func foresee(by predictor: any RowPredictor) {
        if foresight.predictor != nil { return }
        foresight.predictor = predictor
        predictor.follow(tables.map { $0.confirmedRows() }.filter { !$0.isEmpty })
    }

    /// Shows what a call would change.
    mutating func add(_ call: PredictedCall) -> [TableChanges] {
        foresight.add(call)
        return finish()
    }

    /// The outcome of a call is known; what it did is in the next message that is applied, if there is something, which has to follow.
    mutating func settle(_ call: UInt32) { foresight.settle(call) }

    /// Shows what is left of what was foreseen when outcomes have become known.
    mutating func refresh() -> [TableChanges] { finish() }

    private mutating func foresee() {
        let confirmed = tables.lazy.filter(\.isTouched).map { $0.confirmedChanges() }.filter { !$0.isEmpty }
        guard let shown = foresight.follow(Array(confirmed)) else { return }
        for table in tables where table.hasForesight { table.foresee(nil) }
        for difference in shown { table(difference.table).foresee(difference) }
    }

    // MARK: Generations

    /// What the next generation holds is what there is from now on; tells the difference.
    mutating func takeNext() -> [TableChanges] {
        for table in tables { table.takeNext() }
        return finish()
    }

    /// Forgets what the next generation holds, which nobody has seen.
    mutating func dropNext() {
        for table in tables {
            table.dropNext()
            _ = table.finish()
        }
    }
}
