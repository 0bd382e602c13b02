import SpacetimeSATS
import SpacetimeSchema
import Testing

/// Definitions made to hurt: each must be refused, or work, quickly.
@Suite(.timeLimit(.minutes(10))) struct HostileModuleTests {
    @Test func tenThousandColumnsAreRefusedOnce() {
        var module = ModuleBuilder()
        let table = module.table("wide", (0..<10_000).map { ("column_a\($0)", .u64) })
        module.key(table, [0])
        #expect(module.codes() == [.tooManyColumns])
    }

    @Test func asManyColumnsAsAllowedWork() throws {
        var module = ModuleBuilder()
        module.table("wide", (0..<1_024).map { ("c\($0)", .u64) })
        #expect(try module.validated().tables[0].columns.count == 1_024)
    }

    @Test func tenThousandEqualNamesAreEachReported() {
        var module = ModuleBuilder()
        module.types = [.product([("a", .u8)])]
        module.definitions = Array(repeating: RawTypeDef(sourceName: "Same", ref: 0), count: 5_001)
        module.tables = Array(repeating: RawTableDefV10(sourceName: "same", productTypeRef: 0), count: 5_001)
        let errors = module.errors()
        #expect(errors.filter { $0.code == .duplicateTypeName }.count == 5_000)
        #expect(errors.filter { $0.code == .duplicateName }.count == 5_000)
    }

    @Test func errorsBeyondTheLimitAreCounted() throws {
        var module = ModuleBuilder()
        module.handlers = Array(repeating: "same", count: 20_001)
        let thrown = #expect(throws: SchemaErrors.self) { try module.validated() }
        #expect(thrown?.errors.count == 10_000)
        #expect(thrown?.omittedCount == 10_000)
        #expect(thrown?.description.hasSuffix("and 19900 more") == true)
    }

    @Test func typesThatDoubleAtEachStepAreRefused() {
        var module = ModuleBuilder()
        module.declare("T0", .product([("a", .u8)]))
        for level in 1...100 {
            let below = AlgebraicType.ref(UInt32(level - 1))
            module.declare("T\(level)", .product([("left", below), ("right", below)]))
        }
        module.table("huge", [("a", .ref(100)), ("b", .ref(40)), ("c", .ref(4))])
        #expect(module.codes() == [.typeTooLarge, .typeTooLarge])
    }

    @Test func manyTablesOfOneWideRowTypeRunIntoTheSumLimit() {
        var module = ModuleBuilder()
        let row = module.declare("Row", .product((0..<1_000).map { ("c\($0)", .u64) }))
        module.tables = (0..<20_000).map { RawTableDefV10(sourceName: "t\($0)", productTypeRef: row) }
        #expect(module.codes() == [.typeTooLarge])
    }

    @Test func longChainsOfReferencesNeedNoStack() throws {
        var module = ModuleBuilder()
        let count = 200_000
        module.types = (1...count).map { .ref(UInt32($0)) } + [.u64]
        module.declare("Row", .product([("a", .ref(0))]))
        module.tables = [RawTableDefV10(sourceName: "t", productTypeRef: UInt32(count + 1))]
        #expect(try module.validated().tables[0].columns[0].type == .u64)
        module.types[count] = .ref(0)
        #expect(module.codes() == [.recursiveTypeRef])
    }

    @Test func deepChainsOfDeclaredTypesAreRefused() {
        var module = ModuleBuilder()
        module.declare("T0", .product([("a", .u8)]))
        for level in 1...5_000 {
            module.declare("T\(level)", .product([("a", .ref(UInt32(level - 1)))]))
        }
        module.table("deep", [("a", .ref(5_000))])
        #expect(module.codes() == [.typeTooDeep])
    }

    @Test func deepInlineTypesStopEverything() {
        var type = AlgebraicType.u8
        for _ in 0..<200 { type = .array(type) }
        var module = ModuleBuilder()
        module.table("deep", [("a", type)])
        #expect(module.codes() == [.typeTooDeep])
        var reducer = ModuleBuilder()
        reducer.reducer("deep", [("a", type)])
        #expect(reducer.codes() == [.typeTooDeep])
        let table = TableSchema(name: "deep", columns: [("a", type)])
        #expect(throws: SchemaErrors.self) { try table.validated() }
    }

    @Test func submodulesNestOnlySoDeep() throws {
        var raw = RawModuleDefV10()
        for _ in 0..<16 { raw = RawModuleDefV10(sections: [.submodules([RawSubmodule(namespace: "m", module: raw)])]) }
        #expect(try RawModuleDefV10(decoding: raw.bsatn()) == raw)
        _ = try ModuleSchema(validating: raw)
        raw = RawModuleDefV10(sections: [.submodules([RawSubmodule(namespace: "m", module: raw)])])
        let bytes = raw.bsatn()
        #expect(throws: BSATNError.tooDeep(limit: 16)) { try RawModuleDefV10(decoding: bytes) }
        let errors = #expect(throws: SchemaErrors.self) { try ModuleSchema(validating: raw) }
        #expect(errors?.errors.map(\.code) == [.nestedTooDeep])
    }

    @Test func longNamesAreRefusedAndCutInMessages() throws {
        var module = ModuleBuilder()
        let name = String(repeating: "n", count: 100_000)
        let table = module.table(name, [("a", .u8)])
        for _ in 0..<256 { module.index(table, .btree([0])) }
        let errors = module.errors()
        #expect(errors.contains { $0.code == .nameTooLong })
        #expect(errors.allSatisfy { $0.description.utf8.count < 1_000 })
    }

    @Test func tooManyIndexesAreRefusedOnce() {
        var module = ModuleBuilder()
        let table = module.table("t", [("a", .u8)])
        module.tables[table].indexes = Array(
            repeating: RawIndexDef(sourceName: "i", algorithm: .btree([0])), count: 100_000)
        #expect(module.codes() == [.tooManyIndexes])
    }

    @Test func hugeCountsCostNothing() {
        // Two billion tables in a section of twelve bytes.
        let bytes: [UInt8] = [2, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0x7f, 0, 0]
        #expect(throws: BSATNError.self) { try RawModuleDef(decoding: bytes) }
    }

    /// A generator that replays: the same seed gives the same bytes.
    struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func anyBytesDecodeOrThrow(seed: UInt64) {
        var random = SplitMix(state: seed)
        var module = ModuleBuilder.full
        module.submodules = [RawSubmodule(namespace: "lib", module: ModuleBuilder.full.raw)]
        let seeds = [
            RawModuleDef.v10(module.raw).bsatn(), WorkedExampleTests.bytes, OlderVersionTests.fullV9.bsatn(),
            OlderVersionTests.fullV8.bsatn(),
        ]
        for _ in 0..<1_500 {
            var bytes = seeds.randomElement(using: &random) ?? []
            for _ in 0...Int.random(in: 0...4, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[position] = .random(in: 0...255, using: &random)
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.remove(at: position)
                default: bytes.insert(.random(in: 0...20, using: &random), at: position)
                }
            }
            guard let decoded = try? RawModuleDef(decoding: bytes) else { continue }
            // Whatever decodes encodes to a prefix of what it was read from, and validates or is refused.
            #expect(bytes.starts(with: decoded.bsatn()), "seed \(seed)")
            _ = try? ModuleSchema(validating: decoded)
        }
    }

    @Test func randomBytesDecodeOrThrow() {
        var random = SplitMix(state: 6)
        for _ in 0..<5_000 {
            let count = Int.random(in: 0..<200, using: &random)
            let bytes = (0..<count).map { _ in
                UInt8.random(in: 0...255, using: &random) >> UInt8.random(in: 0...7, using: &random)
            }
            _ = try? RawModuleDef(decoding: bytes)
        }
    }
}
