import Hummingbird
import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS

/// Publishing modules and managing databases.
///
/// The databases of a program's own cannot be replaced from outside: their modules are a part of the program, and their files
/// are its own. What remains to be decided about them is decided as about all databases: who they belong to, their names,
/// whether they are locked.
extension HTTPService {
    // MARK: Publishing

    func publish(
        _ segment: String?, _ exchange: Exchange, _ principal: Principal
    ) async throws(Refusal) -> Response {
        let parameters = try PublishParameters(exchange)
        if parameters.clears, segment == nil {
            throw Refusal(400, "clear=true needs a database that exists; name it in the path")
        }
        try requireKnown(parameters)
        guard let segment else {
            try requireMayCreate(principal)
            try requireRuntime(parameters.hostType)
            let target = Publisher.Target(
                identity: server.authority.issue().identity, owner: principal.identity, label: nil, database: nil)
            return try await publish([target], nil, parameters, exchange)
        }
        if let denied = try await register(segment, principal) { return denied }
        if parameters.clears, parameters.parent != nil, existing(segment) != nil {
            throw Refusal(400, "the parameter 'parent' cannot be given with clear=true for a database that exists")
        }
        let target = try target(segment, principal, parameters, label: nil)
        try requireRuntime(parameters.hostType)
        return try await publish([target], segment, parameters, exchange)
    }

    /// - Parameter segment: what the path named; nil if nothing.
    private func publish(
        _ targets: [Publisher.Target], _ segment: String?, _ parameters: PublishParameters, _ exchange: Exchange
    ) async throws(Refusal) -> Response {
        let done = try await publish(targets, parameters.consent, exchange)
        try await settle(done, within: parameters.patience)
        return .json(.variant("Success", Self.success(segment, done[0])))
    }

    private func publish(
        _ targets: [Publisher.Target], _ consent: Publisher.Consent, _ exchange: Exchange
    ) async throws(Refusal) -> [Publisher.Published] {
        let bytes = try await exchange.body.collect(limit: server.options.publishing.programByteLimit)
        return try await aside { [publisher = server.publisher] () throws(Refusal) in
            try publisher.publish(ModuleProgram(.webAssembly, bytes), to: targets, consent)
        }
    }

    private static func success(_ segment: String?, _ done: Publisher.Published) -> JSON {
        let isName = segment.map { Identity(hex: $0) == nil } ?? false
        return .object([
            .init("domain", isName ? .string(segment ?? "") : .null),
            .init("database_identity", .string(done.identity.hex)),
            .init("op", .string(done.isNew ? "created" : "updated")),
        ])
    }

    /// Disconnects clients that what was done disconnects, and waits until it is on disk.
    ///
    /// - Throws: 504 if that takes too long, 503 if it cannot be any more. The updates stand.
    private func settle(_ done: [Publisher.Published], within seconds: Double) async throws(Refusal) {
        for database in done.compactMap(\.disconnects) { server.closeClients(of: database) }
        for published in done {
            guard let offset = published.offset else { continue }
            switch await published.database.core.durabilityWatch.wait(for: offset, seconds: seconds) {
            case .durable: server.publisher.tidy(published.database)
            case .late:
                throw Refusal(
                    504,
                    "the module was replaced, but that is not on disk after \(seconds) s; the disk is slow, or stuck")
            case .failed(let error): throw Refusal(503, error.message)
            }
        }
    }

    // MARK: Several at once

    /// Gives several databases one program, in one step: all of them, or none.
    func publishSet(_ exchange: Exchange, _ principal: Principal) async throws(Refusal) -> Response {
        let parameters = try PublishParameters(exchange)
        let names = try names(exchange)
        try requireRuntime(parameters.hostType)
        try requireKnown(parameters)
        for name in names { if let denied = try await register(name, principal) { return denied } }
        var targets: [Publisher.Target] = []
        for name in names { targets.append(try target(name, principal, parameters, label: name)) }
        guard Set(targets.map(\.identity)).count == targets.count else {
            throw Refusal(400, "two of the names are those of one database; name each database once")
        }
        let done = try await publish(targets, parameters.consent, exchange)
        try await settle(done, within: parameters.patience)
        let list = zip(names, done).map { Self.success($0, $1) }
        return .json(.variant("Success", .object([.init("databases", .array(list))])))
    }

    /// What publishing a program to several databases would do, and one token for all.
    func planSet(_ exchange: Exchange, _ principal: Principal) async throws(Refusal) -> Response {
        let parameters = try PublishParameters(exchange)
        let isColoured = try Self.isColoured(exchange)
        let names = try names(exchange)
        try requireRuntime(parameters.hostType)
        var databases: [HostedDatabase] = []
        var known: [HostedDatabase?] = []
        for name in names {
            let database = existing(name)
            if let database {
                try requireOwner(principal, of: database, "migration plan")
                if database.publication == nil { throw Refusal(400, Self.isNative(name)) }
                databases.append(database)
            }
            known.append(database)
        }
        let (program, plans) = try await plans(for: databases, exchange)
        var rest = plans[...]
        let list = zip(names, known).map { name, database in
            let plan =
                database == nil
                ? JSON.variant("Create") : Self.json(of: rest.removeFirst(), isColoured, token: nil)
            return JSON.object([.init("name", .string(name)), .init("plan", plan)])
        }
        let breaks = plans.contains { if case .success(let plan) = $0 { plan.breaksClients } else { false } }
        return .json(
            .object([
                .init("databases", .array(list)), .init("break_clients", .bool(breaks)),
                .init("token", .string(PlanToken.text(databases, program))),
            ]))
    }

    private func names(_ exchange: Exchange) throws(Refusal) -> [String] {
        let names = exchange.parameter("names")?.split(separator: ",").map(String.init) ?? []
        guard !names.isEmpty, Set(names).count == names.count else {
            throw Refusal(400, "the parameter 'names' is a list of different names of databases, joined by commas")
        }
        return names
    }

    // MARK: Looking first

    /// What publishing would do.
    func plan(_ segment: String, _ exchange: Exchange, _ principal: Principal) async throws(Refusal) -> Response {
        let parameters = try PublishParameters(exchange)
        let isColoured = try Self.isColoured(exchange)
        let database = try ownDatabase(segment, principal, "migration plan")
        if database.publication == nil {
            return .json(
                Self.json(of: .failure(DatabaseError(.notPossible, Self.isNative(segment))), false, token: nil))
        }
        try requireRuntime(parameters.hostType)
        let (program, plans) = try await plans(for: [database], exchange)
        return .json(Self.json(of: plans[0], isColoured, token: PlanToken.text([database], program)))
    }

    private func plans(
        for databases: [HostedDatabase], _ exchange: Exchange
    ) async throws(Refusal) -> (ModuleProgram, [Result<UpdatePlan, DatabaseError>]) {
        let bytes = try await exchange.body.collect(limit: server.options.publishing.programByteLimit)
        return try await aside { [publisher = server.publisher] () throws(Refusal) in
            let program = ModuleProgram(.webAssembly, bytes)
            return (program, try publisher.plan(program, for: databases))
        }
    }

    private static func json(
        of plan: Result<UpdatePlan, DatabaseError>, _ isColoured: Bool, token: String?
    ) -> JSON {
        let major = JSON.Member("major_version_upgrade", .bool(false))
        switch plan {
        case .failure(let error):
            return .variant("ManualMigrate", .object([.init("reason", .string(error.message)), major]))
        case .success(let plan):
            return .variant(
                "AutoMigrate",
                .object(
                    [
                        .init("migrate_plan", .string(plan.text(isColoured: isColoured))),
                        .init("break_clients", .bool(plan.breaksClients)),
                    ] + (token.map { [.init("token", .string($0))] } ?? []) + [major]))
        }
    }

    /// The command line client names the parameter as the original server does not.
    private static func isColoured(_ exchange: Exchange) throws(Refusal) -> Bool {
        switch exchange.parameter("style") ?? exchange.parameter("pretty_print_style") {
        case nil, "AnsiColor": return true
        case "NoColor": return false
        case let other?: throw Refusal(400, "the parameter 'style' is AnsiColor or NoColor, not '\(other)'")
        }
    }

    // MARK: Who and what

    /// Registers a name that nobody has, before anything else can fail, so that who tries again gets the same identity.
    ///
    /// - Returns: an answer if the name is reserved for somebody else.
    private func register(_ segment: String, _ principal: Principal) async throws(Refusal) -> Response? {
        if Identity(hex: segment) != nil { return nil }
        guard DatabaseName.isValid(segment) else { throw Refusal(.malformed(segment)) }
        if !registry.isRegistered(segment) { try requireMayCreate(principal) }
        let fresh = server.authority.issue().identity
        let isGranted = try await changed { [registry] () throws(DatabaseError) in
            try registry.register(segment, for: principal.identity, fresh)
        }
        if isGranted { return nil }
        return .json(401, .variant("PermissionDenied", .object([.init("name", .string(segment))])))
    }

    private func existing(_ segment: String) -> HostedDatabase? { try? registry.database(segment) }

    /// What is to be published to, if the client may.
    private func target(
        _ segment: String, _ principal: Principal, _ parameters: PublishParameters, label: String?
    ) throws(Refusal) -> Publisher.Target {
        let identity: Identity
        do throws(DatabaseRegistry.Missing) { identity = try registry.identity(of: segment) } catch {
            throw Refusal(error)
        }
        guard let database = existing(segment) else {
            if let problem = registry.problem(of: identity) {
                throw Refusal(
                    500,
                    "there is a database `\(segment)` that could not be opened, and is left as it is: \(problem.message)"
                )
            }
            try requireMayCreate(principal)
            return Publisher.Target(identity: identity, owner: principal.identity, label: label, database: nil)
        }
        try requireOwner(principal, of: database, parameters.clears ? "reset database" : "update database")
        if parameters.clears { try requireResettable(database, segment) }
        if database.publication == nil { throw Refusal(400, "Database update rejected: \(Self.isNative(segment))") }
        return Publisher.Target(
            identity: identity, owner: database.owner, label: label, database: database, clears: parameters.clears)
    }

    private func requireKnown(_ parameters: PublishParameters) throws(Refusal) {
        if let parent = parameters.parent { _ = try database(parent) }
        if let organization = parameters.organization, Identity(hex: organization) == nil {
            throw Refusal(404, "`\(organization)` not found")
        }
    }

    private func requireMayCreate(_ principal: Principal) throws(Refusal) {
        guard let wanted = server.options.tokens.publishingIssuer else { return }
        guard Self.withoutSlashes(principal.issuer) == Self.withoutSlashes(wanted) else {
            throw Refusal(401, "databases are created with tokens of the issuer '\(wanted)' only")
        }
    }

    private static func withoutSlashes(_ text: String) -> Substring {
        var text = text[...]
        while text.last == "/" { text.removeLast() }
        return text
    }

    /// - Throws: 400 or 501 if the server cannot run such programs.
    private func requireRuntime(_ hostType: PublishParameters.HostType) throws(Refusal) {
        if hostType == .js {
            throw Refusal(
                400,
                "this server cannot run JavaScript modules (host_type=Js); publish a WebAssembly module (host_type=Wasm)"
            )
        }
        if server.options.publishing.runtime == nil { throw Refusal(501, Publisher.noRuntime.message) }
    }

    private static func isNative(_ segment: String) -> String {
        "the module of `\(segment)` is a part of the server's program; change it there, and start it again"
    }

    // MARK: Resetting and deleting

    func reset(_ segment: String, _ exchange: Exchange, _ principal: Principal) async throws(Refusal) -> Response {
        let parameters = try PublishParameters(exchange)
        let database = try ownDatabase(segment, principal, "reset database")
        try requireResettable(database, segment)
        try requireRuntime(parameters.hostType)
        let bytes = try await exchange.body.collect(limit: server.options.publishing.programByteLimit)
        let target = Publisher.Target(
            identity: database.identity, owner: database.owner, label: nil, database: database, clears: true)
        let done = try await aside { [publisher = server.publisher] () throws(Refusal) in
            let program = bytes.isEmpty ? try publisher.program(of: database) : ModuleProgram(.webAssembly, bytes)
            return try publisher.publish(program, to: [target], .compatible)
        }
        try await settle(done, within: parameters.patience)
        return .json(.variant("Success", Self.success(segment, done[0])))
    }

    private func requireResettable(_ database: HostedDatabase, _ segment: String) throws(Refusal) {
        if registry.isLocked(database.identity) { throw Self.locked(database.identity) }
        guard database.publication == nil else { return }
        throw Refusal(
            400,
            "`\(segment)` cannot be reset from outside, since it belongs to the server's program; have the program delete its "
                + "rows, or remove its directory while it does not run")
    }

    /// Deletes a database that was published. One of the program's own is taken off the server: the program keeps it, and its
    /// files.
    func delete(_ segment: String, _ principal: Principal) async throws(Refusal) -> Response {
        let identity: Identity
        do throws(DatabaseRegistry.Missing) { identity = try registry.identity(of: segment) } catch {
            throw Refusal(error)
        }
        let database = existing(segment)
        // What cannot be opened can still be deleted.
        guard let owner = database?.owner ?? registry.records.published[identity]?.owner else { return .empty() }
        guard principal.identity == owner else { throw Self.notAuthorized(principal, identity, "delete database") }
        let isDeleted: Bool
        if let database, database.publication == nil {
            isDeleted = try await changed { [registry] () throws(DatabaseError) in try registry.remove(identity) }
        } else {
            isDeleted = try await aside { [publisher = server.publisher] () throws(Refusal) in
                try publisher.delete(identity, database)
            }
        }
        guard isDeleted else { throw Self.locked(identity) }
        if let database { server.closeClients(of: database) }
        return .empty()
    }

    func setLocked(
        _ isLocked: Bool, _ segment: String, _ principal: Principal
    ) async throws(Refusal) -> Response {
        let database = try ownDatabase(segment, principal, isLocked ? "lock database" : "unlock database")
        try await changed { [registry] () throws(DatabaseError) in
            try registry.setLocked(database.identity, isLocked)
        }
        return .empty()
    }

    private static func locked(_ identity: Identity) -> Refusal {
        Refusal(403, "the database \(identity) is locked; unlock it first")
    }

    // MARK: Elsewhere

    /// Does what blocks on a thread of its own.
    private func aside<Value: Sendable>(
        _ body: @escaping @Sendable () throws(Refusal) -> Value
    ) async throws(Refusal) -> Value {
        try await suspendingAside(body)
    }

    /// Changes the registry, which waits for the disk.
    @discardableResult
    func changed<Value: Sendable>(
        _ body: @escaping @Sendable () throws(DatabaseError) -> Value
    ) async throws(Refusal) -> Value {
        do throws(DatabaseError) { return try await suspendingAside(body) } catch { throw Refusal(500, error.message) }
    }
}
