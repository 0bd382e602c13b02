import SpacetimeSATS
import SpacetimeSchema
import Testing

@Suite struct OlderVersionTests {
    static var v9: RawModuleDefV9 {
        var module = RawModuleDefV9()
        module.typespace = Typespace([
            .product([("Id", .u64), ("userName", .string)]), .product([("id", .u64), ("at", .scheduleAt)]),
        ])
        module.types = [RawTypeDef(sourceName: "user_row", ref: 0), RawTypeDef(sourceName: "Timer", ref: 1)]
        var users = RawTableDefV9(name: "Users", productTypeRef: 0)
        users.primaryKey = [0]
        users.indexes = [
            RawIndexDef(sourceName: "given", accessorName: "byId", algorithm: .btree([0])),
            RawIndexDef(sourceName: nil, algorithm: .hash([1])),
        ]
        users.constraints = [RawConstraintDef(sourceName: "given_key", data: .unique([0]))]
        users.sequences = [RawSequenceDef(sourceName: "given_seq", column: 0)]
        var timers = RawTableDefV9(name: "timers", productTypeRef: 1)
        timers.primaryKey = [0]
        timers.indexes = [RawIndexDef(sourceName: nil, algorithm: .btree([0]))]
        timers.constraints = [RawConstraintDef(data: .unique([0]))]
        timers.schedule = RawScheduleDefV9(name: "given_sched", reducerName: "tick", scheduledAtColumn: 1)
        module.tables = [users, timers]
        module.reducers = [
            RawReducerDefV9(name: "tick", parameters: ProductType([("t", .ref(1))])),
            RawReducerDefV9(name: "Setup", lifecycle: .onInit),
        ]
        module.miscExports = [
            .columnDefaultValue(table: "Users", RawColumnDefaultValue(column: 0, value: Array(repeating: 0, count: 8))),
            .procedure(name: "count", parameters: .empty, returnType: .u64),
            .view(RawViewDef(sourceName: "all", index: 0, returnType: .array(.ref(0)))),
        ]
        module.rowLevelSecurity = [RawRowLevelSecurityDef(sql: "SELECT * FROM Users")]
        return module
    }

    static var fullV9: RawModuleDef { .v9(v9) }

    @Test func version9SurvivesEncoding() throws {
        #expect(try RawModuleDef(decoding: Self.fullV9.bsatn()) == Self.fullV9)
    }

    @Test func version9KeepsGivenNames() throws {
        let schema = try ModuleSchema(validating: Self.v9)
        let users = schema.tables[0]
        #expect(users.name == "Users")
        #expect(users.columns.map(\.name) == ["Id", "userName"])
        #expect(users.indexes.map(\.name) == ["given", "Users_userName_idx_hash"])
        #expect(users.indexes.map(\.isUnique) == [true, false])
        #expect(users.uniqueConstraints.map(\.name) == ["given_key"])
        #expect(users.sequences.map(\.name) == ["given_seq"])
        #expect(users.defaults == [DefaultValueSchema(column: 0, bytes: Array(repeating: 0, count: 8))])
        #expect(schema.tables[1].schedule == ScheduleSchema(name: "given_sched", column: 1, functionName: "tick"))
        #expect(schema.types.map(\.name) == ["user_row", "Timer"])
        #expect(schema.procedures.map(\.name) == ["count"])
        #expect(schema.views.map(\.name) == ["all"])
        // A scheduled reducer stays callable, one for the lifecycle never is.
        #expect(schema.reducers.map(\.isClientCallable) == [true, false])
    }

    @Test func version9RefusesTwoDefaultsAndDefaultsForNoTable() {
        var module = Self.v9
        module.miscExports.append(module.miscExports[0])
        module.miscExports.append(.columnDefaultValue(table: "nowhere", RawColumnDefaultValue(column: 0, value: [])))
        let thrown = #expect(throws: SchemaErrors.self) { try ModuleSchema(validating: module) }
        #expect(thrown?.errors.map(\.code) == [.tableNotFound, .multipleColumnDefaultValues])
    }

    static var v8: RawModuleDefV8 {
        var module = RawModuleDefV8()
        module.typespace = Typespace([
            .product([("id", .u64), ("name", .string), ("scheduled_at", .scheduleAt)]), .ref(0),
        ])
        let columns = [
            RawColumnDefV8(name: "id", type: .u64), RawColumnDefV8(name: "name", type: .string),
            RawColumnDefV8(name: "scheduled_at", type: .scheduleAt),
        ]
        var table = RawTableDescV8(name: "job", columns: columns, data: 0)
        table.indexes = [RawIndexDefV8(name: "by_name", isUnique: true, columns: [1])]
        table.constraints = [
            RawConstraintDefV8(name: "ct_job_id_primary_key_auto", kind: .primaryKeyAuto, columns: [0])
        ]
        table.scheduled = "run"
        table.tableAccess = .private
        module.tables = [table]
        module.reducers = [
            RawReducerDefV8(name: "run", arguments: ProductType([("job", .ref(0))])),
            RawReducerDefV8(name: "__init__"), RawReducerDefV8(name: "__identity_connected__"),
            RawReducerDefV8(name: "__identity_disconnected__"),
        ]
        module.typeAliases = [RawTypeAliasV8(name: "work::items.Job", ref: 0)]
        return module
    }

    static var fullV8: RawModuleDef { .v8(v8) }

    @Test func version8SurvivesEncoding() throws {
        #expect(try RawModuleDef(decoding: Self.fullV8.bsatn()) == Self.fullV8)
    }

    @Test func version8IsUpgraded() throws {
        let schema = try ModuleSchema(validating: Self.v8)
        let job = schema.tables[0]
        #expect(job.access == .private)
        #expect(job.primaryKey == [0])
        #expect(job.indexes.map(\.name) == ["by_name", "idx_job_id_primary_key_auto_unique"])
        #expect(job.indexes.map(\.accessorName) == ["by_name", "idx_job_id_primary_key_auto_unique"])
        #expect(job.indexes.map(\.isUnique) == [true, true])
        #expect(job.uniqueConstraints.map(\.name) == ["ct_job_id_primary_key_auto", "ct_job_name_unique"])
        #expect(job.sequences.map(\.name) == ["seq_job_id_primary_key_auto"])
        #expect(job.schedule == ScheduleSchema(name: "job_sched", column: 2, functionName: "run"))
        #expect(schema.reducers.map(\.lifecycle) == [nil, .onInit, .onConnect, .onDisconnect])
        #expect(schema.types.map(\.name) == ["Job"])
        #expect(schema.types[0].scope == ["work", "items"])
    }

    @Test func version8NamesAreCutByBytes() throws {
        // The mark joins the underscore before it into one character.
        var module = Self.v8
        module.tables[0].constraints[0].name = "ct_job_\u{301}id_unique"
        let job = try ModuleSchema(validating: module).tables[0]
        #expect(job.sequences.map(\.name) == ["seq_job_\u{301}id_unique"])
        #expect(job.indexes.map(\.name) == ["by_name", "idx_job_\u{301}id_unique"])
    }

    @Test func version8ColumnsMustAgreeWithTheRowType() {
        var module = Self.v8
        module.tables[0].columns[1].name = "title"
        module.tables[0].constraints.append(RawConstraintDefV8(name: "again", kind: .primaryKey, columns: [1]))
        let thrown = #expect(throws: SchemaErrors.self) { try ModuleSchema(validating: module) }
        #expect(thrown?.errors.map(\.code).prefix(2) == [.columnDefMalformed, .repeatedPrimaryKey])
    }

    @Test func version8WordsForEnumsAreChecked() throws {
        var bytes = Self.fullV8.bsatn()
        let word = Array("private".utf8)
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: word) })
        bytes[start + 6] = UInt8(ascii: "x")
        #expect(throws: BSATNError.self) { try RawModuleDef(decoding: bytes) }
    }
}
