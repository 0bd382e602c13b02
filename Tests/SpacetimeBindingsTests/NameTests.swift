import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeBindings

/// Names in code: what they are made of, and what happens where two become one.
@Suite struct NameTests {
    private func module(
        _ columns: [(String, AlgebraicType)], policy: CaseConversionPolicy = .none, key: [ColumnID] = [],
        indexes: [(String, RawIndexAlgorithm)] = [], reducers: [RawReducerDefV10] = [],
        others: [(String, AlgebraicType)] = []
    ) -> RawModuleDefV10 {
        RawModuleDefV10(
            sections: ExampleModules.sections([("Row", .product(columns))] + others) + [
                .tables([ExampleModules.table("rows", 0, key: key, indexes: indexes)]), .reducers(reducers),
                .caseConversionPolicy(policy),
            ])
    }

    private func problems(_ definition: RawModuleDefV10, _ target: BindingTarget) -> [String] {
        do throws(BindingFailure) {
            _ = try BindingModel(definition).bindings(for: target)
            return []
        } catch { return error.problems }
    }

    private static let all: [BindingTarget] = [.swift, .typeScript, .stockTypeScript, .csharp, .rust]

    @Test(arguments: all) func twoColumnsThatBecomeOneAreNamedBoth(_ target: BindingTarget) {
        let problems = problems(module([("player_id", .u32), ("playerId", .u32)]), target)
        #expect(
            problems.contains { $0.contains("'player_id'") && $0.contains("'playerId'") && $0.contains("type 'Row'") },
            "\(problems)")
    }

    @Test(arguments: all) func twoTypesThatBecomeOneAreNamedBoth(_ target: BindingTarget) {
        let definition = module([("id", .u32)], others: [("big_thing", .product([])), ("bigThing", .product([]))])
        let problems = problems(definition, target)
        #expect(problems.contains { $0.contains("'big_thing'") && $0.contains("'bigThing'") }, "\(problems)")
    }

    @Test(arguments: all) func twoReducersThatBecomeOneAreNamedBoth(_ target: BindingTarget) {
        let definition = module(
            [("id", .u32)],
            reducers: [RawReducerDefV10(sourceName: "do_it"), RawReducerDefV10(sourceName: "doIt")])
        let problems = problems(definition, target)
        #expect(problems.contains { $0.contains("do_it") && $0.contains("doIt") }, "\(problems)")
    }

    @Test(arguments: all) func aNameNeverBeginsWithADigit(_ target: BindingTarget) throws {
        let definition = module([("_1", .u32), ("_2nd", .string)])
        let files = try BindingModel(definition).bindings(for: target).files
        let text = files.map(\.text).joined()
        #expect(text.contains(target == .rust ? "_2_nd" : target == .csharp ? "_2Nd" : "_2Nd"))
        #expect(!text.contains(" 1:"))
    }

    @Test func wireNamesAreCanonicalEverywhere() throws {
        var definition = module(
            [("someColumn", .u32)], policy: .snakeCase, reducers: [RawReducerDefV10(sourceName: "doIt")])
        definition.sections.append(
            .explicitNames([
                RawExplicitName(.table, sourceName: "rows", canonicalName: "THE_ROWS"),
                RawExplicitName(.function, sourceName: "doIt", canonicalName: "perform"),
            ]))
        for target in Self.all {
            let text = try BindingModel(definition).bindings(for: target).files.map(\.text).joined()
            let quote = target == .typeScript || target == .stockTypeScript ? "'" : "\""
            for name in ["THE_ROWS", "perform", "some_column"] {
                #expect(text.contains(quote + name + quote), "\(target): \(name)")
            }
            #expect(!text.contains(quote + "doIt" + quote), "\(target)")
        }
    }

    @Test func columnsKeepTheirNamesWhereNothingIsConverted() throws {
        let definition = module([("someColumn", .u32)])
        let text = try BindingModel(definition).bindings(for: .swift).files[0].text
        #expect(text.contains(#"("someColumn", Swift.UInt32.algebraicType(in: &types))"#))
        // A server that tells it does not say that nothing was converted.
        let published = try ModuleSchema(validating: definition).published(definition)
        #expect(try BindingModel(published).bindings(for: .swift).files[0].text == text)
    }

    // MARK: What is taken

    @Test func whatCannotBeANameOfATypeOrNamespaceIsRefused() throws {
        let model = try BindingModel(module([("id", .u32)]))
        func problems(_ namespace: String, _ target: BindingTarget) -> [String] {
            do throws(BindingFailure) {
                _ = try model.bindings(for: target, BindingOptions(namespace: namespace))
                return []
            } catch { return error.problems }
        }
        // The first two would hide what the code is written with.
        for name in ["swift", "spacetime-client", "a;b", "😀", "a\u{22}b"] {
            #expect(problems(name, .swift).contains { $0.contains("--namespace") }, "\(name)")
        }
        for name in ["", "1st", "a b", "My..Game", "My.Game.", "x;y"] {
            #expect(problems(name, .csharp).contains { $0.contains("namespace") }, "\(name)")
        }
        #expect(problems("my-game", .swift).isEmpty && problems("größe", .swift).isEmpty)
        #expect(problems("My.Game_2", .csharp).isEmpty)
    }

    @Test func typesThatWouldHideTheLibrariesAreRefusedInSwift() {
        let definition = module(
            [("id", .u32)],
            others: [
                ("Swift", .product([])), ("SpacetimeClient", .product([])),
                ("Letter", .sum([("allCases", .unit), ("b", .unit)])),
            ])
        let problems = problems(definition, .swift)
        for name in ["type 'Swift'", "type 'SpacetimeClient'", "'allCases'"] {
            #expect(problems.contains { $0.contains(name) }, "\(problems)")
        }
    }

    @Test func casesAreCalledInSQLAsTheDatabaseCallsThem() throws {
        let text = try BindingModel(ExampleModules.nested).bindings(for: .typeScript).files[0].text
        #expect(text.contains("}, { RedOne: 'RED_ONE', HttpError: 'HTTPError' });"))
        #expect(try !BindingModel(ExampleModules.game).bindings(for: .typeScript).files[0].text.contains("}, {"))
    }

    @Test func typesOfTheSDKAreRefusedWhereTheyWouldHideIt() {
        let definition = module([("id", .u32)], others: [("DbConnection", .product([])), ("Reducer", .product([]))])
        for target in [BindingTarget.csharp, .rust] {
            let problems = problems(definition, target)
            #expect(problems.contains { $0.contains("type 'DbConnection'") }, "\(target): \(problems)")
            #expect(problems.contains { $0.contains("type 'Reducer'") }, "\(target): \(problems)")
        }
        // What is reached by another name can have any.
        #expect(problems(definition, .stockTypeScript).isEmpty)
        #expect(problems(definition, .swift).isEmpty)
    }

    @Test func everydayNamesOfTypesDoNoHarm() {
        let names = [
            "String", "Option", "Result", "Vec", "Timestamp", "Identity", "Status", "Event", "Action", "Infer", "List",
        ]
        let definition = module([("id", .u32)], others: names.map { ($0, .product([("text", .string)])) })
        for target in Self.all { #expect(problems(definition, target).isEmpty, "\(target)") }
    }

    @Test func keysThatWouldHideAMemberAreLeftOutOrRefused() throws {
        let index = module([("id", .u32), ("value", .u32)], indexes: [("count", .btree([1]))])
        for target in [BindingTarget.typeScript, .stockTypeScript, .csharp, .swift] {
            let bindings = try BindingModel(index).bindings(for: target)
            #expect(bindings.warnings.contains { $0.contains("'count'") && $0.contains("table 'rows'") }, "\(target)")
        }
        let key = module([("insert", .u32)], key: [0])
        #expect(problems(key, .stockTypeScript).contains { $0.contains("'insert'") && $0.contains("table 'rows'") })
        #expect(problems(key, .typeScript).isEmpty)
    }

    @Test func membersOfAClassAreNotCalledAsIt() throws {
        let definition = RawModuleDefV10(
            sections: ExampleModules.sections([
                ("Motto", .product([("motto", .string), ("equals", .bool)])),
                ("Move", .sum([("move", .u32), ("clone", .unit)])),
            ]) + [
                .reducers([
                    RawReducerDefV10(sourceName: "say", parameters: ProductType([("say", .string), ("lock", .u8)]))
                ])
            ])
        let text = try BindingModel(definition).bindings(for: .csharp).files.map(\.text).joined()
        #expect(text.contains("public string Motto_;"))
        #expect(text.contains("public bool Equals_;"))
        #expect(text.contains("uint Move_"))
        #expect(text.contains("Unit Clone_"))
        #expect(text.contains("public string Say_;"))
        #expect(text.contains("byte @lock"))
    }

    @Test func aReducerAndItsFormWithACallbackAreToldApart() {
        let definition = RawModuleDefV10(sections: [
            .reducers([RawReducerDefV10(sourceName: "go"), RawReducerDefV10(sourceName: "go_then")])
        ])
        #expect(problems(definition, .rust).contains { $0.contains("'go'") && $0.contains("'go_then'") })
        #expect(problems(definition, .swift).isEmpty)
    }
}
