import SpacetimeSATS
import SpacetimeSchema
import Testing

@Suite struct TableSchemaTests {
    @Test func oneLineMakesACompleteTable() throws {
        let players = try TableSchema(
            name: "player", columns: [("id", .u64), ("name", .string), ("level", .u32)], primaryKey: [0],
            indexes: [IndexSchema(name: "player_level", columns: [2])]
        ).validated()
        #expect(players.indexes.map(\.name) == ["player_level", "player_id_idx_btree"])
        #expect(players.indexes.map(\.isUnique) == [false, true])
        #expect(players.uniqueConstraints == [UniqueConstraintSchema(name: "player_id_key", columns: [0])])
        #expect(players.columnID(named: "level") == 2)
        #expect(players.columnID(named: "score") == nil)
        #expect(players.column(7) == nil)
    }

    @Test func uniqueIndexesGetTheirConstraint() throws {
        let table = try TableSchema(
            name: "t", columns: [("a", .u8), ("b", .u8)],
            indexes: [IndexSchema(name: "i", algorithm: .hash, columns: [1, 0], isUnique: true)]
        ).validated()
        #expect(table.uniqueConstraints == [UniqueConstraintSchema(name: "t_b_a_key", columns: [1, 0])])
        #expect(table.indexes.count == 1)
    }

    @Test func theRowTypeFollowsTheColumns() {
        var table = TableSchema(name: "t", columns: [("a", .u8)])
        table.columns.append(ColumnSchema(name: "b", type: .string))
        #expect(table.rowType == ProductType([("a", .u8), ("b", .string)]))
    }

    @Test func handMadeTablesObeyTheSameRules() {
        let column = ColumnSchema(name: "a", type: .ref(0))
        let table = TableSchema(
            name: "st_t", columns: [column, ColumnSchema(name: "a", type: .u8)], primaryKey: [1],
            indexes: [IndexSchema(name: "i", columns: [1], isUnique: true), IndexSchema(name: "i", columns: [4])])
        let thrown = #expect(throws: SchemaErrors.self) { try table.validated() }
        let expected: [SchemaErrorCode] = [
            .invalidTypeRef, .tableNameReserved, .duplicateColumnName, .missingPrimaryKeyUniqueConstraint,
            .indexUniquenessMismatch, .columnNotFound, .duplicateName,
        ]
        #expect(thrown?.errors.map(\.code) == expected)
    }

    @Test func systemTablesMayHaveReservedNames() throws {
        try TableSchema(name: "st_table", columns: [("a", .u8)], kind: .system).validated()
    }

    @Test func columnPositionsFitSixteenBits() {
        #expect(ColumnID(exactly: 65_536) == nil)
        #expect(ColumnID(exactly: -1) == nil)
        #expect(ColumnID(exactly: 65_535)?.index == 65_535)
        #expect(ColumnID(1) < 2)
    }
}
