import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

/// A module of any tables, with one reducer that makes changes of a ``ModelDatabase``.
final class TableModule: ModuleHost {
    private let tables: [TableSchema]
    private let rowLevelSecurity: [String]
    private let views: [View]

    /// The rows of a query, of the type of a table, in which `:sender` is who looks.
    struct View {
        var name: String
        /// The position of the table.
        var table: Int
        var isAnonymous: Bool
        var query: String
    }

    init(_ tables: [TableSchema], rowLevelSecurity: [String] = [], views: [View] = []) {
        self.tables = tables
        self.rowLevelSecurity = rowLevelSecurity
        self.views = views
    }

    // MARK: Definition

    func describe() throws(DatabaseError) -> RawModuleDefV10 {
        var types: [AlgebraicType] = tables.map { _ in .unit }
        for (position, table) in tables.enumerated() {
            types[position] = .product(table.columns.map { ($0.name, Self.declare($0.type, &types)) })
        }
        let definitions = tables.enumerated().map { position, table in
            RawTableDefV10(
                sourceName: table.name, productTypeRef: UInt32(position), primaryKey: table.primaryKey,
                indexes: table.indexes.map(Self.index),
                constraints: table.uniqueConstraints.map { RawConstraintDef(data: .unique($0.columns)) },
                sequences: table.sequences.map { RawSequenceDef(column: $0.column) },
                tableAccess: table.access == .public ? .public : .private, isEvent: table.isEvent)
        }
        return RawModuleDefV10(sections: [
            .typespace(Typespace(types)),
            .types(
                types.indices.map { position in
                    let name = tables.indices.contains(position) ? "Row_\(tables[position].name)" : "Part_\(position)x"
                    return RawTypeDef(scope: [], sourceName: name, ref: UInt32(position), customOrdering: true)
                }),
            .tables(definitions),
            .reducers([RawReducerDefV10(sourceName: "apply", parameters: .empty, visibility: .clientCallable)]),
            .rowLevelSecurity(rowLevelSecurity.map { RawRowLevelSecurityDef(sql: $0) }),
            .views(
                views.enumerated().map { position, view in
                    RawViewDef(
                        sourceName: view.name,
                        index: UInt32(views[..<position].count { $0.isAnonymous == view.isAnonymous }),
                        isAnonymous: view.isAnonymous, parameters: .empty,
                        returnType: .product([("__query__", .ref(UInt32(view.table)))]))
                }),
        ])
    }

    private static func index(_ index: IndexSchema) -> RawIndexDef {
        let algorithm: RawIndexAlgorithm =
            switch index.algorithm {
            case .btree: .btree(index.columns)
            case .hash: .hash(index.columns)
            case .direct: .direct(index.columns[0])
            }
        return RawIndexDef(sourceName: index.name, accessorName: index.name, algorithm: algorithm)
    }

    /// The type as a module writes it: everything composite is declared by itself.
    private static func declare(_ type: AlgebraicType, _ declared: inout [AlgebraicType]) -> AlgebraicType {
        switch type {
        case .array(let element): return .array(declare(element, &declared))
        case .product(let product):
            if type.isSpecialProduct || product.elements.isEmpty { return type }
            let fields = product.elements.map { ($0.name ?? "", declare($0.algebraicType, &declared)) }
            declared.append(.product(fields))
        case .sum(let sum):
            if let payload = type.optionPayload { return .option(declare(payload, &declared)) }
            if type.isScheduleAt { return type }
            let variants = sum.variants.map { ($0.name ?? "", declare($0.algebraicType, &declared)) }
            declared.append(.sum(variants))
        default: return type
        }
        return .ref(UInt32(declared.count - 1))
    }

    // MARK: The reducer

    static func arguments(_ changes: [ModelDatabase.Change]) -> [UInt8] {
        changes.flatMap { change in
            let (kind, table, bytes): (UInt8, Int, [UInt8]) =
                switch change {
                case .insert(let table, let bytes): (0, table, bytes)
                case .delete(let table, let bytes): (1, table, bytes)
                case .update(let table, let bytes): (2, table, bytes)
                case .clear(let table): (3, table, [])
                }
            return [kind] + UInt32(table).bsatn() + AlgebraicValue.bytes(bytes).bsatn()
        }
    }

    func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> Outcome {
        let transaction = GuestTransaction(transaction)
        if function.kind == .view {
            let view = views[function.position]
            if view.isAnonymous { return .query(view.query) }
            let sender = "0x\(try transaction.caller.identity)"
            return .query(
                view.query.split(separator: ":sender", omittingEmptySubsequences: false).joined(separator: sender))
        }
        var reader = BSATNReader(RawSpan(_unsafeBytes: arguments))
        while reader.remaining > 0 {
            let kind = try reader.readU8()
            let table = tables[Int(try reader.readU32())]
            let id = try transaction.table(named: table.name)
            let bytes = try reader.readBytes()
            switch kind {
            case 0: _ = try bytes.withUnsafeBytes { try transaction.insert($0, into: id) }
            case 1:
                let list = UInt32(1).bsatn() + bytes
                _ = try list.withUnsafeBytes { try transaction.delete($0, from: id) }
            case 2:
                let key = table.indexes.first { $0.isUnique && $0.columns == table.primaryKey }
                let index = try transaction.index(named: key?.name ?? "")
                _ = try bytes.withUnsafeBytes { try transaction.update($0, by: index) }
            default: try transaction.clear(id)
            }
        }
        return .done
    }
}

/// Who owns the databases of these tests.
let testOwner = Identity(number: UInt256(7))

/// A database in memory with random tables.
struct TableDatabase {
    let core: DatabaseCore
    /// In the order of the schemas.
    let ids: [TableID]

    init(_ tables: [TableSchema], rowLevelSecurity: [String] = [], views: [TableModule.View] = []) throws {
        var options = OpeningOptions(name: "test")
        options.owner = testOwner
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        options.seed = 1
        let module = TableModule(tables, rowLevelSecurity: rowLevelSecurity, views: views)
        core = try DatabaseCore.open(.memory, module: module, options: options).core
        ids = tables.indices.map { [core] in core.catalog.tableMap.table(at: $0) }
    }

    func commit(_ changes: [ModelDatabase.Change]) throws {
        try core.runner.call("apply", arguments: TableModule.arguments(changes), as: core.owner)
    }
}
