import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// Whole databases through files of text.
@Suite struct ExchangeTests {
    /// A module with one table of these columns and a reducer that takes rows as bytes.
    private func module(_ columns: [(String, AlgebraicType)]) -> ByteModule {
        // The row type is the first.
        var types: [AlgebraicType] = [.unit]
        let declared = columns.map { ($0.0, declare($0.1, &types)) }
        types[0] = .product(declared)
        return ByteModule(
            tables: [RawTableDefV10(sourceName: "t", productTypeRef: 0)], types: types,
            reducers: [
                (
                    "add", [("row", .bytes)], nil,
                    { transaction, reader in
                        let row = try reader.readBytes()
                        let table = try transaction.table(named: "t")
                        try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
                    }
                )
            ])
    }

    /// Composite types stand in a module under a name; `types` gets them.
    private func declare(_ type: AlgebraicType, _ types: inout [AlgebraicType]) -> AlgebraicType {
        if type.isSpecialProduct || type.isScheduleAt || type.isUnit { return type }
        if let payload = type.optionPayload { return .option(declare(payload, &types)) }
        if let (ok, err) = type.resultPayloads { return .result(declare(ok, &types), declare(err, &types)) }
        switch type {
        case .array(let element): return .array(declare(element, &types))
        case .product(let product):
            let fields = product.elements.map { ($0.name ?? "", declare($0.algebraicType, &types)) }
            types.append(.product(fields))
            return .ref(UInt32(types.count - 1))
        case .sum(let sum):
            let variants = sum.variants.map { ($0.name ?? "", declare($0.algebraicType, &types)) }
            types.append(.sum(variants))
            return .ref(UInt32(types.count - 1))
        default: return type
        }
    }

    @Test(arguments: [ExchangeFormat.csv, .jsonLines])
    func randomDatabasesComeBackBitForBit(_ format: ExchangeFormat) throws {
        let base = freshSeed()
        var rowCount = 0
        for seed in base..<(base + 100) {
            var random = RandomValues(seed: seed)
            let columns = (0..<random.below(6)).map { ("column\($0)", random.type()) }
            let core = try open(module(columns))
            for _ in 0..<random.below(20) {
                let row = columns.flatMap { random.value(of: $0.1).bsatn() }
                try core.runner.call("add", arguments: row.bsatn(), as: core.owner)
            }
            var text: [UInt8] = []
            let count = try DatabaseCore.exportRows(core.items, of: core.runner.snapshot(), as: format) { text += $0 }
            let copy = try open(module(columns))
            for mode in [ImportMode.insert, .replace] {
                #expect(
                    try copy.importRows(copy.items, from: text, as: format, mode: mode, batchRows: nil) == count,
                    "SPACETIME_SEED=\(seed)")
            }
            func sorted(_ rows: [[UInt8]]) -> [[UInt8]] { rows.sorted { $0.lexicographicallyPrecedes($1) } }
            let before = sorted(try core.rows(of: core.items))
            #expect(sorted(try copy.rows(of: copy.items)) == before, "SPACETIME_SEED=\(seed)")
            rowCount += before.count
        }
        #expect(rowCount > 200)
    }
}
