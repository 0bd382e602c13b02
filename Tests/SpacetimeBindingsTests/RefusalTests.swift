import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeBindings

/// What is left out of code, and what code is refused for.
@Suite struct RefusalTests {
    private static let all: [BindingTarget] = [.swift, .typeScript, .stockTypeScript, .csharp, .rust]

    private func problems(_ types: [(String, AlgebraicType)], _ target: BindingTarget) -> [String] {
        do throws(BindingFailure) {
            _ = try BindingModel(RawModuleDefV10(sections: ExampleModules.sections(types))).bindings(for: target)
            return []
        } catch { return error.problems }
    }

    @Test func whatALanguageHasNoTypeForIsRefusedWithItsPlace() {
        let double = [("Row", AlgebraicType.product([("a", .option(.option(.u32)))]))]
        #expect(problems(double, .csharp).contains { $0.contains("'a' of type 'Row'") })
        for target in Self.all where target != .csharp { #expect(problems(double, target).isEmpty, "\(target)") }

        let never = [("Row", AlgebraicType.product([("a", .option(.never))]))]
        for target in [BindingTarget.swift, .csharp] {
            #expect(problems(never, target).contains { $0.contains("'a' of type 'Row'") }, "\(target)")
        }
        for target in [BindingTarget.typeScript, .stockTypeScript, .rust] { #expect(problems(never, target).isEmpty) }
    }

    @Test func typesThatHoldThemselvesInPlaceNeedAWayAround() {
        let product = [("Node", AlgebraicType.product([("next", .option(.ref(0)))]))]
        for target in [BindingTarget.swift, .rust] {
            #expect(problems(product, target).contains { $0.contains("type 'Node'") }, "\(target)")
        }
        for target in [BindingTarget.typeScript, .stockTypeScript, .csharp] {
            #expect(problems(product, target).isEmpty)
        }
        // Enums in Swift hold themselves by reference.
        let sum = [("Expr", AlgebraicType.sum([("leaf", .i32), ("not", .ref(0))]))]
        #expect(problems(sum, .swift).isEmpty)
        #expect(problems(sum, .rust).contains { $0.contains("type 'Expr'") })
        let mutual = [
            ("A", AlgebraicType.product([("b", .ref(1))])), ("B", AlgebraicType.product([("a", .option(.ref(0)))])),
        ]
        #expect(problems(mutual, .swift).count == 2)
        let array = [("Tree", AlgebraicType.product([("children", .array(.ref(0)))]))]
        for target in Self.all { #expect(problems(array, target).isEmpty, "\(target)") }
    }

    @Test func submodulesAreReachedWhereTheSDKCan() throws {
        let inner = RawModuleDefV10(
            sections: ExampleModules.sections([("User", .product([("id", .u64)]))]) + [
                .tables([ExampleModules.table("users", 0, key: [0])]),
                .reducers([RawReducerDefV10(sourceName: "doIt")]),
            ])
        let definition = RawModuleDefV10(
            sections: ExampleModules.game.sections + [.submodules([RawSubmodule(namespace: "lib", module: inner)])])
        let model = try BindingModel(definition)
        let stock = try model.bindings(for: .stockTypeScript)
        let index = try #require(stock.files.first { $0.path == "index.ts" }).text
        #expect(index.contains("'lib.users': sdk.table({"))
        #expect(index.contains("name: 'lib.users',"))
        #expect(index.contains("sdk.reducerSchema('lib.do_it', lib_doItParams),"))
        #expect(index.contains("users: allTables['lib.users'],"))
        #expect(index.contains("doIt: allReducers['lib.doIt'],"))
        #expect(stock.files.contains { $0.path == "lib/users_table.ts" })
        let own = try model.bindings(for: .typeScript).files[0].text
        #expect(own.contains("'lib.users': table('lib.users', LibUser, {"))
        let swift = try model.bindings(for: .swift).files[0].text
        #expect(swift.contains("public var lib: Lib { Lib(client) }"))
        #expect(swift.contains(#"name: "lib.users""#))
        // These SDKs know no submodules: there is one list of names.
        for target in [BindingTarget.csharp, .rust] {
            let bindings = try model.bindings(for: target)
            #expect(bindings.warnings.contains { $0.contains("'lib'") }, "\(target)")
            let text = bindings.files.map(\.text).joined()
            #expect(text.contains(#""lib.users""#) && text.contains(#""lib.do_it""#), "\(target)")
            #expect(text.contains(target == .rust ? "lib_users" : "LibUsersHandle"), "\(target)")
            #expect(text.contains("LibUser"), "\(target)")
        }
    }

    @Test func privatePartsAreThereIfTheyAreWanted() throws {
        let model = try BindingModel(ExampleModules.everything)
        #expect(model.skippedTables == ["secret"])
        #expect(!model.reducers.contains { $0.sourceName == "runJob" || $0.sourceName == "come" })
        let whole = try BindingModel(ExampleModules.everything, includesPrivate: true)
        #expect(whole.skippedTables.isEmpty)
        #expect(whole.tables.contains { $0.sourceName == "secret" })
        #expect(whole.reducers.contains { $0.sourceName == "runJob" })
        #expect(whole.reducers.contains { $0.sourceName == "come" && $0.isLifecycle })
        #expect(!whole.reducers.contains { $0.sourceName == "begin" }, "nobody calls it")
        for target in Self.all {
            let text = try whole.bindings(for: target).files.map(\.text).joined()
            #expect(text.contains("run_job"), "\(target)")
        }
    }

    @Test func keysThatTheOriginalsDoNotKnowAreLeftOutWithAWord() throws {
        let definition = RawModuleDefV10(
            sections: ExampleModules.sections([("Cell", .product([("x", .i32), ("y", .i32)]))]) + [
                .tables([ExampleModules.table("cell", 0, key: [0, 1], indexes: [("place", .btree([0, 1]))])])
            ])
        let model = try BindingModel(definition)
        for target in [BindingTarget.stockTypeScript, .csharp, .rust] {
            #expect(
                try model.bindings(for: target).warnings.contains { $0.contains("primary key of table 'cell'") },
                "\(target)")
        }
        let swift = try model.bindings(for: .swift)
        #expect(swift.warnings.isEmpty)
        #expect(swift.files[0].text.contains("primaryKey: [0, 1]"))
        #expect(swift.files[0].text.contains("UniqueKey<Cell, Swift.Int32, Swift.Int32> { _unique(0, 1) }"))
    }

    @Test func viewsWithParametersAreCalledWhereTheSDKCan() throws {
        let model = try BindingModel(ExampleModules.game)
        let swift = try model.bindings(for: .swift)
        #expect(swift.warnings.isEmpty)
        #expect(swift.files[0].text.contains("callAsFunction(points: Swift.Int32, playerId: Swift.UInt64?)"))
        let own = try model.bindings(for: .typeScript)
        #expect(own.warnings.isEmpty)
        #expect(own.files[0].text.contains("parameters: { points: t.i32(), playerId: t.option(t.u64()) },"))
        let stock = try model.bindings(for: .stockTypeScript)
        #expect(stock.warnings.contains { $0.contains("view 'scoresAbove' is left out") })
        #expect(!stock.files.contains { $0.path.contains("scores_above") })
        // There are rows, and no query: whoever watches all tables must not ask for them without arguments.
        let csharp = try model.bindings(for: .csharp)
        let client = try #require(csharp.files.first { $0.path == "SpacetimeDBClient.g.cs" }).text
        #expect(client.contains("AddTable(ScoresAbove = new ScoresAboveHandle(conn));"))
        #expect(!client.contains("from.ScoresAbove()"))
        let rust = try model.bindings(for: .rust).files[0].text
        #expect(rust.contains(#"table!(ScoreEntry, "scores_above", scores_above,"#))
        #expect(!rust.contains(#"queried!(ScoreEntry, "scores_above""#))
        let names = try #require(rust.split(separator: "\n").first { $0.contains("ALL_TABLE_NAMES") })
        #expect(names.contains(#""my_player""#) && !names.contains("scores_above"))
    }

    /// Whoever misses something looks into the code first.
    @Test(arguments: [BindingTarget.stockTypeScript, .csharp, .rust]) func theCodeSaysWhatIsNotInIt(
        _ target: BindingTarget
    ) throws {
        let bindings = try BindingModel(ExampleModules.game).bindings(for: target)
        let warning = try #require(bindings.warnings.first { $0.contains("'scoresAbove'") })
        let files = bindings.files.filter { $0.text.contains("// - \(warning)\n") }
        #expect(files.count == 1)
        #expect(files.allSatisfy { Bindings.isGenerated($0.text) })
    }

    @Test func parametersThatHaveNoLiteralAreSaid() throws {
        let bindings = try BindingModel(ExampleModules.nested).bindings(for: .swift)
        #expect(bindings.warnings.contains { $0.contains("view 'ofKind'") && $0.contains("SELECT * FROM ofKind(…)") })
    }

    @Test func aBrokenDefinitionIsRefusedBeforeAnythingIsWritten() {
        let definition = RawModuleDefV10(sections: [.types([RawTypeDef(sourceName: "A", ref: 7)])])
        #expect(throws: BindingFailure.self) { try BindingModel(definition) }
    }

    @Test func ourFilesAndTheOriginalsAreKnown() {
        #expect(Bindings.isGenerated(Bindings.marker + "\nimport x"))
        #expect(Bindings.isGenerated("// THIS FILE IS AUTOMATICALLY GENERATED BY SPACETIMEDB. EDITS TO THIS FILE\n"))
        #expect(!Bindings.isGenerated("// A file of mine"))
    }
}
