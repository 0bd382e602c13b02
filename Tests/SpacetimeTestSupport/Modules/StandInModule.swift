import SpacetimeEngine
package import SpacetimeHost
import SpacetimeSATS
package import SpacetimeSchema

/// Stands in for a module that runs in a machine of its own: made of the bytes of a program, and with access to the database
/// through `GuestTransaction` alone.
///
/// A program is lines of text. The first one is `stand-in`; the others say in what it differs from a module with one public table
/// `item(id: u64, name: string)`, whose ids are numbered, and with a reducer `add(name)`:
///
/// ```
/// prefix TEXT      put before the name of whatever is added
/// private          the table is
/// column           the table has another column, level: u32, of which 7 is the default
/// table NAME       there is another table
/// view TEXT        there is a view `names` of all names, each with the text behind it
/// failing-view     it fails
/// init NAME        adds an item when the database is created
/// failing-init     fails then
/// clients          adds an item for each client that comes, and that goes
/// clock            there is a table of schedules, a reducer `arm(at)` that fills it, and each call adds an item `tick`
/// procedure        there is a procedure `echo(text)`, which adds an item and returns its name
/// ```
package final class StandInModule: ModuleHost {
    private enum Role { case add, fail, initialize, come, go, arm, tick }

    private let definition: RawModuleDefV10
    private let reducers: [Role]
    private let facts: Facts

    private struct Facts {
        var prefix = ""
        var isPrivate = false
        var hasColumn = false
        var tables: [String] = []
        var view: String?
        var viewFails = false
        var initialItem: String?
        var initFails = false
        var notesClients = false
        var hasProcedure = false
        var hasClock = false
    }

    package init(_ program: ModuleProgram) throws(DatabaseError) {
        var lines = String(decoding: program.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        guard !lines.isEmpty, lines.removeFirst() == "stand-in" else {
            throw DatabaseError(
                .invalidModule, "the program is none that can be run: it does not begin with 'stand-in'")
        }
        var facts = Facts()
        for line in lines {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            let rest = parts.count > 1 ? parts[1] : ""
            switch parts.first {
            case "prefix": facts.prefix = rest
            case "private": facts.isPrivate = true
            case "column": facts.hasColumn = true
            case "table": facts.tables.append(rest)
            case "view": facts.view = rest
            case "failing-view": facts.viewFails = true
            case "init": facts.initialItem = rest
            case "failing-init": facts.initFails = true
            case "clients": facts.notesClients = true
            case "procedure": facts.hasProcedure = true
            case "clock": facts.hasClock = true
            default: throw DatabaseError(.invalidModule, "the program has a line that means nothing: '\(line)'")
            }
        }
        var reducers: [(String, Role, Lifecycle?)] = [("add", .add, nil), ("fail", .fail, nil)]
        if facts.initialItem != nil || facts.initFails { reducers.append(("start", .initialize, .onInit)) }
        if facts.notesClients {
            reducers.append(("came", .come, .onConnect))
            reducers.append(("left", .go, .onDisconnect))
        }
        if facts.hasClock { reducers += [("arm", .arm, nil), ("tick", .tick, nil)] }
        self.facts = facts
        self.reducers = reducers.map(\.1)
        definition = Self.definition(facts, reducers)
    }

    private static func definition(
        _ facts: Facts, _ reducers: [(String, Role, Lifecycle?)]
    ) -> RawModuleDefV10 {
        var types: [AlgebraicType] = [
            .product([("id", .u64), ("name", .string)] + (facts.hasColumn ? [("level", .u32)] : [])),
            .product([("number", .u32)]), .product([("text", .string)]),
        ]
        var item = RawTableDefV10(
            sourceName: "item", productTypeRef: 0, primaryKey: [0],
            indexes: [RawIndexDef(sourceName: "item_id_idx_btree", accessorName: "id", algorithm: .btree([0]))],
            constraints: [RawConstraintDef(data: .unique([0]))], sequences: [RawSequenceDef(column: 0)])
        item.tableAccess = facts.isPrivate ? .private : .public
        if facts.hasColumn { item.defaultValues = [RawColumnDefaultValue(column: 2, value: UInt32(7).bsatn())] }
        var timers: [RawTableDefV10] = []
        if facts.hasClock {
            types.append(.product([("id", .u64), ("at", .scheduleAt)]))
            timers.append(
                RawTableDefV10(
                    sourceName: "timer", productTypeRef: 3, primaryKey: [0],
                    indexes: [
                        RawIndexDef(sourceName: "timer_id_idx_btree", accessorName: "id", algorithm: .btree([0]))
                    ],
                    constraints: [RawConstraintDef(data: .unique([0]))], sequences: [RawSequenceDef(column: 0)]))
        }
        var sections: [RawModuleDefV10.Section] = [
            .typespace(Typespace(types)),
            .types(
                ["Item", "Other", "Text", "Timer"].prefix(types.count).enumerated().map {
                    RawTypeDef(scope: [], sourceName: $1, ref: UInt32($0), customOrdering: true)
                }),
            .tables([item] + facts.tables.map { RawTableDefV10(sourceName: $0, productTypeRef: 1) } + timers),
            .reducers(
                reducers.map { name, role, lifecycle in
                    RawReducerDefV10(
                        sourceName: name, parameters: parameters(of: role),
                        visibility: lifecycle == nil && role != .tick ? .clientCallable : .private)
                }),
            .lifecycleReducers(
                reducers.compactMap { name, _, lifecycle in
                    lifecycle.map { RawLifecycleReducerDef(lifecycle: $0, functionName: name) }
                }),
        ]
        if facts.hasClock {
            sections.append(
                .schedules([RawScheduleDefV10(tableName: "timer", scheduleAtColumn: 1, functionName: "tick")]))
        }
        if facts.view != nil {
            sections.append(
                .views([
                    RawViewDef(
                        sourceName: "names", index: 0, isAnonymous: true,
                        parameters: ProductType([(String, AlgebraicType)]()),
                        returnType: .array(.ref(2)))
                ]))
        }
        if facts.hasProcedure {
            sections.append(
                .procedures([
                    RawProcedureDefV10(
                        sourceName: "echo", parameters: ProductType([("text", .string)]), returnType: .string)
                ]))
        }
        return RawModuleDefV10(sections: sections)
    }

    private static func parameters(of role: Role) -> ProductType {
        switch role {
        case .add: ProductType([("name", .string)])
        case .arm: ProductType([("at", .scheduleAt)])
        case .tick: ProductType([("timer", .ref(3))])
        default: ProductType([(String, AlgebraicType)]())
        }
    }

    package func describe() throws(DatabaseError) -> RawModuleDefV10 { definition }

    package func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> Outcome {
        let guest = GuestTransaction(transaction)
        if function.kind == .view { return try names(in: guest) }
        switch reducers[function.position] {
        case .add:
            var reader = BSATNReader(RawSpan(_unsafeBytes: arguments))
            let name: String
            do throws(BSATNError) {
                name = try reader.readString()
                try reader.finish()
            } catch { throw DatabaseError(.badArguments, "\(error)") }
            try add(facts.prefix + name, in: guest)
        case .fail: throw SenderError("it fails")
        case .initialize:
            if let name = facts.initialItem { try add(name, in: guest) }
            if facts.initFails { throw SenderError("init fails") }
        case .come: try add(facts.prefix + "came", in: guest)
        case .go: try add(facts.prefix + "left", in: guest)
        case .tick: try add(facts.prefix + "tick", in: guest)
        case .arm:
            let row = UInt64(0).bsatn() + Array(arguments)
            let table = try guest.table(named: "timer")
            try row.withUnsafeBytes { _ = try guest.insert($0, into: table) }
        }
        return .done
    }

    package func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome {
        guard case .arguments(let arguments) = input else {
            throw DatabaseError(.moduleFailure, "there are no handlers")
        }
        var reader = BSATNReader(arguments.span.bytes)
        let name = facts.prefix + (try reader.readString())
        try await call.withTransaction { try self.add(name, in: GuestTransaction($0)) }
        return .value(name.bsatn())
    }

    private func add(_ name: String, in transaction: GuestTransaction) throws {
        let row = UInt64(0).bsatn() + name.bsatn() + (facts.hasColumn ? UInt32(1).bsatn() : [])
        let table = try transaction.table(named: "item")
        try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
    }

    private func names(in transaction: GuestTransaction) throws -> Outcome {
        if facts.viewFails { throw SenderError("the view fails") }
        let bytes = try transaction.scan(transaction.table(named: "item")).readAll()
        var reader = BSATNReader(bytes.span.bytes)
        var rows: [[UInt8]] = []
        while reader.remaining > 0 {
            _ = try reader.readU64()
            rows.append((try reader.readString() + (facts.view ?? "")).bsatn())
            if facts.hasColumn { _ = try reader.readU32() }
        }
        return .rows(UInt32(rows.count).bsatn() + rows.flatMap(\.self))
    }
}

/// Makes modules of such programs.
package struct StandInLoader: ModuleLoader {
    package init() {}

    package func load(_ program: ModuleProgram) throws(DatabaseError) -> any ModuleHost { try StandInModule(program) }

    /// The text of a program.
    package static func program(_ lines: String...) -> String { (["stand-in"] + lines).joined(separator: "\n") }
}
