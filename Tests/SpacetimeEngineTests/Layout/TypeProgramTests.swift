import SpacetimeSATS
import Testing

@testable import SpacetimeEngine

@Suite struct TypeProgramTests {
    /// Validates bytes that lie at the very end of an allocation of exactly their size: reading past the end is caught
    /// by the address sanitizer, and shows as a wrong decision otherwise, as the byte behind is a guard value.
    private func accepts(_ program: TypeProgram, _ node: Int32, _ bytes: [UInt8]) -> Bool {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        var offset = 0
        do {
            try program.validate(node, in: UnsafeRawBufferPointer(memory), at: &offset)
            return offset == bytes.count
        } catch { return false }
    }

    private func decodes(_ type: AlgebraicType, _ bytes: [UInt8]) -> Bool {
        (try? AlgebraicValue(bsatn: bytes, type: type)) != nil
    }

    private func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) {
            switch random.below(6) {
            case 0: bytes.append(UInt8(random.below(256)))
            case 1 where !bytes.isEmpty: bytes.removeLast()
            case 2 where !bytes.isEmpty: bytes.remove(at: random.below(bytes.count))
            case 3 where !bytes.isEmpty:
                bytes[random.below(bytes.count)] = [0, 1, 2, 0x7F, 0x80, 0xFF][random.below(6)]
            case 4 where bytes.count >= 4: bytes.replaceSubrange(0..<4, with: [0xFF, 0xFF, 0xFF, 0xFF])
            default: if !bytes.isEmpty { bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8)) }
            }
        }
        return bytes
    }

    @Test func decidesAsTheDecoderDoes() throws {
        var random = seededRandom()
        var accepted = 0
        for _ in 0..<1_500 {
            let type = random.type()
            var program = TypeProgram()
            let node = try program.add(type)
            for round in 0..<12 {
                let valid = random.value(of: type).bsatn()
                let bytes =
                    switch round {
                    case 0: valid
                    case 1: random.bytes(random.below(40))
                    default: mutated(valid, &random)
                    }
                let decision = accepts(program, node, bytes)
                if decision { accepted += 1 }
                #expect(decision == decodes(type, bytes), "\(bytes) as \(type)")
                if round == 0 { #expect(decision) }
            }
        }
        #expect(accepted > 2_000, "the mutations leave too little that is valid")
    }

    @Test func theLayoutOfARowDecidesAsTheDecoderDoes() throws {
        var random = seededRandom()
        for _ in 0..<400 {
            let types = (0..<random.below(5)).map { _ in random.type(depth: 2) }
            let layout = try RowLayout(types)
            let product = AlgebraicType.product(types.enumerated().map { ("c\($0)", $1) })
            for round in 0..<8 {
                let row = types.map { random.value(of: $0) }
                let bytes = round == 0 ? image(row) : mutated(image(row), &random)
                let isRow = bytes.withUnsafeBytes { bytes in (try? layout.validate(bytes)) != nil }
                #expect(isRow == decodes(product, bytes), "\(bytes) as \(types)")
                if round == 0 { compareColumns(layout, row) }
            }
        }
    }

    private func compareColumns(_ layout: RowLayout, _ row: Row) {
        let bytes = image(row) + [0]
        bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            var offset = 0
            for (i, value) in row.enumerated() {
                #expect(layout.offset(of: i, in: start) == offset)
                #expect(Array(layout.bytes(of: i, in: start)) == value.bsatn())
                offset += value.bsatn().count
            }
            if let fixedSize = layout.fixedSize { #expect(fixedSize == offset) }
        }
    }

    @Test func theLimitOfArraysOfNothingIsForTheWholeRow() throws {
        let types: [AlgebraicType] = [.array(.unit), .array(.unit)]
        let product = AlgebraicType.product([("a", types[0]), ("b", types[1])])
        let column: [UInt8] = [0, 0x60, 0, 0]
        let layout = try RowLayout(types)
        for bytes in [column + column, column + [0, 0, 0, 0]] {
            let isRow = bytes.withUnsafeBytes { bytes in (try? layout.validate(bytes)) != nil }
            #expect(isRow == decodes(product, bytes))
            #expect(isRow == (bytes[5] == 0))
        }
    }

    @Test func arraysOfNothingHaveALimit() throws {
        var program = TypeProgram()
        let node = try program.add(.array(.unit))
        #expect(accepts(program, node, [100, 0, 0, 0]))
        #expect(!accepts(program, node, [0xFF, 0xFF, 0xFF, 0xFF]))
        let nested = try program.add(.array(.array(.product([("a", .unit), ("b", .unit)]))))
        let inner: [UInt8] = [0, 0x20, 0, 0]
        #expect(accepts(program, nested, [2, 0, 0, 0] + inner + inner))
        #expect(!accepts(program, nested, [3, 0, 0, 0] + inner + inner + inner))
    }

    @Test func unsuitableTypesAreRefused() {
        var deep = AlgebraicType.u8
        for _ in 0..<200 { deep = .option(deep) }
        #expect(throws: TypeProgramError.tooDeep) {
            var program = TypeProgram()
            _ = try program.add(deep)
        }
        #expect(throws: TypeProgramError.unresolvedReference) {
            var program = TypeProgram()
            _ = try program.add(.array(.ref(0)))
        }
    }

    @Test func textIsCheckedAtEveryLength() {
        for length in 0..<40 {
            for position in 0...length {
                var bytes = [UInt8](repeating: 0x61, count: length)
                bytes.insert(contentsOf: [0xC3, 0xA9], at: position)
                #expect(bytes.withUnsafeBytes { isValidUTF8($0) })
                bytes[position] = 0xFF
                #expect(!bytes.withUnsafeBytes { isValidUTF8($0) })
            }
        }
    }
}
