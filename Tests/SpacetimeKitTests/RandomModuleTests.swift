import SpacetimeKit
import SpacetimeSchema
import Testing

/// Modules whose tables and columns have names that are made of few parts, so that what is made of them often agrees.
@Suite struct RandomModuleTests {
    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func modulesOfDifferentNamesOpen(seed: UInt64) {
        var random = Lehmer(seed: seed)
        RandomTables.$definitions.withValue(RandomTables.make(&random)) {
            let module = Module("random") {
                for (_, table) in zip(RandomTables.definitions, RandomTables.all) { table }
            }
            do { _ = try Database.open(.inMemory, module: module) } catch {
                Issue.record("seed \(seed): \(error)\n\(RandomTables.definitions)")
            }
        }
    }

    @Test func theNamesDoCollide() {
        var collisions = 0
        for seed in 1...300 as ClosedRange<UInt64> {
            var random = Lehmer(seed: seed)
            var names: Set<String> = []
            for table in RandomTables.make(&random) {
                for index in table.indexes {
                    let columns = index.columns.map { CaseConversion.snake(table.columns[$0].name) }
                    let isNew = names.insert(CaseConversion.snake(table.name) + "_" + columns.joined(separator: "_"))
                    if !isNew.inserted { collisions += 1 }
                }
            }
        }
        #expect(collisions > 100)
    }
}

/// The tables that ``NumberRow`` types take their definitions from while a module is put together.
private enum RandomTables {
    @TaskLocal static var definitions: [TableDefinition] = []

    // Made anew each time: a table reads its definition when it is made.
    static var all: [Table] {
        [Table(NumberRow<P0>.self), Table(NumberRow<P1>.self), Table(NumberRow<P2>.self), Table(NumberRow<P3>.self)]
    }

    static func make(_ random: inout Lehmer) -> [TableDefinition] {
        var taken: Set<String> = []
        return (0..<Int.random(in: 2...4, using: &random)).map { _ in
            let name = freeName(&taken, &random)
            var columnNames: Set<String> = []
            let columns = (0..<Int.random(in: 2...5, using: &random)).map { _ in
                ColumnDefinition(freeName(&columnNames, &random))
            }
            var table = TableDefinition(name: name, columns: columns)
            for number in 0..<Int.random(in: 1...5, using: &random) {
                let key = Array(columns.indices.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random)))
                let algorithm: SpacetimeKit.IndexAlgorithm = Bool.random(using: &random) ? .btree : .hash
                // Names of one's own among the others, in the style of those that are made.
                let isNamed = Int.random(in: 0..<8, using: &random) == 0
                table.indexes.append(
                    IndexDefinition(
                        name: isNamed ? freeName(&taken, &random) + "_idx_btree" : nil, columns: key,
                        algorithm: algorithm, accessor: "by\(number)"))
                if Bool.random(using: &random) { table.uniqueConstraints.append(key) }
            }
            if Bool.random(using: &random) { table.autoIncrement = [0] }
            return table
        }
    }

    private static let parts = [
        "a", "b", "A", "B", "aB", "ab", "Ab", "_", "1", "id", "Id", "idx", "btree", "hash", "key", "seq", "Sched", "2",
    ]

    /// A name that differs from those that were taken, in the database's spelling, too.
    private static func freeName(_ taken: inout Set<String>, _ random: inout Lehmer) -> String {
        while true {
            let count = Int.random(in: 1...4, using: &random)
            let name = (0..<count).map { _ in parts.randomElement(using: &random) ?? "a" }.joined()
            let converted = CaseConversion.snake(name)
            guard let first = converted.first, first.isLetter, name.first?.isNumber == false else { continue }
            if taken.isDisjoint(with: [name, converted]) {
                taken.formUnion([name, converted])
                return name
            }
        }
    }
}

private enum P0: Place { static let position = 0 }
private enum P1: Place { static let position = 1 }
private enum P2: Place { static let position = 2 }
private enum P3: Place { static let position = 3 }

private protocol Place: SendableMetatype { static var position: Int { get } }

/// A row whose columns are all numbers, as many as the definition at its place says.
private struct NumberRow<At: Place>: TableRow {
    var values: [UInt64]

    static var tableDefinition: TableDefinition {
        RandomTables.definitions.indices.contains(At.position)
            ? RandomTables.definitions[At.position] : TableDefinition(name: "none\(At.position)", columns: [])
    }
    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        let definition = tableDefinition
        return types.declare(Self.self, name: definition.name, isGenerated: true) { _ in
            .product(ProductType(definition.columns.map { ($0.name, .u64) }))
        }
    }
    static var bsatnFixedSize: Int? { nil }
    init(from reader: inout BSATNReader) throws(BSATNError) {
        values = []
        for _ in Self.tableDefinition.columns { values.append(try reader.readU64()) }
    }
    func encode(to writer: inout BSATNWriter) {
        for value in values { writer.write(value) }
    }
    struct Columns: Sendable {}
    struct Handle: TableHandle {
        typealias Row = NumberRow<At>
        let _spacetimeReference: TableReference
        init(_spacetimeReference reference: TableReference) { _spacetimeReference = reference }
    }
}

/// Numbers that repeat with the seed.
private struct Lehmer: RandomNumberGenerator {
    private var state: UInt128

    init(seed: UInt64) { state = UInt128(seed) << 1 | 1 }

    mutating func next() -> UInt64 {
        state &*= 0xDA94_2042_E4DD_58B5
        return UInt64(truncatingIfNeeded: state >> 64)
    }
}
