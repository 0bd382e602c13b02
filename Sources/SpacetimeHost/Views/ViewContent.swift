import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What a view consists of: rows, and queries for them.
struct ViewContent {
    var rows: [RowBatch] = []
    var queries: [SessionQuery] = []

    init() {}

    /// What the function of a view returned.
    ///
    /// - Throws: `moduleFailure` if it is nothing that a view may return.
    init(_ outcome: Outcome, of view: ViewTables.View, _ catalog: Catalog) throws(DatabaseError) {
        switch outcome {
        case .rows(let bytes): rows = [try view.split(bytes)]
        case .batch(let batch): rows = [batch]
        case .query(""): break
        case .query(let text):
            do throws(DatabaseError) {
                queries = [SessionQuery(try QueryTexts.viewQuery(text, of: view.schema.name, catalog))]
            } catch { throw view.failed(error) }
        case .bound(let query): queries = [SessionQuery(query)]
        case .done, .value, .response:
            throw DatabaseError(
                .moduleFailure, "the view '\(view.schema.sourceName)' returned something else than rows")
        }
    }
}

extension ViewTables.View {
    /// The rows of an array in BSATN.
    fileprivate func split(_ bytes: [UInt8]) throws(DatabaseError) -> RowBatch {
        do throws(BSATNError) {
            return try bytes.withBytes { bytes throws(BSATNError) in
                var batch = RowBatch()
                for row in try splitter.rows(inArray: bytes) { batch.append(row) }
                return batch
            }
        } catch {
            throw DatabaseError(
                .moduleFailure, "the view '\(schema.sourceName)' returned bytes that are no rows of it: \(error)",
                cause: error)
        }
    }

    /// Refuses a query that reads what views may not read, or whose rows are others than the view's.
    func require(_ query: BoundQuery, _ catalog: Catalog) throws(DatabaseError) {
        for table in query.tables {
            if catalog.viewTables.view(table.id) != nil {
                throw failed("reads another view; call the same function from both")
            }
            if try catalog.facts(of: table.id).schema.isEvent {
                throw failed("reads an event table, which keeps no rows")
            }
        }
        let types: [AlgebraicType]
        switch query.output {
        case .rows(let slot): types = try catalog.facts(of: query.tables[slot].id).schema.columns.map(\.type)
        case .columns(let columns): types = columns.map(\.value.resultType)
        }
        guard types == schema.columns.map(\.type) else {
            let declared = schema.columns.map { "\($0.name): \($0.type.swiftText)" }.joined(separator: ", ")
            let found = types.map(\.swiftText).joined(separator: ", ")
            throw failed(
                "its rows (\(found)) are not those that the view declares (\(declared)); select these columns in their order"
            )
        }
    }

    // MARK: Failures

    /// What a view threw, with its name. Its rows are needed by who looks, or by the transaction that changed what it reads.
    func failed(_ error: any Error) -> DatabaseError {
        let known = error as? DatabaseError
        return DatabaseError(
            known?.code ?? .moduleFailure,
            "the view '\(schema.sourceName)' failed, and with it what its rows were needed for: "
                + (known?.message ?? "\(error)"), cause: known == nil ? error : known?.cause)
    }

    /// What is wrong with the query that a view consists of.
    func failed(_ reason: String) -> DatabaseError {
        DatabaseError(.moduleFailure, "the view '\(schema.sourceName)' is a query, and \(reason)")
    }

    /// Two different rows have one primary key.
    func hasTwoRows(withKey key: String) -> DatabaseError {
        DatabaseError(
            .uniqueViolation,
            "the view '\(schema.sourceName)' has two different rows with one primary key, \(key); give each a key of its own, "
                + "or leave one of them out")
    }
}
