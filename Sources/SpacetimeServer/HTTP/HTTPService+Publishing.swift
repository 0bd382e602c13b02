import Hummingbird
import SpacetimeSATS

/// Publishing modules and managing databases.
///
/// The databases of a program's own cannot be replaced from outside: their modules are a part of the program, and their files
/// are its own. What remains to be decided about them is decided as about all databases: who they belong to, their names,
/// whether they are locked.
extension HTTPService {
    func publish(_ segment: String?, _ exchange: Exchange, _ principal: Principal) throws(Refusal) -> Response {
        let parameters = try PublishParameters(exchange)
        if parameters.clears, segment == nil {
            throw Refusal(400, "clear=true needs a database that exists; name it in the path")
        }
        try requireKnown(parameters)
        guard let segment else {
            try requireMayCreate(principal)
            throw Self.noUploads(parameters.hostType)
        }
        if let denied = try register(segment, principal) { return denied }
        guard let database = existing(segment) else {
            try requireMayCreate(principal)
            throw Self.noUploads(parameters.hostType)
        }
        if parameters.clears {
            if parameters.parent != nil {
                throw Refusal(400, "the parameter 'parent' cannot be given with clear=true for a database that exists")
            }
            return try reset(segment, principal)
        }
        try requireOwner(principal, of: database, "update database")
        throw Refusal(400, "Database update rejected: \(Self.isNative(segment))")
    }

    /// Registers a name that nobody has, before anything else can fail, so that who tries again gets the same identity.
    ///
    /// - Returns: an answer if the name is reserved for somebody else.
    private func register(_ segment: String, _ principal: Principal) throws(Refusal) -> Response? {
        if Identity(hex: segment) != nil { return nil }
        guard DatabaseName.isValid(segment) else { throw Refusal(.malformed(segment)) }
        if !registry.isRegistered(segment) { try requireMayCreate(principal) }
        let fresh = server.authority.issue().identity
        guard registry.register(segment, for: principal.identity, fresh) else {
            return .json(401, .variant("PermissionDenied", .object([.init("name", .string(segment))])))
        }
        return nil
    }

    private func existing(_ segment: String) -> HostedDatabase? { try? registry.database(segment) }

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

    private static func noUploads(_ hostType: PublishParameters.HostType) -> Refusal {
        switch hostType {
        case .js:
            Refusal(
                400,
                "this server cannot run JavaScript modules (host_type=Js); publish a WebAssembly module (host_type=Wasm)"
            )
        case .wasm:
            Refusal(
                501,
                "this server runs the modules of its own program only; host the database in that program, or have it start the "
                    + "server with a runtime for modules: ServerOptions.publishing.runtime")
        }
    }

    private static func isNative(_ segment: String) -> String {
        "the module of `\(segment)` is a part of the server's program; change it there, and start it again"
    }

    /// What publishing would do.
    func plan(_ segment: String, _ principal: Principal) throws(Refusal) -> Response {
        _ = try ownDatabase(segment, principal, "migration plan")
        return .json(
            .variant(
                "ManualMigrate",
                .object([
                    .init("reason", .string(Self.isNative(segment))), .init("major_version_upgrade", .bool(false)),
                ])))
    }

    func reset(_ segment: String, _ principal: Principal) throws(Refusal) -> Response {
        let database = try ownDatabase(segment, principal, "reset database")
        try requireUnlocked(database)
        throw Refusal(
            400,
            "`\(segment)` cannot be reset from outside, since it belongs to the server's program; have the program delete its "
                + "rows, or remove its directory while it does not run")
    }

    /// Takes a database off the server. The program that hosts it keeps it, and its files.
    func delete(_ segment: String, _ principal: Principal) throws(Refusal) -> Response {
        let database: HostedDatabase
        do throws(DatabaseRegistry.Missing) { database = try registry.database(segment) } catch {
            if case .database = error { return .empty() }
            throw Refusal(error)
        }
        try requireOwner(principal, of: database, "delete database")
        guard registry.remove(database.identity) else { throw Self.locked(database) }
        server.closeClients(of: database)
        return .empty()
    }

    func setLocked(_ isLocked: Bool, _ segment: String, _ principal: Principal) throws(Refusal) -> Response {
        let database = try ownDatabase(segment, principal, isLocked ? "lock database" : "unlock database")
        registry.setLocked(database.identity, isLocked)
        return .empty()
    }

    private func requireUnlocked(_ database: HostedDatabase) throws(Refusal) {
        if registry.isLocked(database.identity) { throw Self.locked(database) }
    }

    private static func locked(_ database: HostedDatabase) -> Refusal {
        Refusal(403, "the database \(database.identity) is locked; unlock it first")
    }
}
