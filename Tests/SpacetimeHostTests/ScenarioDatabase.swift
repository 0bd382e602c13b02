import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// A database of small tables, changed row by row: what scenarios of subscriptions are told with.
///
/// ```swift
/// let db = try ScenarioDatabase("p(id u64 unique, name string)", "l(id u64 index, x u64)")
/// try db.commit(.insert("p", 1, "Ada"), .delete("l", 1, 5))
/// ```
struct ScenarioDatabase {
    enum Change {
        case insert(String, [AlgebraicValue])
        case delete(String, [AlgebraicValue])

        static func insert(_ table: String, _ values: any ScenarioValue...) -> Change {
            .insert(table, values.map(\.scenarioValue))
        }

        static func delete(_ table: String, _ values: any ScenarioValue...) -> Change {
            .delete(table, values.map(\.scenarioValue))
        }
    }

    private struct Table {
        let name: String
        let types: [AlgebraicType]
        let definition: RawTableDefV10
        let row: AlgebraicType

        /// Reads `name(column type [index|unique], …)`, with `event` or `private` in front of it.
        init(_ text: String, _ position: Int) throws {
            let parts = text.split(separator: "(", maxSplits: 1)
            let head = parts[0].split(separator: " ")
            let name = String(head[head.count - 1])
            var types: [(String, AlgebraicType)] = []
            var indexes: [RawIndexDef] = []
            var constraints: [RawConstraintDef] = []
            for (number, column) in parts[1].dropLast().split(separator: ",").enumerated() {
                let words = column.split(separator: " ")
                let type: AlgebraicType? =
                    switch words[1] {
                    case "u64": .u64
                    case "u32": .u32
                    case "f32": .f32
                    case "bool": .bool
                    case "string": .string
                    case "identity": .identity
                    default: nil
                    }
                types.append((String(words[0]), try #require(type)))
                let id = ColumnID(UInt16(number))
                if words.count > 2 {
                    indexes.append(
                        RawIndexDef(
                            sourceName: "\(name)_\(words[0])", accessorName: String(words[0]), algorithm: .btree([id])))
                }
                if words.last == "unique" { constraints.append(RawConstraintDef(data: .unique([id]))) }
            }
            self.name = name
            self.types = types.map(\.1)
            row = .product(types)
            definition = RawTableDefV10(
                sourceName: name, productTypeRef: UInt32(position), primaryKey: [], indexes: indexes,
                constraints: constraints, tableAccess: head.contains("private") ? .private : .public,
                isEvent: head.contains("event"))
        }
    }

    let core: DatabaseCore
    private let tables: [Table]

    /// A view of rows of one of the tables.
    struct View {
        var name: String
        var table: String
        var isAnonymous = false
        var parameters: [(String, AlgebraicType)] = []
        var primaryKey: [String] = []
        private(set) var isQuery = false
        private(set) var call: @Sendable (GuestTransaction, inout BSATNReader) throws -> Outcome = { _, _ in .query("")
        }

        /// A function that reads rows.
        init(
            name: String, table: String, isAnonymous: Bool = false, primaryKey: [String] = [],
            body: @escaping @Sendable (GuestTransaction) throws -> [[UInt8]]
        ) {
            self.init(name: name, table: table, isAnonymous: isAnonymous, parameters: []) { transaction, _ in
                try body(transaction)
            }
            self.primaryKey = primaryKey
        }

        /// A function with parameters that reads rows.
        init(
            name: String, table: String, isAnonymous: Bool = false, parameters: [(String, AlgebraicType)],
            called: @escaping @Sendable (GuestTransaction, inout BSATNReader) throws -> [[UInt8]]
        ) {
            self.name = name
            self.table = table
            self.isAnonymous = isAnonymous
            self.parameters = parameters
            call = { transaction, reader in
                let rows = try called(transaction, &reader)
                return .rows(UInt32(rows.count).bsatn() + rows.joined())
            }
        }

        /// A query.
        init(
            name: String, table: String, isAnonymous: Bool = false, parameters: [(String, AlgebraicType)] = [],
            query: @escaping @Sendable (GuestTransaction, inout BSATNReader) throws -> String
        ) {
            self.name = name
            self.table = table
            self.isAnonymous = isAnonymous
            self.parameters = parameters
            isQuery = true
            call = { .query(try query($0, &$1)) }
        }
    }

    init(_ texts: String..., rules: [String] = [], views: [View] = []) throws {
        try self.init(texts, rules: rules, views: views)
    }

    init(_ texts: [String], rules: [String] = [], views: [View] = []) throws {
        let tables = try texts.enumerated().map { try Table($1, $0) }
        self.tables = tables
        let names = tables.map(\.name)
        let module = ByteModule(
            tables: tables.map(\.definition), types: tables.map(\.row), rules: rules,
            views: try views.map { view in
                let ref = try #require(names.firstIndex(of: view.table))
                let row = AlgebraicType.ref(UInt32(ref))
                return ByteModule.View(
                    name: view.name, isAnonymous: view.isAnonymous, parameters: view.parameters,
                    returnType: view.isQuery ? .product([("__query__", row)]) : .array(row),
                    primaryKey: view.primaryKey, body: view.call)
            },
            reducers: [
                (
                    "apply", [], nil,
                    { transaction, reader in
                        while reader.remaining > 0 {
                            let (isInsert, table) = (try reader.readU8() == 1, Int(try reader.readU8()))
                            let row = try reader.readBytes()
                            let id = try transaction.table(named: names[table])
                            if isInsert {
                                try row.withUnsafeBytes { _ = try transaction.insert($0, into: id) }
                            } else {
                                // An array of one row.
                                let rows = UInt32(1).bsatn() + row
                                try rows.withUnsafeBytes { _ = try transaction.delete($0, from: id) }
                            }
                        }
                    }
                )
            ])
        core = try open(module)
    }

    /// Makes changes in one transaction.
    func commit(_ changes: Change...) throws { try commit(changes) }

    func commit(_ changes: [Change]) throws {
        var bytes: [UInt8] = []
        for change in changes {
            let (kind, name, values): (UInt8, String, [AlgebraicValue]) =
                switch change {
                case .insert(let name, let values): (1, name, values)
                case .delete(let name, let values): (0, name, values)
                }
            let table = try #require(tables.firstIndex { $0.name == name })
            bytes += [kind, UInt8(table)] + AlgebraicValue.bytes(row(name, values)).bsatn()
        }
        try core.runner.call("apply", arguments: bytes, as: core.owner)
    }

    /// The image of a row.
    func row(_ table: String, _ values: any ScenarioValue...) -> [UInt8] { row(table, values.map(\.scenarioValue)) }

    private func row(_ name: String, _ values: [AlgebraicValue]) -> [UInt8] {
        let types = tables.first { $0.name == name }?.types ?? []
        return zip(types, values).flatMap { type, value -> [UInt8] in
            switch (type, value) {
            case (.u32, .u64(let number)): UInt32(number).bsatn()
            case (.f32, .u64(let number)): Float(number).bsatn()
            default: value.bsatn()
            }
        }
    }
}

/// What stands for a value in a scenario: whole numbers take the type of their column.
protocol ScenarioValue {
    var scenarioValue: AlgebraicValue { get }
}

extension Int: ScenarioValue { var scenarioValue: AlgebraicValue { .u64(UInt64(self)) } }
extension Bool: ScenarioValue { var scenarioValue: AlgebraicValue { .bool(self) } }
extension String: ScenarioValue { var scenarioValue: AlgebraicValue { .string(self) } }
extension Identity: ScenarioValue { var scenarioValue: AlgebraicValue { AlgebraicValue(self) } }

extension FakeSession {
    /// What the last commits changed in a query: rows that left, and rows that came, each sorted.
    func takeChanges(_ set: UInt32, query: Int = 0) -> (gone: [[UInt8]], new: [[UInt8]]) {
        var (gone, new): ([[UInt8]], [[UInt8]]) = ([], [])
        for event in pull() {
            guard case .update(let update) = event else { continue }
            for change in update.changes where change.set == QuerySetID(set) && change.query == query {
                change.delta.deletes.forEach { gone.append(Array($0)) }
                change.delta.inserts.forEach { new.append(Array($0)) }
            }
        }
        return (gone.sortedBytes(), new.sortedBytes())
    }
}
