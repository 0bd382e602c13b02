import SpacetimeSchema

// Memory safety. Valid images, checked bytes: rows were found, keys were validated.

/// Errors that quote a row or a key.
extension TableRef {
    @inline(never)
    func uniqueViolation(_ index: Int, _ image: UnsafeRawPointer) -> EngineError {
        unsafe .uniqueViolation(
            table: schema.name, constraint: indexes[index].constraintName, columns: columnNames(index),
            key: describeKey(index, ofRow: image))
    }

    @inline(never)
    func noSuchRow(_ index: Int, _ image: UnsafeRawPointer) -> EngineError {
        unsafe .noSuchRow(
            table: schema.name, index: indexes[index].schema.name, key: describeKey(index, ofRow: image))
    }

    /// - Parameter key: the BSATN of the index's columns, which was found to be valid.
    @inline(never)
    func noSuchRow(_ index: Int, key: UnsafeRawBufferPointer) -> EngineError {
        let spec = indexes[index].spec.probeLayout
        let parts = indexes[index].schema.columns.enumerated().map { position, column in
            guard let start = key.baseAddress else { return unsafe describe(column, key) }
            return unsafe describe(column, spec.bytes(of: position, in: start))
        }
        return .noSuchRow(
            table: schema.name, index: indexes[index].schema.name, key: parts.joined(separator: ", "))
    }

    @inline(never)
    func sequenceExhausted(_ sequence: Ref<SequenceState>) -> EngineError {
        .sequenceExhausted(
            table: schema.name, column: schema.columns[sequence.value.column].name, last: sequence.value.lastNumber)
    }

    private func columnNames(_ index: Int) -> [String] {
        indexes[index].schema.columns.map { schema.columns[Int($0.rawValue)].name }
    }

    /// The key's columns and values: `first = "Ada", last = nil`.
    private func describeKey(_ index: Int, ofRow row: UnsafeRawPointer) -> String {
        indexes[index].schema.columns.map { column in
            unsafe describe(column, layout.bytes(of: Int(column.rawValue), in: row))
        }.joined(separator: ", ")
    }

    private func describe(_ id: ColumnID, _ value: UnsafeRawBufferPointer) -> String {
        let column = schema.columns[Int(id.rawValue)]
        return unsafe "\(column.name) = \(ValueText.text(of: value, column.type))"
    }
}
