import SpacetimeSATS
import SpacetimeSchema
import Testing

/// The 260 bytes that the format's description works through.
@Suite struct WorkedExampleTests {
    static let hex = """
        020400000000010000000203000000000200000069640d00040000006e616d65\
        0400030000006167650b01010000000000000006000000506572736f6e000000\
        0001020100000006000000706572736f6e000000000100000000000200000000\
        13000000706572736f6e5f69645f6964785f6274726565000200000069640001\
        00000000000014000000706572736f6e5f6167655f6964785f62747265650003\
        0000006167650001000000020001000000010001000000000001000000010000\
        0101010100000000000000000000000000000001000000000000030100000003\
        0000006164640200000000040000006e616d650400030000006167650b010200\
        00000004
        """

    static var bytes: [UInt8] {
        let digits = hex.utf8.map { UInt8($0 >= UInt8(ascii: "a") ? $0 - UInt8(ascii: "a") + 10 : $0 - 48) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test func decodesAndEncodesToTheSameBytes() throws {
        #expect(Self.bytes.count == 260)
        let module = try RawModuleDef(decoding: Self.bytes)
        #expect(module.bsatn() == Self.bytes)
        guard case .v10(let raw) = module else { return #expect(Bool(false), "not version 10") }
        #expect(raw.sections.count == 4)
        #expect(raw.tables[0].indexes[1].accessorName == "age")
        #expect(raw.tables[0].sequences == [RawSequenceDef(column: 0)])
    }

    @Test func bytesBehindTheValueAreIgnored() throws {
        #expect(try RawModuleDef(decoding: Self.bytes + [1, 2, 3]).bsatn() == Self.bytes)
    }

    @Test func everyPrefixIsRefused() {
        for count in 0..<Self.bytes.count {
            #expect(throws: BSATNError.self) { try RawModuleDef(decoding: Array(Self.bytes.prefix(count))) }
        }
    }

    @Test func unknownEnvelopesAndSectionsAreRefused() {
        #expect(throws: BSATNError.invalidTag(3, at: 0)) { try RawModuleDef(decoding: [3, 0, 0, 0, 0]) }
        #expect(throws: BSATNError.invalidTag(15, at: 5)) { try RawModuleDef(decoding: [2, 1, 0, 0, 0, 15, 0]) }
    }

    @Test func validatesToTheStatedResult() throws {
        let schema = try ModuleSchema(validating: RawModuleDef(decoding: Self.bytes))
        let table = try #require(schema.tables.first)
        #expect(schema.tables.count == 1)
        #expect(table.name == "person")
        #expect(table.columns.map(\.name) == ["id", "name", "age"])
        #expect(table.rowType == ProductType([("id", .u64), ("name", .string), ("age", .u32)]))
        #expect(table.primaryKey == [0])
        #expect(table.indexes.map(\.name) == ["person_id_idx_btree", "person_age_idx_btree"])
        #expect(table.indexes.map(\.isUnique) == [true, false])
        #expect(table.uniqueConstraints == [UniqueConstraintSchema(name: "person_id_key", columns: [0])])
        #expect(table.sequences == [SequenceSchema(name: "person_id_seq", column: 0)])
        #expect(table.access == .public)
        #expect(table.kind == .user)
        let parameters = [ParameterSchema(name: "name", type: .string), ParameterSchema(name: "age", type: .u32)]
        #expect(schema.reducers == [ReducerSchema(name: "add", parameters: parameters)])
    }
}
