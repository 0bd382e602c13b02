package import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Lent buffers: rows and pages are copied. Living ids: of rows that are walked through while nothing is
// written to the pages.

/// Filling tables from files and from other datastores. Not inside transactions.
extension Datastore {
    /// Makes pages for the tables that there are by now.
    package func pageLoader() -> PageLoader {
        var geometries: [TableID: PageGeometry] = [:]
        for id in tableIDs { geometries[id] = state.tables[Int(id.rawValue)]?.storage.geometry }
        return PageLoader(geometries: geometries, pool: pool)
    }

    /// Adds a page to a table that is being loaded. Its rows are found only after the builds of ``indexBuilds(of:)`` have
    /// run.
    package func add(_ page: LoadedPage) throws(EngineError) { try table(page.table).storage.add(page.page) }

    /// What is to be done to enter all loaded rows, which were under the same constraints when they were saved, into the
    /// table's indexes. Linear in the rows, one build for each index.
    package func indexBuilds(of id: TableID) throws(EngineError) -> [IndexBuild] { try table(id).indexBuilds() }

    /// Adds a row to a table that is being filled; it is found only after `finishFilling`. Sequences take no notice.
    package func loadRow(_ image: UnsafeRawBufferPointer, into id: TableID) throws(EngineError) {
        try unsafe validate(image, for: id)
        let table = try table(id)
        guard unsafe table.storage.insert(image) != nil else {
            throw .tableFull(table: table.schema.name)
        }
    }

    /// Enters all loaded rows into the table's indexes. Linear in the rows, one entry for each index.
    ///
    /// - Throws: `duplicateKeys` if rows violate a unique constraint; the table then is of no use.
    package func finishFilling(_ id: TableID) throws(EngineError) { try table(id).indexAllChecked() }

    /// Appends all rows of a table as inserts, as the log keeps them.
    package func encodeRows(of id: TableID, into log: inout BSATNWriter) throws(EngineError) {
        let table = try table(id)
        var current: TableRef?
        unsafe table.storage.forEachRow { _, image in
            unsafe ChangeCollector.appendInsert(image, of: table, &current, &log)
        }
    }

    /// Gives an empty table the rows of a table in a snapshot, whose columns must have the same types. Their pages are
    /// shared until written, so the datastore that the snapshot was taken of must not be written to any more; indexes are
    /// built anew.
    ///
    /// - Throws: `duplicateKeys` if rows violate a unique constraint of this table; the table then is of no use.
    package func adoptRows(
        of id: TableID, from snapshot: DatastoreSnapshot, _ source: TableID
    ) throws(EngineError) {
        let table = try table(id)
        guard let saved = snapshot.table(source) else { throw noSuchTable(source) }
        guard saved.schema.columns.map(\.type) == table.schema.columns.map(\.type) else {
            throw .unsupportedSchema(table: saved.schema.name, reason: "its columns have other types now")
        }
        table.storage.adopt(saved)
        // Rows that were under the same constraints obey them, and then all can be entered in the order of their keys.
        let known = Set(saved.schema.indexes.filter(\.isUnique).map { Set($0.columns) })
        let (oldKey, newKey) = (Set(saved.schema.primaryKey), Set(table.schema.primaryKey))
        let isNew = table.schema.indexes.contains { index in
            let columns = Set(index.columns)
            // As a primary key, columns take nil for a value, which they did not as a mere unique key.
            return index.isUnique && (!known.contains(columns) || columns == newKey && columns != oldKey)
        }
        if isNew { try table.indexAllChecked() } else { table.indexAll() }
    }
}

/// Makes pages of saved bytes, on any thread and on several at once; the datastore is not touched until they are added.
package struct PageLoader: Sendable {
    fileprivate let geometries: [TableID: PageGeometry]
    fileprivate let pool: PagePool

    /// A page with these bytes, as `DatastoreSnapshot.forEachPage` gave them; nil if it has no rows.
    package func load(_ bytes: UnsafeRawBufferPointer, into table: TableID) throws(EngineError) -> LoadedPage? {
        guard let geometry = geometries[table] else { throw .noSuchTable("#\(table.rawValue)") }
        return try unsafe geometry.load(bytes, pool: pool).map { LoadedPage(page: $0, table: table) }
    }
}

/// A page with rows that belongs to no table yet.
package struct LoadedPage: Sendable {
    fileprivate let page: Page
    fileprivate let table: TableID
}

extension RowsRef {
    /// Calls `body` with every live row.
    func forEachRow<E: Error>(_ body: (RowID) throws(E) -> Void) throws(E) {
        try unsafe storage.forEachRow { (row, _) throws(E) in try body(row) }
    }
}

extension TableRef {
    /// Keys of one constraint that are reported at most.
    private static var reportLimit: Int { 10 }

    fileprivate func indexAllChecked() throws(EngineError) {
        var constraint = ""
        var columns: [String] = []
        var keys: [String] = []
        rows.forEachRow { row in
            let image = unsafe UnsafeRawPointer(storage.imageStart(row))
            for i in 0..<indexCount where indexes[i].isUnique {
                guard unsafe indexes[i].find(keyOf: image, in: rows) != nil else { continue }
                if case .uniqueViolation(_, let name, let names, let key) = unsafe uniqueViolation(i, image),
                    constraint.isEmpty || constraint == name, keys.count < Self.reportLimit
                {
                    constraint = name
                    columns = names
                    if !keys.contains(key) { keys.append(key) }
                }
                return
            }
            index(row)
        }
        guard keys.isEmpty else {
            throw .duplicateKeys(table: schema.name, constraint: constraint, columns: columns, keys: keys)
        }
    }
}
