import SpacetimeSATS
import SpacetimeSchema
import Testing

/// What follows by itself, what does not, and what is then said.
@Suite struct MigrationPlanTests {
    private let table = TableSchema(
        name: "user", columns: [("id", .u32), ("name", .string), ("age", .u8)], primaryKey: [0],
        indexes: [IndexSchema(name: "user_name_idx_btree", accessorName: "byName", columns: [1])])

    private func problems(
        _ change: (inout TableSchema) -> Void, rowCount: Int = 0
    ) -> [MigrationProblems.Problem] {
        var changed = table
        change(&changed)
        do throws(MigrationProblems) {
            _ = try MigrationPlan.plan(from: [table], to: [changed], rowCount: { _ in rowCount })
            return []
        } catch { return error.problems }
    }

    private func steps(_ change: (inout TableSchema) -> Void) throws -> [MigrationPlan.Step] {
        var changed = table
        change(&changed)
        return try MigrationPlan.plan(from: [table], to: [changed]).steps
    }

    @Test func refusalsSayWhatToDo() {
        typealias Case = ((inout TableSchema) -> Void, MigrationProblems.Problem.Rule, String)
        let cases: [Case] = [
            ({ $0.columns.remove(at: 2) }, .removeColumn, "inserts the rows without it"),
            (
                { $0.columns[1].name = "title" }, .removeColumn,
                "Migration.renameColumn(\"name\", to: \"title\", of: \"user\")"
            ),
            ({ $0.columns.swapAt(1, 2) }, .reorderTable, "from place 2 to 3; put it back"),
            (
                { $0.columns.append(ColumnSchema(name: "mood", type: .string)) }, .addColumn,
                "write @Default(…) before it"
            ),
            ({ $0.columns[2].type = .u32 }, .changeColumnType, "was UInt8 and is UInt32; keep the type"),
            ({ $0.isEvent = true }, .changeTableEventFlag, "new.drop(\"user\")"),
            ({ $0.name = "member" }, .removeTable, "Migration.rename(\"user\", to: \"member\")"),
            ({ $0.kind = .system }, .changeTableType, "another name"),
        ]
        for (change, rule, text) in cases {
            let found = problems(change, rowCount: 3)
            #expect(found.contains { $0.rule == rule && $0.text.contains(text) }, "\(found)")
        }
    }

    @Test func anAccessorIsNotStored() throws {
        #expect(try steps { $0.indexes[0].accessorName = "named" } == [.renameSource(table: "user")])
    }

    @Test func anEmptyTableGoesByItself() throws {
        #expect(problems { $0.name = "member" }.isEmpty)
        #expect(try steps { $0.name = "member" }.contains(.removeTable("user")))
    }

    @Test func typesAreSpelledAsInSwift() {
        let types: [(AlgebraicType, String)] = [
            (.u8, "UInt8"), (.bytes, "[UInt8]"), (.option(.string), "String?"), (.timestamp, "Timestamp"),
            (.identity, "Identity"), (.scheduleAt, "ScheduleAt"), (.result(.i64, .f32), "Result<Int64, Float>"),
            (.product([("x", .f64), ("y", .array(.u256))]), "(x: Double, y: [UInt256])"),
            (.sum([("calm", .unit), ("said", .string)]), "calm | said(String)"),
        ]
        for (type, text) in types { #expect(type.swiftText == text) }
        // However deep a type is, its text ends.
        var deep = AlgebraicType.bool
        for _ in 0..<100 { deep = .product([("a", deep), ("b", deep)]) }
        #expect(deep.swiftText.count < 200)
    }
}
