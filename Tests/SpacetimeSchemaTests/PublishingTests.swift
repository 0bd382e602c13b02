import SpacetimeSATS
import Testing

@testable import SpacetimeSchema

/// Definitions as generators of client code read them.
@Suite struct PublishingTests {
    /// A module with something of everything, in a language whose names are not those of the database.
    static let raw: RawModuleDefV10 = {
        let row = ProductType([("jobId", .u64), ("scheduledAt", .scheduleAt), ("someText", .string)])
        let kind = SumType([("BigOne", .unit), ("small", .ref(0))])
        var table = RawTableDefV10(
            sourceName: "jobTimer", productTypeRef: 0, primaryKey: [0],
            indexes: [RawIndexDef(sourceName: "jobTimerIndex", accessorName: "jobId", algorithm: .btree([0]))],
            constraints: [RawConstraintDef(data: .unique([0]))],
            sequences: [RawSequenceDef(column: 0, start: 5, maximum: 1_000)], tableAccess: .private)
        table.defaultValues = [RawColumnDefaultValue(column: 2, value: [1, 0, 0, 0, 0x78])]
        return RawModuleDefV10(sections: [
            .typespace(Typespace([.product(row), .sum(kind)])),
            .types([
                RawTypeDef(sourceName: "JobTimer", ref: 0), RawTypeDef(scope: ["inner"], sourceName: "jobKind", ref: 1),
            ]),
            .tables([table]),
            .reducers([
                RawReducerDefV10(sourceName: "runJob", parameters: ProductType([("theRow", .ref(0))])),
                RawReducerDefV10(sourceName: "setUp"),
            ]),
            .procedures([RawProcedureDefV10(sourceName: "countJobs", returnType: .ref(1))]),
            .views([
                RawViewDef(sourceName: "myJobs", index: 0, returnType: .array(.ref(0)))
            ]),
            .schedules([RawScheduleDefV10(tableName: "jobTimer", scheduleAtColumn: 1, functionName: "runJob")]),
            .lifecycleReducers([RawLifecycleReducerDef(lifecycle: .onInit, functionName: "setUp")]),
            .rowLevelSecurity([RawRowLevelSecurityDef(sql: "SELECT * FROM job_timer")]),
            .httpHandlers([RawHttpHandlerDef(sourceName: "sayHi")]),
            .httpRoutes([
                RawHttpRouteDef(handlerFunction: "sayHi", method: .method(.other("QUERY")), path: "/hi"),
                RawHttpRouteDef(handlerFunction: "sayHi", method: .any, path: "/"),
            ]),
            .viewPrimaryKeys([RawViewPrimaryKeyDef(viewSourceName: "myJobs", columns: ["jobId"])]),
            .submodules([
                RawSubmodule(
                    namespace: "lib",
                    module: RawModuleDefV10(sections: [.reducers([RawReducerDefV10(sourceName: "helpMe")])]))
            ]),
        ])
    }()

    static func published() throws -> JSON { try ModuleSchema(validating: raw).published(raw).json }
    static func publishedV9() throws -> JSON { try ModuleSchema(validating: raw).publishedV9(raw).json }

    func section(_ name: String) throws -> String? {
        try Self.published()["sections"]?.arrayValue?.compactMap { $0[name]?.description }.first
    }

    @Test func sectionsComeInTheirOrder() throws {
        let keys = try Self.published()["sections"]?.arrayValue?.compactMap { section -> String? in
            if case .object(let members) = section { members.first?.key } else { nil }
        }
        #expect(
            keys == [
                "Typespace", "Types", "Tables", "Reducers", "Procedures", "HttpHandlers", "HttpRoutes", "Views",
                "ViewPrimaryKeys", "Schedules", "LifeCycleReducers", "RowLevelSecurity", "ExplicitNames", "Submodules",
            ])
        let empty = try ModuleSchema(validating: RawModuleDefV10()).published(RawModuleDefV10()).json
        #expect(
            empty.description == #"{"sections":[{"Typespace":{"types":[]}},{"ExplicitNames":{"entries":[]}}]}"#)
    }

    /// Who reads the definition must find the view to be a query again.
    @Test func aViewThatIsAQueryStaysOne() throws {
        let row = AlgebraicType.product([("id", .u64)])
        let raw = RawModuleDefV10(sections: [
            .typespace(Typespace([row])), .types([RawTypeDef(sourceName: "Row", ref: 0)]),
            .views([
                RawViewDef(
                    sourceName: "all", index: 0, isAnonymous: true, returnType: .product([("__query__", .ref(0))]))
            ]),
        ])
        let published = try RawModuleDefV10(json: ModuleSchema(validating: raw).published(raw).json)
        let again = try ModuleSchema(validating: published.withCanonicalNames(), options: .stored)
        #expect(again.views.map(\.result) == [.query])
    }

    @Test func namesInTypesAreCanonical() throws {
        let text = try #require(try section("Typespace"))
        #expect(text.contains(#"{"name":{"some":"job_id"},"algebraic_type":{"U64":[]}}"#))
        #expect(text.contains(#""some":"Interval""#), "special types keep their names")
        #expect(
            text.contains(
                #"{"Sum":{"variants":[{"name":{"some":"bigOne"},"algebraic_type":{"Product":{"elements":[]}}},{"name":{"some":"small"},"algebraic_type":{"Ref":0}}]}}"#
            ), "\(text)")
        #expect(
            try section("Types")
                == #"[{"source_name":{"scope":[],"source_name":"JobTimer"},"ty":0,"custom_ordering":true},{"source_name":{"scope":["Inner"],"source_name":"JobKind"},"ty":1,"custom_ordering":true}]"#
        )
    }

    @Test func tablesKeepTheNamesOfTheirSource() throws {
        #expect(
            try section("Tables")
                == #"[{"source_name":"jobTimer","product_type_ref":0,"primary_key":[0],"indexes":[{"source_name":{"some":"jobTimerIndex"},"accessor_name":{"some":"jobId"},"algorithm":{"BTree":[0]}}],"constraints":[{"source_name":{"some":"job_timer_job_id_key"},"data":{"Unique":{"columns":[0]}}}],"sequences":[{"source_name":{"some":"job_timer_job_id_seq"},"column":0,"start":{"some":5},"min_value":{"none":[]},"max_value":{"some":1000},"increment":1}],"table_type":{"User":[]},"table_access":{"Private":[]},"default_values":[{"col_id":2,"value":"0100000078"}],"is_event":false}]"#
        )
    }

    @Test func functionsKeepTheNamesOfTheirSource() throws {
        #expect(
            try section("Reducers")
                == #"[{"source_name":"runJob","params":{"elements":[{"name":{"some":"the_row"},"algebraic_type":{"Ref":0}}]},"visibility":{"Private":[]},"ok_return_type":{"Product":{"elements":[]}},"err_return_type":{"String":[]}},{"source_name":"setUp","params":{"elements":[]},"visibility":{"Private":[]},"ok_return_type":{"Product":{"elements":[]}},"err_return_type":{"String":[]}}]"#
        )
        #expect(
            try section("Procedures")
                == #"[{"source_name":"countJobs","params":{"elements":[]},"return_type":{"Ref":1},"visibility":{"ClientCallable":[]}}]"#
        )
        #expect(
            try section("Views")
                == #"[{"source_name":"myJobs","index":0,"is_public":true,"is_anonymous":false,"params":{"elements":[]},"return_type":{"Array":{"Ref":0}}}]"#
        )
        #expect(try section("ViewPrimaryKeys") == #"[{"view_source_name":"myJobs","columns":["job_id"]}]"#)
        #expect(try section("HttpHandlers") == #"[{"source_name":"sayHi"}]"#)
        #expect(
            try section("HttpRoutes")
                == #"[{"handler_function":"sayHi","method":{"Method":{"Extension":"QUERY"}},"path":"/hi"},{"handler_function":"sayHi","method":{"Any":[]},"path":"/"}]"#
        )
    }

    @Test func whatPointsToOthersUsesCanonicalNames() throws {
        #expect(
            try section("Schedules")
                == #"[{"source_name":{"some":"job_timer_sched"},"table_name":"job_timer","schedule_at_col":1,"function_name":"run_job"}]"#
        )
        #expect(
            try section("LifeCycleReducers") == #"[{"lifecycle_spec":{"Init":[]},"function_name":"set_up"}]"#)
        #expect(try section("RowLevelSecurity") == #"[{"sql":"SELECT * FROM job_timer"}]"#)
        let names = try #require(try section("ExplicitNames"))
        for (kind, source, canonical) in [
            ("Table", "jobTimer", "job_timer"), ("Function", "runJob", "run_job"), ("Function", "setUp", "set_up"),
            ("Function", "countJobs", "count_jobs"), ("Function", "myJobs", "my_jobs"),
            ("Function", "sayHi", "say_hi"), ("Index", "jobTimerIndex", "job_timer_job_id_idx_btree"),
        ] {
            let entry = #"{"\#(kind)":{"source_name":"\#(source)","canonical_name":"\#(canonical)"}}"#
            #expect(names.contains(entry), "\(entry) is not in \(names)")
        }
    }

    @Test func submodulesAreDefinitionsThemselves() throws {
        let text = try #require(try section("Submodules"))
        #expect(text.hasPrefix(#"[{"namespace":"lib","module":{"sections":[{"Typespace":{"types":[]}},{"Reducers":[{"#))
    }

    @Test func versionNineSaysWhatItCan() throws {
        let json = try Self.publishedV9()
        #expect(
            json["tables"]?.arrayValue?.first?.description
                == #"{"name":"job_timer","product_type_ref":0,"primary_key":[0],"indexes":[{"name":{"some":"job_timer_job_id_idx_btree"},"accessor_name":{"some":"jobId"},"algorithm":{"BTree":[0]}}],"constraints":[{"name":{"some":"job_timer_job_id_key"},"data":{"Unique":{"columns":[0]}}}],"sequences":[{"name":{"some":"job_timer_job_id_seq"},"column":0,"start":{"some":5},"min_value":{"none":[]},"max_value":{"some":1000},"increment":1}],"schedule":{"some":{"name":{"some":"job_timer_sched"},"reducer_name":"run_job","scheduled_at_column":1}},"table_type":{"User":[]},"table_access":{"Private":[]}}"#
        )
        #expect(
            json["misc_exports"]?.description
                == #"[{"ColumnDefaultValue":{"table":"job_timer","col_id":2,"value":"0100000078"}},{"Procedure":{"name":"count_jobs","params":{"elements":[]},"return_type":{"Ref":1}}},{"View":{"name":"my_jobs","index":0,"is_public":true,"is_anonymous":false,"params":{"elements":[]},"return_type":{"Array":{"Ref":0}}}}]"#
        )
        #expect(
            json["types"]?.arrayValue?.last?.description
                == #"{"name":{"scope":["Inner"],"name":"JobKind"},"ty":1,"custom_ordering":true}"#)
        #expect(json["row_level_security"]?.description == #"[{"sql":"SELECT * FROM job_timer"}]"#)
    }

    /// What is published is a definition again: a reader that checks it finds the same tables and functions. (Where a part
    /// points to another one, the published form has its canonical name, and a module's own the name of the source.)
    @Test func whatIsPublishedIsValidAgain() throws {
        let raw = RawModuleDefV10(
            sections: Self.raw.sections.filter { section in
                switch section {
                case .schedules, .lifecycleReducers, .viewPrimaryKeys: false
                default: true
                }
            })
        let schema = try ModuleSchema(validating: raw)
        let again = try ModuleSchema(validating: schema.published(raw))
        #expect(again.tables.map(\.name) == schema.tables.map(\.name))
        #expect(again.tables.map(\.rowType) == schema.tables.map(\.rowType))
        #expect(again.reducers.map(\.name) == schema.reducers.map(\.name))
        #expect(again.types.map(\.name) == schema.types.map(\.name))
    }
}
