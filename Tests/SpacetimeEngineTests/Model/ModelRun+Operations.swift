import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeEngine

/// The operations. Each draws one, applies it to both sides and compares what came out.
extension ModelRun {
    func operate() throws {
        let table = random.below(tables.count)
        if random.oneIn(1_500) { return try churn(table) }
        let isFull = model[table].count > shapes[table].rowLimit
        if isFull || random.oneIn(shapes[table].rowLimit * 4) { isGrowing = false }
        if model[table].count < shapes[table].rowLimit / 10 { isGrowing = true }
        switch random.below(isGrowing ? 100 : 70) {
        case 0..<5: try endAndBegin()
        case 5..<8: savepoint()
        case 8..<11: rollbackToSavepoint()
        case 11..<14: try insertMalformed(table)
        case 14..<26: try update(table)
        case 26..<38: try deleteByKey(table)
        case 38..<42: try deleteByRange(table)
        case 42..<48: try deleteRow(table)
        case 48 where random.oneIn(20): try clear(table)
        case 48..<52: try readByKey(table)
        case 52..<55: try readRange(table)
        case 55..<57: try readByPredicate(table)
        case 57..<59: try readHashRange(table)
        default: try insert(table)
        }
        try require(datastore.count(tables[table]) == model[table].count, "the count of table \(table) differs")
        if random.oneIn(max(12, model[table].count / 3)) { try compare(table) }
        if random.oneIn(max(100, model.reduce(0) { $0 + $1.count })) { try compareAll() }
    }

    private func endAndBegin() throws {
        try endTransaction(committing: !random.oneIn(3))
        try restartExhaustedSequences()
        if random.oneIn(8) {
            let table = random.below(tables.count)
            if observed.remove(table) == nil { observed.insert(table) }
            datastore.setObserved(tables[table], observed.contains(table))
        }
        begin()
    }

    /// Exhausted sequences would go on refusing for the rest of the run.
    private func restartExhaustedSequences() throws {
        for table in tables.indices {
            for i in sequences[table].indices where sequences[table][i].next == nil && random.oneIn(3) {
                let value = sequences[table][i].schema.start + Int128(random.below(40)) - 5
                note("restart sequence \(i) of \(table) at \(value)")
                sequences[table][i].restart(at: value)
                var positions = datastore.sequencePositions(of: tables[table])
                positions[i] = value
                for store in [datastore, replica] {
                    try store.restartSequences(of: tables[table], at: positions)
                }
            }
        }
    }

    private func savepoint() {
        note("savepoint")
        savepoints.append((datastore.savepoint(), model))
    }

    private func rollbackToSavepoint() {
        guard !savepoints.isEmpty else { return }
        let position = random.below(savepoints.count)
        note("rollback to savepoint \(position)")
        datastore.rollback(to: savepoints[position].savepoint)
        model = savepoints[position].model
        // The savepoint stays usable; later ones are gone.
        savepoints.removeSubrange((position + 1)...)
    }

    // MARK: Drawing

    private func value(_ table: Int, _ column: Int) -> AlgebraicValue {
        let shape = shapes[table]
        if shape.sizedColumns.contains(column) {
            let sizes = [
                0, 1, 7, 8, 20, 250, 251, 252, 280, 1_000, 4_000, 16_360, 16_390, 20_000, 65_500, 70_000, 300_000,
            ]
            // Large ones are rare, because debug builds copy slowly.
            let size = churnedSize ?? sizes[random.oneIn(8) ? random.below(sizes.count) : random.below(10)]
            return .bytes(
                [UInt8](repeating: random.oneIn(2) ? 0xFF : UInt8(random.below(256)), count: size + random.below(3)))
        }
        let type = shape.schema.columns[column].type
        if let sequence = sequences[table].first(where: { $0.schema.column.index == column }) {
            switch random.below(8) {
            case 0: break
            case 1, 2: return .integer((sequence.next ?? 0) + Int128(random.below(9)) - 4, of: type)
            case 3: return .integer(Int128(random.below(shape.domain)), of: type)
            default: return .integer(0, of: type)
            }
        }
        return random.value(of: type, domain: shape.domain)
    }

    private func row(_ table: Int) -> Row { shapes[table].schema.columns.indices.map { value(table, $0) } }

    private func presentRow(_ table: Int) -> Row? {
        let entries = model[table].entries
        return entries.isEmpty ? nil : entries[random.below(entries.count)].row
    }

    /// A present row, one with a column changed, or a new one.
    private func probeRow(_ table: Int, present: Int) -> Row {
        guard random.below(10) < present, var row = presentRow(table) else { return row(table) }
        if random.oneIn(2) { return row }
        let column = random.below(row.count)
        row[column] = value(table, column)
        return row
    }

    /// Gives numbers to zeros, except where the replaced row has a zero as well.
    ///
    /// - Returns: the column whose sequence had none left.
    private func fillSequences(_ table: Int, _ row: inout Row, replacing old: Row? = nil) -> ColumnID? {
        for i in sequences[table].indices {
            let column = sequences[table][i].schema.column
            guard row[column.index].isZeroInteger, old?[column.index].isZeroInteger != true else { continue }
            guard let number = sequences[table][i].take() else { return column }
            row[column.index] = .integer(number, of: shapes[table].schema.columns[column.index].type)
        }
        return nil
    }

    private func passSequences(_ table: Int, _ row: Row) {
        for i in sequences[table].indices {
            if let number = row[sequences[table][i].schema.column.index].int128 { sequences[table][i].pass(number) }
        }
    }

    private func requireExhausted<T>(_ found: Result<T, EngineError>, _ table: Int, _ column: ColumnID) throws {
        let schema = shapes[table].schema
        guard case .failure(.sequenceExhausted(schema.name, schema.columns[column.index].name, _)) = found else {
            throw ModelMismatch(description: "expected an exhausted sequence, found \(found)")
        }
    }

    private func requireRefusal<T>(
        _ found: Result<T, EngineError>, _ expected: ModelRefusal, _ table: Int, _ index: Int
    ) throws {
        guard case .failure(let error) = found else {
            throw ModelMismatch(description: "expected \(expected.refusal), nothing was thrown")
        }
        let schema = shapes[table].schema
        switch (expected.refusal, error) {
        case (.duplicate(let index), .uniqueViolation(let name, let constraint, let columns, _)):
            let expected = schema.indexes[index]
            let names = schema.uniqueConstraints.filter { Set($0.columns) == Set(expected.columns) }.map(\.name)
            try require(name == schema.name && names.contains(constraint), "violated \(name), \(constraint)")
            try require(columns == expected.columns.map { schema.columns[$0.index].name }, "columns \(columns)")
        case (.noRow, .noSuchRow(let name, let indexName, _)):
            try require(
                name == schema.name && indexName == schema.indexes[index].name, "no row in \(name), \(indexName)")
        default: throw ModelMismatch(description: "expected \(expected.refusal), but \(error)")
        }
    }

    // MARK: Writing

    func insert(_ table: Int) throws {
        var row = probeRow(table, present: 3)
        var bytes = image(row)
        let isValidating = random.oneIn(2)
        note("insert \(table) \(row)")
        let found = outcome {
            isValidating
                ? try datastore.insert(tables[table], validatingBytes: &bytes)
                : try datastore.insert(tables[table], bytes: &bytes)
        }
        let exhausted = fillSequences(table, &row)
        try require(bytes == image(row), "the image after the insert is not \(row)")
        if let exhausted { return try requireExhausted(found, table, exhausted) }
        switch model[table].insert(row) {
        case .success(let isNew):
            passSequences(table, row)
            guard case .success(isNew) = found else {
                throw ModelMismatch(description: "the insert returned \(found), expected \(isNew)")
            }
        case .failure(let refusal): try requireRefusal(found, refusal, table, 0)
        }
    }

    private func insertMalformed(_ table: Int) throws {
        var bytes = image(row(table))
        switch random.below(3) {
        case 0: bytes.append(contentsOf: random.bytes(1 + random.below(3)))
        case 1: bytes.removeLast(min(bytes.count, 1 + random.below(3)))
        default:
            guard !bytes.isEmpty else { return }
            for _ in 0...random.below(2) { bytes[random.below(min(bytes.count, 64))] = UInt8(random.below(256)) }
        }
        let schema = shapes[table].schema
        let decoded = try? AlgebraicValue(bsatn: bytes, type: .product(schema.rowType))
        // What still decodes is an ordinary row, which another operation inserts.
        guard decoded == nil else { return }
        note("insert malformed \(table) \(bytes.prefix(60))")
        let before = bytes
        switch outcome({ try datastore.insert(tables[table], validatingBytes: &bytes) }) {
        case .failure(.malformedRow(let name, _)): try require(name == schema.name, "malformed row of \(name)")
        case let other: throw ModelMismatch(description: "a malformed row: \(other)")
        }
        try require(bytes == before, "a malformed row was written to")
    }

    private func update(_ table: Int) throws {
        let schema = shapes[table].schema
        guard !schema.indexes.isEmpty else { return }
        let index = random.below(schema.indexes.count)
        var row = probeRow(table, present: 8)
        var bytes = image(row)
        note("update \(table) through \(index) \(row)")
        let found = outcome { try datastore.update(datastore.index(tables[table], index), bytes: &bytes) }
        guard schema.indexes[index].isUnique else {
            guard case .failure(.indexNotUnique(schema.indexes[index].name)) = found else {
                throw ModelMismatch(description: "update through an index that is not unique: \(found)")
            }
            return
        }
        guard let old = model[table].find(index, model[table].key(index, row)) else {
            return try requireRefusal(found, ModelRefusal(.noRow), table, index)
        }
        let exhausted = fillSequences(table, &row, replacing: old.row)
        try require(bytes == image(row), "the image after the update is not \(row)")
        if let exhausted { return try requireExhausted(found, table, exhausted) }
        if let refusal = model[table].replace(old, by: row) {
            try requireRefusal(found, refusal, table, index)
        } else if case .failure(let error) = found {
            throw ModelMismatch(description: "the update threw \(error)")
        } else {
            passSequences(table, row)
        }
    }

    private func deleteByKey(_ table: Int) throws {
        let schema = shapes[table].schema
        guard !schema.indexes.isEmpty else { return }
        let index = random.below(schema.indexes.count)
        let key = model[table].key(index, probeRow(table, present: 7))
        note("delete \(table) through \(index) key \(key)")
        let isUnique = schema.indexes[index].isUnique
        let victims = isUnique ? model[table].find(index, key).map { [$0] } ?? [] : entries(table, index, key)
        let found = outcome { try datastore.delete(datastore.index(tables[table], index), key) }
        guard case .success(victims.count) = found else {
            throw ModelMismatch(description: "deleted \(found), expected \(victims.count)")
        }
        for victim in victims { model[table].remove(victim.bytes) }
    }

    private func entries(_ table: Int, _ index: Int, _ key: Row) -> [ModelTable.Entry] {
        model[table].entries.filter { model[table].key(index, $0.row) == key }
    }

    private func deleteByRange(_ table: Int) throws {
        guard let (index, range, matches) = drawRange(table) else { return }
        let victims = model[table].entries.filter { matches($0.row) }
        // Ranges that take most of a table would keep it small.
        guard victims.count <= max(8, model[table].count / 4) else { return }
        note("delete \(table) through \(index) range \(range)")
        let found = outcome { try datastore.delete(datastore.index(tables[table], index), range: range) }
        guard case .success(victims.count) = found else {
            throw ModelMismatch(description: "deleted \(found) in a range, expected \(victims.count)")
        }
        for victim in victims { model[table].remove(victim.bytes) }
    }

    private func deleteRow(_ table: Int) throws {
        let row = probeRow(table, present: 8)
        note("delete row \(table) \(row)")
        let bytes = image(row)
        let found = outcome { try datastore.deleteRow(tables[table], row) }
        guard case .success(model[table].contains(bytes)) = found else {
            throw ModelMismatch(description: "deleting a row returned \(found)")
        }
        model[table].remove(bytes)
    }

    private func clear(_ table: Int) throws {
        note("clear \(table)")
        let found = outcome { try datastore.clear(tables[table]) }
        guard case .success(model[table].count) = found else {
            throw ModelMismatch(description: "cleared \(found), expected \(model[table].count)")
        }
        model[table].removeAll()
    }

    // MARK: Reading

    private func readByKey(_ table: Int) throws {
        let schema = shapes[table].schema
        guard !schema.indexes.isEmpty else { return }
        let index = random.below(schema.indexes.count)
        let id = datastore.index(tables[table], index)
        let key = model[table].key(index, probeRow(table, present: 7))
        note("read \(table) through \(index) key \(key)")
        let expected = entries(table, index, key).map(\.bytes).sortedBytes()
        try require(collect(try datastore.scan(id, key)).sortedBytes() == expected, "the rows with key \(key) differ")
        try require(try datastore.count(id, key) == expected.count, "the count of key \(key) differs")
        if schema.indexes[index].isUnique {
            try require(
                try datastore.find(id, key) == model[table].find(index, key)?.bytes,
                "the row found by key \(key) differs")
        }
    }

    private func readRange(_ table: Int) throws {
        guard let (index, range, matches) = drawRange(table) else { return }
        note("read \(table) through \(index) range \(range)")
        let expected = model[table].entries.filter { matches($0.row) }.map(\.bytes).sortedBytes()
        let id = datastore.index(tables[table], index)
        let rows = collect(try datastore.scan(id, range: range))
        try require(rows.sortedBytes() == expected, "\(rows.count) rows in a range, expected \(expected.count)")
        try require(try datastore.count(id, range: range) == expected.count, "the count of a range differs")
        try requireOrder(rows, table, index)
    }

    private func drawRange(_ table: Int) -> (index: Int, range: IndexRange, matches: (Row) -> Bool)? {
        let schema = shapes[table].schema
        let ordered = schema.indexes.indices.filter { schema.indexes[$0].algorithm != .hash }
        guard !ordered.isEmpty else { return nil }
        let index = ordered[random.below(ordered.count)]
        let columns = schema.indexes[index].columns
        let prefixColumns = random.below(columns.count)
        let model = model[table]
        let prefix = Array(model.key(index, probeRow(table, present: 9)).prefix(prefixColumns))
        func bound() -> (bound: IndexRange.Bound, value: AlgebraicValue, isIncluded: Bool)? {
            let value = model.key(index, probeRow(table, present: 7))[prefixColumns]
            switch random.below(5) {
            case 0: return nil
            case 1, 2: return (.included(value.bsatn()), value, true)
            default: return (.excluded(value.bsatn()), value, false)
            }
        }
        let (lower, upper) = (bound(), bound())
        let range = IndexRange(
            prefix: image(prefix), prefixColumns: prefixColumns, lower: lower?.bound ?? .unbounded,
            upper: upper?.bound ?? .unbounded)
        return (
            index, range,
            { row in
                let key = model.key(index, row)
                guard Array(key.prefix(prefixColumns)) == prefix else { return false }
                let value = key[prefixColumns]
                if let lower, lower.isIncluded ? value < lower.value : value <= lower.value { return false }
                if let upper, upper.isIncluded ? value > upper.value : value >= upper.value { return false }
                return true
            }
        )
    }

    private func readHashRange(_ table: Int) throws {
        let schema = shapes[table].schema
        guard let index = schema.indexes.firstIndex(where: { $0.algorithm == .hash }) else { return }
        let found = outcome { try datastore.count(datastore.index(tables[table], index), range: .all) }
        guard case .failure(.rangeOnHashIndex(schema.indexes[index].name)) = found else {
            throw ModelMismatch(description: "a range on a hash index: \(found)")
        }
    }

    private func readByPredicate(_ table: Int) throws {
        let (predicate, matches) = drawPredicate(table, depth: 2)
        note("read \(table) where \(predicate)")
        let compiled = try datastore.compile(predicate, for: tables[table])
        let expected = model[table].entries.filter { matches($0.row) }.map(\.bytes).sortedBytes()
        try require(
            collect(try datastore.scan(tables[table], where: compiled)).sortedBytes() == expected,
            "the rows of a predicate differ from \(expected.count)")
        try require(
            try datastore.count(tables[table], where: compiled) == expected.count, "the count of a predicate differs")
    }

    private func drawPredicate(_ table: Int, depth: Int) -> (RowPredicate, (Row) -> Bool) {
        switch random.below(depth > 0 ? 9 : 5) {
        case 5:
            let (inner, matches) = drawPredicate(table, depth: depth - 1)
            return (.not(inner), { !matches($0) })
        case 6:
            let parts = (0..<random.below(4)).map { _ in drawPredicate(table, depth: depth - 1) }
            return (.and(parts.map(\.0)), { row in parts.allSatisfy { $0.1(row) } })
        case 7:
            let parts = (0..<random.below(4)).map { _ in drawPredicate(table, depth: depth - 1) }
            return (.or(parts.map(\.0)), { row in parts.contains { $0.1(row) } })
        case 8: return random.oneIn(2) ? (.all, { _ in true }) : (.none, { _ in false })
        default:
            let row = probeRow(table, present: 7)
            let column = random.below(row.count)
            let value = row[column]
            let all: [(RowPredicate.Comparison, (AlgebraicValue, AlgebraicValue) -> Bool)] = [
                (.equal, { $0 == $1 }), (.notEqual, { $0 != $1 }), (.less, { $0 < $1 }), (.lessOrEqual, { $0 <= $1 }),
                (.greater, { $0 > $1 }), (.greaterOrEqual, { $0 >= $1 }),
            ]
            let (comparison, holds) = all[random.below(all.count)]
            return (.compare(ColumnID(column), comparison, value.bsatn()), { holds($0[column], value) })
        }
    }
}
