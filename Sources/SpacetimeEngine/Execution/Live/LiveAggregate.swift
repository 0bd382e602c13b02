package import SpacetimeSATS
package import SpacetimeSchema

// Memory safety. Valid images: rows are those of the table. Lent buffers: scratch buffers have one use in a function. Own
// memory: `values` has room for a value of each input.

/// Aggregates over the rows of one table, kept up to date: `SELECT k, COUNT(*), SUM(x) … GROUP BY k`.
///
/// Whoever owns it says which rows are in it: those that meet the query's conditions. After a commit it is given those that
/// went and those that came, and tells which of its result rows did. A result row is a group's key and its aggregates, in
/// BSATN of ``resultTypes``; an aggregate over all rows has one row at all times.
///
/// ```text
/// let totals = try LiveAggregate(by: [room], of: [score], [.init(.count), .init(.sum, of: 0)], for: schema)
/// snapshot.forEachRow(of: table) { totals.fill($0) }
/// let changes = totals.apply(deletes: commit.deletes, inserts: commit.inserts)
/// ```
///
/// A change costs two look-ups of its group and the arithmetic; with `min` or `max` also a way down a tree of all different
/// values; nothing in proportion to the rows. Conditions on groups (`HAVING`) and expressions over results are the owner's:
/// they are functions of one result row, see ``Output``.
///
/// `@safe`: as said above.
@safe
package final class LiveAggregate {
    /// Makes what is handed out of a result row, and says whether anything is: `HAVING` and the columns of a query. Must depend
    /// on the row alone.
    package typealias Output = (_ result: UnsafeRawBufferPointer, _ output: inout [UInt8]) -> Bool

    /// The types of the columns of a result row.
    package let resultTypes: [AlgebraicType]
    private let output: Output?

    private let layout: RowLayout
    private let keys: Buffer<Field>
    private let inputs: Buffer<Field>
    private let fields: [RowField]
    private var groups: AggregateGroups
    private let values: UnsafeMutableBufferPointer<UnsafeRawPointer?>

    private var key = KeyBuffer()
    /// The groups that the commit at hand has changed, and their results before.
    private var touched = Buffer<Touched>(capacity: 16)
    private var before = KeyBuffer()
    private var after = KeyBuffer()

    /// A field of the rows, in flat form.
    private struct Field: BitwiseCopyable {
        /// In every row, or -1.
        var offset: Int32
        var node: Int32
        /// Bytes of every value, or -1.
        var byteCount: Int32
        /// The position in `fields`.
        var position: Int32
        /// A key that may be missing: nil stands for that.
        var isNullable: Bool
        /// A nullable key whose values are options themselves.
        var isOption: Bool
    }

    private struct Touched: BitwiseCopyable {
        var group: UInt32
        var start: Int
        /// -1 if there was no such row.
        var end: Int
    }

    /// - Parameters:
    ///   - keys: what rows are grouped by. A key that a row may not have is an option, and nil stands for that; of options it
    ///     is the option itself.
    ///   - inputs: what functions are computed of.
    ///   - outputs: the functions, each of an input by its position, or of whole rows.
    /// - Throws: `invalidCondition` if a field is not there, or a function not defined for what it is of.
    package init(
        by keys: [FieldPath], of inputs: [FieldPath], _ outputs: [AggregateShape.Output], for schema: TableSchema,
        output: Output? = nil
    ) throws(EngineError) {
        func invalid(_ reason: String) -> EngineError { .invalidCondition(table: schema.name, reason: reason) }
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        var fields: [RowField] = []
        var types: [AlgebraicType] = []
        for path in keys + inputs {
            guard let field = RowField(path, schema, layout), let type = schema.type(of: path) else {
                throw invalid("rows are to be aggregated by \(path), which is not there")
            }
            fields.append(field)
            types.append(type)
        }
        let shape: AggregateShape
        do throws(AggregateShape.Failure) {
            shape = try AggregateShape(
                keys: keys.indices.map {
                    fields[$0].isTotal || types[$0].optionPayload != nil ? types[$0] : .option(types[$0])
                },
                inputs: inputs.indices.map {
                    AggregateShape.Input(types[keys.count + $0], isNullable: !fields[keys.count + $0].isTotal)
                }, outputs: outputs)
        } catch {
            throw invalid("\(error)")
        }
        var flat: [Field] = []
        for (position, field) in fields.enumerated() {
            flat.append(
                Field(
                    offset: field.fixedOffset, node: field.node,
                    byteCount: layout.program.nodes[Int(field.node)].fixedSize, position: Int32(position),
                    isNullable: !field.isTotal, isOption: types[position].optionPayload != nil))
        }
        self.keys = Buffer(Array(flat[..<keys.count]))
        self.inputs = Buffer(Array(flat[keys.count...]))
        self.fields = fields
        unsafe self.output = output
        resultTypes = shape.resultTypes
        groups = AggregateGroups(shape, isMaintained: true)
        unsafe values = .allocate(capacity: max(inputs.count, 1))
        unsafe values.initialize(repeating: nil)
    }

    deinit { unsafe values.deallocate() }

    /// Bytes of all memory.
    package var byteCount: Int { groups.byteCount }
    /// Groups, each of which is a result row.
    package var groupCount: Int { groups.count }

    // MARK: Fields

    /// The values of the keys of a row: in it, or put together in `key`.
    @inline(__always)
    private func key(of row: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        if keys.count == 1 {
            let field = keys[0]
            if field.offset >= 0, field.byteCount >= 0 {
                return unsafe UnsafeRawBufferPointer(start: row + Int(field.offset), count: Int(field.byteCount))
            }
        }
        unsafe makeKey(of: row)
        return unsafe key.bytes
    }

    private func makeKey(of row: UnsafeRawPointer) {
        key.removeAll()
        for position in 0..<keys.count {
            let field = keys[position]
            guard let value = unsafe locate(field, in: row) else {
                key.append(1)
                continue
            }
            if field.isNullable, !field.isOption { key.append(0) }
            let byteCount = unsafe layout.program.size(field.node, at: value)
            unsafe key.append(UnsafeRawBufferPointer(start: value, count: byteCount))
        }
    }

    @inline(__always)
    private func locate(_ field: Field, in row: UnsafeRawPointer) -> UnsafeRawPointer? {
        if field.offset >= 0 { return unsafe row + Int(field.offset) }
        return unsafe fields[Int(field.position)].locate(in: row, layout)
    }

    @inline(__always)
    private func locateInputs(in row: UnsafeRawPointer) {
        for position in 0..<inputs.count { unsafe values[position] = locate(inputs[position], in: row) }
    }

    /// The first byte of a row. One without bytes has none, and no fields to read.
    @inline(__always)
    private func start(of row: UnsafeRawBufferPointer) -> UnsafeRawPointer {
        unsafe row.baseAddress ?? UnsafeRawPointer(values.baseAddress.unsafelyUnwrapped)
    }

    // MARK: Rows

    /// Adds a row before there is anybody to tell.
    package func fill(_ row: UnsafeRawBufferPointer) {
        let row = unsafe start(of: row)
        unsafe locateInputs(in: row)
        unsafe groups.add(UnsafeBufferPointer(values), to: groups.group(key(of: row)))
    }

    /// Adds a row; ``finish()`` tells what that changed.
    package func insert(_ row: UnsafeRawBufferPointer) {
        let row = unsafe start(of: row)
        let group = unsafe groups.group(key(of: row))
        note(group)
        unsafe locateInputs(in: row)
        unsafe groups.add(UnsafeBufferPointer(values), to: group)
    }

    /// Takes a row out that is in it; ``finish()`` tells what that changed.
    package func delete(_ row: UnsafeRawBufferPointer) {
        let row = unsafe start(of: row)
        guard let group = unsafe groups.find(key(of: row)) else { return }
        note(group)
        unsafe locateInputs(in: row)
        unsafe groups.remove(UnsafeBufferPointer(values), from: group)
    }

    /// Keeps the result row of a group as it was before the commit.
    @inline(__always)
    private func note(_ group: UInt32) {
        let record = groups.record(group)
        if record.mark != 0 { return }
        record.mark = 1
        var entry = Touched(group: group, start: before.count, end: -1)
        if groups.isPresent(group) {
            groups.appendResult(of: group, to: &before)
            entry.end = before.count
        }
        touched.append(entry)
    }

    /// The net changes of the result since the last time, in the order in which groups were met.
    package func finish() -> RowChanges {
        var changes = RowChanges()
        for position in 0..<touched.count {
            let entry = touched[position]
            groups.record(entry.group).mark = 0
            let old = unsafe UnsafeRawBufferPointer(
                rebasing: before.bytes[entry.start..<max(entry.start, entry.end)])
            let isPresent = groups.isPresent(entry.group)
            after.removeAll()
            if isPresent { groups.appendResult(of: entry.group, to: &after) } else { groups.removeIfEmpty(entry.group) }
            if isPresent, entry.end >= 0, unsafe equalBytes(old, after.bytes) { continue }
            if changes.isEmpty, unsafe output == nil { reserve(&changes) }
            unsafe tell(&changes, entry.end >= 0 ? old : nil, isPresent ? after.bytes : nil)
        }
        touched.removeAll(keeping: Self.keptCount, orShrinkingTo: 16)
        before.removeAll(keeping: Self.keptCount * 64, orShrinkingTo: 64)
        return changes
    }

    /// Makes room for what is told at once: growing takes longer than all the rest.
    private func reserve(_ changes: inout RowChanges) {
        changes.deletes.reserve(rows: touched.count, byteCount: before.count)
        changes.inserts.reserve(rows: touched.count, byteCount: touched.count * max(after.count, 8))
    }

    /// Memory that is kept between commits.
    private static let keptCount = 4_096

    private func tell(_ changes: inout RowChanges, _ old: UnsafeRawBufferPointer?, _ new: UnsafeRawBufferPointer?) {
        guard let output = unsafe output else {
            if let old = unsafe old { unsafe changes.deletes.append(old) }
            if let new = unsafe new { unsafe changes.inserts.append(new) }
            return
        }
        let (oldRow, newRow) = unsafe (Self.row(old, output), Self.row(new, output))
        if oldRow == newRow { return }
        unsafe oldRow?.withBytes { unsafe changes.deletes.append($0) }
        unsafe newRow?.withBytes { unsafe changes.inserts.append($0) }
    }

    private static func row(_ result: UnsafeRawBufferPointer?, _ output: Output) -> [UInt8]? {
        guard let result = unsafe result else { return nil }
        var row: [UInt8] = []
        return unsafe output(result, &row) ? row : nil
    }

    /// What a commit does to the result.
    ///
    /// - Parameters:
    ///   - deletes: rows that are in it.
    ///   - inserts: rows that are not.
    package func apply(deletes: RowBatch, inserts: RowBatch) -> RowChanges {
        unsafe deletes.forEach { unsafe delete($0) }
        unsafe inserts.forEach { unsafe insert($0) }
        return finish()
    }

    /// All result rows.
    package func rows() -> RowBatch {
        var rows = RowBatch()
        for group in 0..<groups.bound where groups.isPresent(group) {
            after.removeAll()
            groups.appendResult(of: group, to: &after)
            if let output = unsafe output {
                unsafe Self.row(after.bytes, output)?.withBytes { unsafe rows.append($0) }
            } else {
                unsafe rows.append(after.bytes)
            }
        }
        return rows
    }

    /// For tests.
    func checkInvariants() throws(InvariantViolation) { try groups.checkInvariants() }
}
