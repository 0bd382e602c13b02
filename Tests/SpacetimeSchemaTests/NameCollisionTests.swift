import SpacetimeSATS
import SpacetimeSchema
import Testing

/// Names of indexes, constraints, sequences and schedules that nobody wrote.
@Suite struct NameCollisionTests {
    /// Two tables whose parts would have the same names: `user_group_id`.
    private static func twins(swapped: Bool = false) -> ModuleBuilder {
        var module = ModuleBuilder()
        let names = [("User", "groupId"), ("UserGroup", "id")]
        for (table, column) in swapped ? names.reversed() : names {
            let position = module.table(table, [(column, .u64), ("name", .string)])
            module.key(position, [0])
            module.tables[position].sequences = [RawSequenceDef(column: 0)]
        }
        return module
    }

    @Test func tablesWhosePartsWouldAgreeAreValid() throws {
        let tables = try Self.twins().validated().tables
        #expect(tables.map { $0.indexes.map(\.name) } == [["user_group_id_idx_btree"], ["user_group_id_idx_btree_2"]])
        #expect(tables.map { $0.uniqueConstraints.map(\.name) } == [["user_group_id_key"], ["user_group_id_key_2"]])
        #expect(tables.map { $0.sequences.map(\.name) } == [["user_group_id_seq"], ["user_group_id_seq_2"]])
        #expect(tables.map { $0.indexes.map(\.sourceName) } == [["User_source_0"], ["UserGroup_source_0"]])
    }

    @Test func namesThatSomebodyWroteComeFirst() throws {
        var module = ModuleBuilder()
        let job = module.table("job", [("id", .u64), ("at", .scheduleAt)])
        module.key(job, [0])
        module.reducer("run", [("job", .ref(module.tables[job].productTypeRef))])
        module.schedules = [RawScheduleDefV10(tableName: "job", scheduleAtColumn: 1, functionName: "run")]
        for name in ["job_sched", "JobIdKey", "job_id_idx_btree", "job_id_idx_btree_2"] {
            module.table(name, [("a", .u8)])
        }
        let table = try module.validated().tables[0]
        #expect(table.schedule?.name == "job_sched_2")
        #expect(table.uniqueConstraints.map(\.name) == ["job_id_key_2"])
        #expect(table.indexes.map(\.name) == ["job_id_idx_btree_3"])
    }

    @Test func anIndexThatTheModuleKnowsByItsPlainNameKeepsIt() throws {
        var module = ModuleBuilder()
        let table = module.table("person", [("id", .u64)])
        module.key(table, [0])
        module.tables[table].indexes[0].sourceName = "person_id_idx_btree"
        #expect(try module.validated().tables[0].indexes.map(\.name) == ["person_id_idx_btree"])
    }

    @Test func aliasesOfIndexesAreNotGivenToOthers() throws {
        var module = ModuleBuilder()
        let table = module.table("person", [("id", .u64), ("age", .u8)])
        module.index(table, .btree([0]))
        module.index(table, .btree([1]))
        module.tables[table].indexes[1].sourceName = "person_id_idx_btree"
        let indexes = try module.validated().tables[0].indexes
        #expect(indexes.map(\.name) == ["person_id_idx_btree_2", "person_age_idx_btree"])
    }

    @Test func indexesOnTheSameColumnsAreToldApartByTheirAccessors() throws {
        var module = ModuleBuilder()
        let table = module.table("person", [("a", .u64), ("b", .u8)])
        module.index(table, .btree([0, 1]))
        module.index(table, .btree([0, 1]))
        module.tables[table].indexes[0].accessorName = "byAB"
        module.tables[table].indexes[1].accessorName = "oneAB"
        let both = try module.validated()
        #expect(
            both.tables[0].indexes.map(\.name) == ["person_a_b_idx_btree_byAB", "person_a_b_idx_btree_oneAB"])
        // Whichever goes, the other one follows without a complaint.
        for kept in 0...1 {
            var less = module
            less.tables[table].indexes = [module.tables[table].indexes[kept]]
            let one = try less.validated()
            for (old, new) in [(both, one), (one, both)] {
                _ = try MigrationPlan.plan(from: old.tables, to: new.tables)
            }
        }
        var swapped = module
        swapped.tables[table].indexes.swapAt(0, 1)
        #expect(try MigrationPlan.plan(from: both.tables, to: swapped.validated().tables).steps.isEmpty)
        // Without accessors there is nothing but their order.
        module.tables[table].indexes[0].accessorName = nil
        module.tables[table].indexes[1].accessorName = nil
        #expect(
            try module.validated().tables[0].indexes.map(\.name) == ["person_a_b_idx_btree", "person_a_b_idx_btree_2"])
    }

    @Test func constraintsWhoseColumnsReadTheSameAreToldApartByThem() throws {
        var module = ModuleBuilder()
        let table = module.table("t", [("a_b", .u8), ("c", .u8), ("a", .u8), ("b_c", .u8)])
        module.unique(table, [0, 1])
        module.unique(table, [2, 3])
        let both = try module.validated()
        #expect(both.tables[0].uniqueConstraints.map(\.name) == ["t_a_b_c_key_0_1", "t_a_b_c_key_2_3"])
        for kept in 0...1 {
            var less = module
            less.tables[table].constraints = [module.tables[table].constraints[kept]]
            less.tables[table].indexes = [module.tables[table].indexes[kept]]
            let one = try less.validated()
            for (old, new) in [(both, one), (one, both)] {
                _ = try MigrationPlan.plan(from: old.tables, to: new.tables)
            }
        }
    }

    @Test func manyCollisionsCostLinearTime() throws {
        var names = FreshNames()
        for _ in 0..<200_000 { _ = names.take("a") }
        #expect(names.take("a") == "a_200001")
        #expect(names.take("b") == "b")
    }

    @Test func addingATableBehindTheOthersRenamesNothing() throws {
        var before = Self.twins()
        before.tables.removeLast()
        let plan = try MigrationPlan.plan(from: before.validated().tables, to: Self.twins().validated().tables)
        #expect(plan.steps == [.addTable("user_group")])
    }
}
