import SpacetimeSATS
import Testing

@testable import SpacetimeSchema

/// Modules inside a module, as a database runs them.
@Suite struct SubmoduleTests {
    /// A table, a schedule, functions of every kind, and a type that contains itself.
    private static var part: ModuleBuilder {
        var module = ModuleBuilder()
        let tree = module.declare("tree", .product([("children", .array(.ref(0)))]))
        let table = module.table("jobTimer", [("id", .u64), ("at", .scheduleAt)])
        module.key(table, [0])
        module.tables[table].sequences = [RawSequenceDef(column: 0)]
        module.reducer("run", [("job", .ref(module.tables[table].productTypeRef))])
        module.schedules = [RawScheduleDefV10(tableName: "jobTimer", scheduleAtColumn: 1, functionName: "run")]
        module.reducer("plant", [("tree", .ref(tree))])
        module.procedures = [RawProcedureDefV10(sourceName: "grow", returnType: .ref(tree))]
        module.views = [
            RawViewDef(sourceName: "mine", index: 0, returnType: .array(.ref(1))),
            RawViewDef(sourceName: "all", index: 0, isAnonymous: true, returnType: .array(.ref(1))),
        ]
        module.rowLevelSecurity = ["SELECT * FROM job_timer"]
        module.handlers = ["hook"]
        return module
    }

    /// `a` with `inner` inside, then `b`.
    private static func flat() throws -> ModuleSchema {
        var (root, a) = (part, part)
        a.submodules = [RawSubmodule(namespace: "inner", module: part.raw)]
        root.submodules = [
            RawSubmodule(namespace: "a", module: a.raw), RawSubmodule(namespace: "b", module: part.raw),
        ]
        return try root.validated().flattened()
    }

    private static let prefixes = ["", "a.", "a.inner.", "b."]

    @Test func partsComeDepthFirstUnderFullNames() throws {
        let flat = try Self.flat()
        #expect(flat.submodules.isEmpty)
        #expect(flat.tables.map(\.name) == Self.prefixes.map { $0 + "job_timer" })
        #expect(flat.tables.map(\.sourceName) == Self.prefixes.map { $0 + "jobTimer" })
        #expect(flat.reducers.map(\.name) == Self.prefixes.flatMap { [$0 + "run", $0 + "plant"] })
        #expect(flat.procedures.map(\.name) == Self.prefixes.map { $0 + "grow" })
        #expect(flat.httpHandlers.map(\.name) == Self.prefixes.map { $0 + "hook" })
        #expect(flat.rowLevelSecurity.map(\.namespace) == ["", "a", "a.inner", "b"])
        for (table, prefix) in zip(flat.tables, Self.prefixes) {
            #expect(table.indexes.map(\.name) == [prefix + "job_timer_id_idx_btree"])
            #expect(table.indexes.map(\.sourceName) == [prefix + "jobTimer_source_0"])
            #expect(table.uniqueConstraints.map(\.name) == [prefix + "job_timer_id_key"])
            #expect(table.sequences.map(\.name) == [prefix + "job_timer_id_seq"])
            #expect(table.schedule?.name == prefix + "job_timer_sched")
            #expect(table.schedule?.functionName == prefix + "run")
        }
    }

    @Test func viewsOfEachKindAreCountedOn() throws {
        let views = try Self.flat().views
        #expect(views.filter(\.isAnonymous).map(\.index) == [0, 1, 2, 3])
        #expect(views.filter { !$0.isAnonymous }.map(\.index) == [0, 1, 2, 3])
    }

    /// A type that contains itself keeps its reference, which leads into the common typespace.
    @Test func referencesLeadToTypesOfTheirModule() throws {
        let flat = try Self.flat()
        #expect(flat.typespace.types.count == 8)
        for (position, procedure) in flat.procedures.enumerated() {
            #expect(procedure.returnType == .ref(UInt32(position * 2)))
            #expect(
                flat.typespace[UInt32(position * 2)] == .product([("children", .array(.ref(UInt32(position * 2))))]))
            #expect(flat.reducers[position * 2 + 1].parameters[0].type == procedure.returnType)
        }
        #expect(flat.types.map(\.ref) == Array(0..<8))
        #expect(flat.types.map { $0.scope.joined(separator: ".") }.suffix(4) == ["a.inner", "a.inner", "b", "b"])
    }

    @Test func aModuleWithoutSubmodulesIsAsItIs() throws {
        let module = try Self.part.validated()
        #expect(module.flattened() == module)
    }

    /// Identifiers have no dots, but the names that are given to sequences are any texts.
    @Test func aGivenNameThatASubmoduleHasIsTaken() {
        var root = ModuleBuilder()
        let table = root.table("t", [("id", .u64)])
        root.tables[table].sequences = [RawSequenceDef(sourceName: "lib.job_timer_id_seq", column: 0)]
        root.submodules = [RawSubmodule(namespace: "lib", module: Self.part.raw)]
        #expect(root.codes() == [.duplicateName])
    }

    @Test func submodulesShareTheAllowanceForTypes() {
        var options = ValidationOptions()
        options.totalTypeSizeLimit = 60
        var root = Self.part
        #expect(root.codes(options) == [])
        root.submodules = (0..<20).map { RawSubmodule(namespace: "m\($0)", module: Self.part.raw) }
        #expect(Set(root.codes(options)) == [.typeTooLarge])
    }

    @Test func namespacesAreWhatIsBeforeTheLastDot() {
        #expect("users".namespace == "")
        #expect("lib.users".namespace == "lib")
        #expect("a.b.users".namespace == "a.b")
    }
}
