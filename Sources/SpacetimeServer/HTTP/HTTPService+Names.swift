import Hummingbird
import SpacetimeHost
import SpacetimeSATS

/// The names of databases.
extension HTTPService {
    func names(of segment: String) throws(Refusal) -> Response {
        do throws(DatabaseRegistry.Missing) {
            let names = registry.names(of: try registry.identity(of: segment))
            return .json(.object([.init("names", .array(names.map { .string($0) }))]))
        } catch { throw Refusal(error) }
    }

    func addName(
        to segment: String, _ exchange: Exchange, _ principal: Principal
    ) async throws(Refusal) -> Response {
        let name = try await exchange.text(limit: options.bodyByteLimit)
        guard DatabaseName.isValid(name) else { throw Refusal(400, DatabaseName.problem(name)) }
        let database = try database(segment)
        let denied = JSON.variant("PermissionDenied", .object([.init("domain", .string(name))]))
        guard principal.identity == database.owner else { return .json(401, denied) }
        let added = try await changed { [registry] () throws(DatabaseError) in
            try registry.add(name, to: database.identity, by: principal.identity)
        }
        switch added {
        case .added:
            return .json(
                .variant(
                    "Success",
                    .object([
                        .init("domain", .string(name)), .init("database_identity", .string(database.identity.hex)),
                    ])))
        case .ofOther: return .json(401, denied)
        case .inUse:
            return .json(500, .variant("OtherError", .string("the name `\(name)` is in use; choose another one")))
        }
    }

    func replaceNames(
        of segment: String, _ exchange: Exchange, _ principal: Principal
    ) async throws(Refusal) -> Response {
        let names = try names(in: try await exchange.jsonBytes(limit: options.bodyByteLimit))
        let database: HostedDatabase
        do throws(DatabaseRegistry.Missing) { database = try registry.database(segment) } catch {
            if case .database = error { return .json(404, .string("DatabaseNotFound")) }
            throw Refusal(error)
        }
        guard principal.identity == database.owner else {
            return .json(
                401,
                .variant("NotYourDatabase", .object([.init("database", .string(database.identity.hex))])))
        }
        let replaced = try await changed { [registry] () throws(DatabaseError) in
            try registry.replaceNames(of: database.identity, by: names, principal.identity)
        }
        switch replaced {
        case .replaced: return .json(.string("Success"))
        case .inUse(let name):
            return .json(400, .variant("OtherError", .string("the name `\(name)` is in use; choose another one")))
        case .ofOthers(let denied) where denied.count == 1:
            return .json(401, .variant("PermissionDenied", .object([.init("domain", .string(denied[0]))])))
        case .ofOthers(let denied):
            return .json(
                401,
                .variant("PermissionDeniedOnAny", .object([.init("domains", .array(denied.map { .string($0) }))])))
        }
    }

    private func names(in body: [UInt8]) throws(Refusal) -> [String] {
        guard let elements = (try? JSON(parsing: body))?.arrayValue else {
            throw Refusal(400, "the body has to be a JSON array of names")
        }
        var names: [String] = []
        for element in elements {
            guard let name = element.stringValue else { throw Refusal(400, "the body has to be a JSON array of names") }
            guard DatabaseName.isValid(name) else { throw Refusal(400, DatabaseName.problem(name)) }
            guard !names.contains(name) else { throw Refusal(400, "the name `\(name)` is given twice") }
            names.append(name)
        }
        return names
    }
}
