package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Tables as text and back.
extension DatabaseCore {
    /// Writes the rows of a table, as they are in a frozen picture, in pieces of about a megabyte.
    ///
    /// - Returns: the number of rows.
    package static func exportRows(
        _ table: TableID, of frozen: DatastoreSnapshot, as format: ExchangeFormat, to sink: ([UInt8]) throws -> Void
    ) throws -> Int {
        guard let schema = frozen.schema(of: table) else { return 0 }
        let text = RowText(schema: schema, format: format)
        var piece = text.heading
        var count = 0
        try frozen.forEachRow(of: table) { row in
            try text.append(row, to: &piece)
            count += 1
            if piece.count >= 1 << 20 {
                try sink(piece)
                piece.removeAll(keepingCapacity: true)
            }
        }
        if !piece.isEmpty { try sink(piece) }
        return count
    }

    /// Reads rows from a text and writes them in one transaction, or in several of `batchRows` each.
    ///
    /// - Throws: `malformedRow` with up to twenty problems, by line; nothing was written then. What the tables refuse,
    ///   with the line; then the batch with that line and later ones were not written.
    /// - Returns: the number of rows read.
    package func importRows(
        _ table: TableID, from text: [UInt8], as format: ExchangeFormat, mode: ImportMode, batchRows: Int?
    ) throws(DatabaseError) -> Int {
        let facts = try catalog.facts(of: table)
        let schema = facts.schema
        let lines = try RowText(schema: schema, format: format).read(text)
        if case .jsonLines = format { try Self.requireJSONLines(text, lines, schema) }
        try Self.requireNoProblems(lines, schema)
        var key: IndexID?
        if mode == .upsert {
            key =
                zip(schema.indexes, facts.indexes)
                .first { $0.0.isUnique && Set($0.0.columns) == Set(schema.primaryKey) }?.1
            guard key != nil else {
                throw DatabaseError(.notPossible, "table '\(schema.name)' has no primary key to upsert by; use insert")
            }
        }
        let size = max(1, batchRows ?? lines.count)
        var start = 0
        repeat {
            let batch = lines[start..<min(start + size, lines.count)]
            try write(batch, to: table, key: key, clearing: mode == .replace && start == 0)
            start += size
        } while start < lines.count
        return lines.count
    }

    private static func requireNoProblems(
        _ lines: [RowText.Line], _ schema: TableSchema
    ) throws(DatabaseError) {
        var problems: [String] = []
        for line in lines {
            guard case .failure(let problem) = line.row else { continue }
            problems.append("line \(line.number): \(problem.text)")
            if problems.count == 20 { break }
        }
        guard problems.isEmpty else {
            throw DatabaseError(
                .malformedRow,
                "these lines are not rows of table '\(schema.name)', and nothing was imported:\n"
                    + problems.joined(separator: "\n"))
        }
    }

    /// Says so if a text that should be JSON Lines is something else, CSV or one large array, instead of what is wrong with
    /// each of its lines.
    private static func requireJSONLines(
        _ text: [UInt8], _ lines: [RowText.Line], _ schema: TableSchema
    ) throws(DatabaseError) {
        guard case .failure(let problem)? = lines.first?.row else { return }
        let beginning = text.first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        if beginning == UInt8(ascii: "{") { return }
        let example = schema.columns.map { "\(JSON.string($0.name)): …" }.joined(separator: ", ")
        throw DatabaseError(
            .malformedRow,
            "the file is not in JSON Lines, and nothing was imported; check the format, or write an object for each row of "
                + "table '\(schema.name)', {\(example)}, on a line of its own\nline \(lines[0].number): \(problem.text)"
        )
    }

    private func write(
        _ lines: ArraySlice<RowText.Line>, to table: TableID, key: IndexID?, clearing: Bool
    ) throws(DatabaseError) {
        try runner.acquireForWrite()
        do {
            _ = try runner.runAndRelease(
                .host, reducer: nil, arguments: [], as: owner,
                before: { transaction in
                    if clearing { _ = try transaction.clear(table) }
                    for line in lines {
                        guard case .success(var row) = line.row else { continue }
                        do throws(DatabaseError) {
                            try self.write(&row, to: table, key: key, in: transaction)
                        } catch {
                            throw DatabaseError(
                                error.code, "line \(line.number): \(error.message); nothing of this batch was imported",
                                cause: error)
                        }
                    }
                })
        } catch {
            throw DatabaseError(any: error)
        }
    }

    private func write(
        _ row: inout [UInt8], to table: TableID, key: IndexID?, in transaction: TransactionReference
    ) throws(DatabaseError) {
        let datastore = runner.datastore
        let result = row.withUnsafeMutableBytes { bytes -> Result<Void, EngineError> in
            do throws(EngineError) {
                if let key {
                    do throws(EngineError) {
                        try datastore.update(key, validating: bytes)
                        return .success(())
                    } catch .noSuchRow {
                        // A new key.
                    }
                }
                try datastore.insert(table, validating: bytes)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let error) = result { throw DatabaseError(error) }
    }
}
