import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeHost

/// A table of one version of a made-up program. Its first column is a number that the database draws.
struct HistoryTable: Equatable {
    struct Column: Equatable {
        var name: String
        var type: AlgebraicType
        /// For rows from before the column was added.
        var initial: AlgebraicValue
    }

    var name: String
    var columns: [Column]
}

/// What happens to the tables between two versions.
enum HistoryStep {
    // These follow by themselves.
    case add(HistoryTable)
    case extend(String, HistoryTable.Column)
    // These are written.
    case rename(String, to: String)
    case exchange(String, String)
    case renameColumn(String, of: String, to: String)
    case drop(String)
    /// The rows are inserted anew, each column from one of the old ones. The table may have got another name just before.
    case rewrite(String, as: HistoryTable, from: [Int])

    var isWritten: Bool {
        switch self {
        case .add, .extend: false
        default: true
        }
    }
}

/// The versions of a made-up program, drawn from a seed.
struct History {
    /// The tables of each version.
    private(set) var versions: [[HistoryTable]]
    /// What leads to each version; nothing leads to the first.
    private(set) var steps: [[HistoryStep]] = [[]]
    private var random: DeterministicRandom
    private var nameCount = 0

    init(seed: UInt64, versionCount: Int) {
        random = DeterministicRandom(seed: seed)
        versions = [[]]
        versions[0] = (0..<3).map { _ in table(fresh("t")) }
        for _ in 1..<versionCount { evolve() }
    }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    private mutating func fresh(_ prefix: String) -> String {
        nameCount += 1
        return prefix + "_" + String(Array("abcdefghijklmnopqrstuvwxyz")[nameCount % 26])
            + String(repeating: "x", count: nameCount / 26)
    }

    private mutating func column() -> HistoryTable.Column {
        let types: [(AlgebraicType, AlgebraicValue)] = [
            (.u32, .u32(7)), (.string, .string("initial")), (.u64, .u64(1 << 40)), (.option(.i16), .none),
        ]
        let (type, initial) = types[below(types.count)]
        return .init(name: fresh("c"), type: type, initial: initial)
    }

    private mutating func table(_ name: String) -> HistoryTable {
        let id = HistoryTable.Column(name: "id", type: below(2) == 0 ? .u32 : .u64, initial: .u32(0))
        return HistoryTable(name: name, columns: [id] + (0..<below(4)).map { _ in column() })
    }

    /// Adds a version. Each table changes in one way at most, and may be extended besides.
    private mutating func evolve() {
        var tables = versions[versions.count - 1]
        var written: [HistoryStep] = []
        var automatic: [HistoryStep] = []
        var untouched = Array(tables.indices)
        var gone: [Int] = []
        for _ in 0..<below(4) where !untouched.isEmpty {
            let place = untouched.remove(at: below(untouched.count))
            change(place, &tables, &untouched, &gone, &written)
        }
        for place in gone.sorted(by: >) {
            let name = tables.remove(at: place).name
            // A new table may take the name at once.
            if below(2) == 0 { automatic.append(.add(table(name))) }
        }
        if below(3) == 0 { automatic.append(.add(table(fresh("t")))) }
        for place in tables.indices where below(3) == 0 {
            let column = column()
            tables[place].columns.append(column)
            automatic.append(.extend(tables[place].name, column))
        }
        for case .add(let table) in automatic { tables.append(table) }
        versions.append(tables)
        steps.append(written + automatic)
    }

    private mutating func change(
        _ place: Int, _ tables: inout [HistoryTable], _ untouched: inout [Int], _ gone: inout [Int],
        _ written: inout [HistoryStep]
    ) {
        let name = tables[place].name
        switch below(6) {
        case 0:
            tables[place].name = fresh("t")
            written.append(.rename(name, to: tables[place].name))
        case 1 where !untouched.isEmpty:
            let other = untouched.remove(at: below(untouched.count))
            written.append(.exchange(name, tables[other].name))
            (tables[place].name, tables[other].name) = (tables[other].name, name)
        case 2:
            let column = below(tables[place].columns.count)
            let old = tables[place].columns[column].name
            tables[place].columns[column].name = fresh("c")
            written.append(.renameColumn(old, of: name, to: tables[place].columns[column].name))
        case 3:
            gone.append(place)
            written.append(.drop(name))
        default:
            if below(3) == 0 {
                tables[place].name = fresh("t")
                written.append(.rename(name, to: tables[place].name))
            }
            var sources = Array(1..<tables[place].columns.count).shuffled(using: &random)
            if !sources.isEmpty, below(2) == 0 { sources.removeLast() }
            var columns = sources.map { tables[place].columns[$0] }
            for i in columns.indices where below(2) == 0 { columns[i].type = below(2) == 0 ? .string : .u32 }
            var id = tables[place].columns[0]
            if below(2) == 0 { id.type = .u64 }
            for i in columns.indices { columns[i].initial = columns[i].initial.converted(to: columns[i].type) }
            tables[place].columns = [id] + columns
            written.append(.rewrite(name, as: tables[place], from: [0] + sources))
        }
    }

    // MARK: For the host

    /// The definition of a version.
    func definition(_ version: Int) -> RawModuleDefV10 { Self.definition(versions[version]) }

    static func definition(_ tables: [HistoryTable]) -> RawModuleDefV10 {
        let raw = tables.enumerated().map { position, table in
            RawTableDefV10(
                sourceName: table.name, productTypeRef: UInt32(position), primaryKey: [0],
                indexes: [
                    RawIndexDef(sourceName: table.name + "_key", accessorName: "key", algorithm: .hash([0]))
                ], constraints: [RawConstraintDef(data: .unique([0]))], sequences: [RawSequenceDef(column: 0)],
                defaultValues: table.columns.indices.dropFirst().map {
                    RawColumnDefaultValue(column: ColumnID($0), value: table.columns[$0].initial.bytes)
                })
        }
        return RawModuleDefV10(sections: [
            .typespace(
                Typespace(tables.map { .product(ProductType($0.columns.map { ($0.name, $0.type) })) })),
            .types(
                tables.enumerated().map {
                    RawTypeDef(
                        scope: [], sourceName: "Row\($1.name)", ref: UInt32($0), customOrdering: true)
                }),
            .tables(raw),
        ])
    }

    static func schemas(_ tables: [HistoryTable]) throws -> [TableSchema] {
        try ModuleSchema(validating: definition(tables)).tables
    }

    /// What a version lists.
    func migrations(_ version: Int) -> [any WrittenMigration] {
        (0...version).filter { steps[$0].contains(where: \.isWritten) }.map {
            HistoryMigration(
                name: "to version \($0)", before: versions[$0 - 1], steps: steps[$0].filter(\.isWritten))
        }
    }
}

/// The written steps to a version.
private struct HistoryMigration: WrittenMigration {
    let name: String
    let before: [HistoryTable]
    let steps: [HistoryStep]

    func tables() throws(DatabaseError) -> (from: [TableSchema], to: [TableSchema]) {
        do { return (try History.schemas(before), []) } catch { throw DatabaseError(any: error) }
    }

    func run(_ step: inout MigrationStep) throws {
        var oldNames: [String: String] = [:]
        for change in steps {
            switch change {
            case .add, .extend: break
            case .rename(let old, let new):
                oldNames[new] = old
                try step.rename(old, to: new)
            case .exchange(let one, let other):
                try step.rename(one, to: "between")
                try step.rename(other, to: one)
                try step.rename("between", to: other)
            case .renameColumn(let old, let table, let new): try step.renameColumn(old, to: new, of: table)
            case .drop(let table): try step.drop(table)
            case .rewrite(let old, let table, let sources): try rewrite(old, table, sources, &step)
            }
        }
    }

    private func rewrite(
        _ old: String, _ table: HistoryTable, _ sources: [Int], _ step: inout MigrationStep
    ) throws {
        let schemas = try History.schemas(before)
        guard let schema = schemas.first(where: { $0.name == old }),
            let rows = try step.old.reading(old, as: schema, rowType: "row")
        else { return }
        let new = try History.schemas([table])[0]
        try rows.forEachRow { image in
            var reader = BSATNReader(RawSpan(_unsafeBytes: image))
            guard case .product(let fields) = try AlgebraicValue(from: &reader, type: .product(schema.rowType)) else {
                return
            }
            // As the typed face does: whoever has no rows to insert says nothing of the table.
            let target = try step.fill(table.name, with: new, rowType: "row")
            try target.insert(.product(zip(sources, table.columns).map { fields[$0].converted(to: $1.type) }))
        }
    }
}

/// The rows that a database of the program must have, kept without one.
struct HistoryModel {
    struct Rows {
        var table: HistoryTable
        /// By number.
        var rows: [UInt64: [AlgebraicValue]] = [:]
        var next: UInt64 = 1
    }

    var tables: [String: Rows] = [:]

    init(_ tables: [HistoryTable]) {
        for table in tables { self.tables[table.name] = Rows(table: table) }
    }

    mutating func apply(_ steps: [HistoryStep]) {
        var dropped: [String: UInt64] = [:]
        for step in steps {
            switch step {
            case .add(let table):
                // Numbers go on even in a table that was dropped and comes again.
                tables[table.name] = Rows(table: table, next: dropped[table.name] ?? 1)
            case .extend(let name, let column):
                tables[name]?.table.columns.append(column)
                for id in tables[name]?.rows.keys ?? [:].keys { tables[name]?.rows[id]?.append(column.initial) }
            case .rename(let old, let new):
                tables[new] = tables.removeValue(forKey: old)
                tables[new]?.table.name = new
            case .exchange(let one, let other):
                (tables[one], tables[other]) = (tables[other], tables[one])
                tables[one]?.table.name = one
                tables[other]?.table.name = other
            case .renameColumn(let old, let name, let new):
                if let place = tables[name]?.table.columns.firstIndex(where: { $0.name == old }) {
                    tables[name]?.table.columns[place].name = new
                }
            case .drop(let name): dropped[name] = tables.removeValue(forKey: name)?.next
            case .rewrite(_, let table, let sources):
                tables[table.name]?.table = table
                for (id, row) in tables[table.name]?.rows ?? [:] {
                    tables[table.name]?.rows[id] = zip(sources, table.columns).map { row[$0].converted(to: $1.type) }
                }
            }
        }
    }
}

extension AlgebraicValue {
    var bytes: [UInt8] {
        var writer = BSATNWriter()
        encode(to: &writer)
        return writer.toArray()
    }

    var number: UInt64 {
        switch self {
        case .u32(let value): UInt64(value)
        case .u64(let value): value
        case .string(let text): UInt64(text.utf8.count)
        default: 3
        }
    }

    /// Some value of the type that follows from this one.
    func converted(to type: AlgebraicType) -> AlgebraicValue {
        switch type {
        case .u32: .u32(UInt32(truncatingIfNeeded: number))
        case .u64: .u64(number)
        case .string: if case .string = self { self } else { .string("was \(number)") }
        default: self
        }
    }
}
