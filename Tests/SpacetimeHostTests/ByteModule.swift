import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

@testable import SpacetimeHost

/// A module that is built at run time: a raw definition as a value, rows as bytes, reducers as closures over bytes. What
/// a guest's loader looks like from the database's side: it has tables and indexes by name, and trusts no bytes.
final class ByteModule: ModuleHost {
    typealias Body = @Sendable (GuestTransaction, inout BSATNReader) throws -> Void

    private let definition: RawModuleDefV10
    private let bodies: [Body]
    private let views: [View]

    /// A view over bytes.
    struct View: Sendable {
        var name: String
        var isAnonymous = false
        var parameters: [(String, AlgebraicType)] = []
        var returnType: AlgebraicType
        var primaryKey: [String] = []
        var body: @Sendable (GuestTransaction, inout BSATNReader) throws -> Outcome
    }

    /// - Parameters:
    ///   - types: the row types, and behind them those that rows are made of.
    ///   - rules: of row-level security.
    ///   - reducers: name, parameters, lifecycle and body.
    init(
        tables: [RawTableDefV10], types: [AlgebraicType], rules: [String] = [], views: [View] = [],
        reducers: [(name: String, parameters: [(String, AlgebraicType)], lifecycle: Lifecycle?, body: Body)]
    ) {
        let lifecycles = reducers.compactMap { reducer in
            reducer.lifecycle.map { RawLifecycleReducerDef(lifecycle: $0, functionName: reducer.name) }
        }
        definition = RawModuleDefV10(sections: [
            .typespace(Typespace(types)),
            .types(
                types.indices.map { position in
                    let ref = UInt32(position)
                    let table = tables.first { $0.productTypeRef == ref }
                    return RawTypeDef(
                        scope: [], sourceName: table.map { "Row_\($0.sourceName)" } ?? "Part_\(position)x", ref: ref,
                        customOrdering: true)
                }),
            .tables(tables),
            .reducers(
                reducers.map {
                    RawReducerDefV10(
                        sourceName: $0.name, parameters: ProductType($0.parameters),
                        visibility: $0.lifecycle == nil ? .clientCallable : .private)
                }),
            .lifecycleReducers(lifecycles), .rowLevelSecurity(rules.map { RawRowLevelSecurityDef(sql: $0) }),
            .views(
                views.enumerated().map { position, view in
                    RawViewDef(
                        sourceName: view.name,
                        index: UInt32(views[..<position].count { $0.isAnonymous == view.isAnonymous }),
                        isAnonymous: view.isAnonymous, parameters: ProductType(view.parameters),
                        returnType: view.returnType)
                }),
            .viewPrimaryKeys(
                views.filter { !$0.primaryKey.isEmpty }.map {
                    RawViewPrimaryKeyDef(viewSourceName: $0.name, columns: $0.primaryKey)
                }),
        ])
        bodies = reducers.map(\.body)
        self.views = views
    }

    func describe() throws(DatabaseError) -> RawModuleDefV10 { definition }

    func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> Outcome {
        var reader = BSATNReader(RawSpan(_unsafeBytes: arguments))
        if function.kind == .view { return try views[function.position].body(GuestTransaction(transaction), &reader) }
        try bodies[function.position](GuestTransaction(transaction), &reader)
        return .done
    }
}

extension ByteModule {
    static var itemTable: RawTableDefV10 {
        RawTableDefV10(
            sourceName: "item", productTypeRef: 0, primaryKey: [0],
            indexes: [RawIndexDef(sourceName: "item_id_idx_btree", accessorName: "id", algorithm: .btree([0]))],
            constraints: [RawConstraintDef(data: .unique([0]))], sequences: [RawSequenceDef(column: 0)])
    }

    static var itemType: AlgebraicType { .product([("id", .u64), ("name", .string)]) }

    private static func insert(_ row: [UInt8], _ transaction: GuestTransaction) throws {
        let table = try transaction.table(named: "item")
        try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
    }

    /// One table `item(id: u64 primary key auto-increment, name: string)` and reducers that use it by bytes.
    static func items(lifecycle: [(Lifecycle, Body)] = []) -> ByteModule {
        var reducers: [(name: String, parameters: [(String, AlgebraicType)], lifecycle: Lifecycle?, body: Body)] = [
            (
                "add", [("name", .string)], nil,
                { transaction, reader in
                    let name = try reader.readString()
                    try reader.finish()
                    try insert(UInt64(0).bsatn() + name.bsatn(), transaction)
                }
            ),
            (
                "rename", [("id", .u64), ("name", .string)], nil,
                { transaction, reader in
                    let (id, name) = (try reader.readU64(), try reader.readString())
                    let index = try transaction.index(named: "item_id_idx_btree")
                    let row = id.bsatn() + name.bsatn()
                    try row.withUnsafeBytes { _ = try transaction.update($0, by: index) }
                }
            ),
            (
                "fail", [], nil,
                { transaction, _ in
                    try transaction.clear(transaction.table(named: "item"))
                    throw SenderError("failed on purpose")
                }
            ),
            ("nothing", [], nil, { _, _ in }),
            (
                "malformed", [], nil, { transaction, _ in try insert([1, 2, 3], transaction) }
            ),
        ]
        for (lifecycle, body) in lifecycle { reducers.append(("on_\(lifecycle)", [], lifecycle, body)) }
        return ByteModule(
            tables: [itemTable], types: [itemType], reducers: reducers)
    }
}

/// Keeps records as text, as the durable log will keep them as bytes.
final class RecordingSink: CommitSink {
    private let state = Mutex<(lines: [String], failsFrom: Int)>(([], .max))

    var lines: [String] { state.withLock { $0.lines } }
    func fail(from line: Int) { state.withLock { $0.failsFrom = line } }

    func append(_ record: UnsafeRawBufferPointer, at offset: TxOffset) throws(DatabaseError) {
        let line: String
        do { line = "\(offset) " + (try Self.describe(record)) } catch {
            throw DatabaseError(.internalInconsistency, "a record cannot be read: \(error)")
        }
        let fits = state.withLock { state in
            guard state.lines.count < state.failsFrom else { return false }
            state.lines.append(line)
            return true
        }
        if !fits { throw DatabaseError(.storageFailure, "the sink is full") }
    }

    /// Reads the record as a database that has the tables of these tests, and no more of it than its bytes.
    private static func describe(_ bytes: UnsafeRawBufferPointer) throws -> String {
        let record = try CommitRecord(bytes)
        let tables = Datastore()
        for schema in SystemTables.schemas + (try ModuleSchema(validating: ByteModule.items().describe())).tables {
            _ = try tables.createTable(schema)
        }
        let changes = try tables.describe(record.changes)
            .map { "\($0.kind) #\($0.table.rawValue) \($0.bytes.count) bytes" }
        return "\(record.kind) \(record.function.map(String.init) ?? "none") \(record.arguments.count) bytes "
            + "[\(changes.joined(separator: ", "))]"
    }
}

let testOwner = Identity(number: UInt256(7))

func open(_ module: ByteModule, sink: (any CommitSink)? = nil) throws -> DatabaseCore {
    try open(any: module, sink: sink)
}

func open(any module: any ModuleHost, sink: (any CommitSink)? = nil) throws -> DatabaseCore {
    var options = OpeningOptions(name: "test")
    options.owner = testOwner
    options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
    options.seed = 1
    options.sink = sink
    return try DatabaseCore.open(.memory, module: module, options: options).core
}

extension DatabaseCore {
    /// All rows of a table, as bytes.
    func rows(of table: TableID) throws -> [[UInt8]] {
        let serial = try runner.beginRead()
        defer { runner.endRead() }
        var rows: [[UInt8]] = []
        let scan = try TransactionReference(runner: runner, serial: serial).scan(table)
        scan.forEach { rows.append(Array($0)) }
        return rows
    }

    var items: TableID { catalog.tableMap.table(at: 0) }
}
