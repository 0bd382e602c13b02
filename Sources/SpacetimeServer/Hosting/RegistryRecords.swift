import SpacetimeHost
import SpacetimeSATS

/// What a server remembers of its databases over a restart.
struct RegistryRecords: Equatable, Sendable {
    struct Name: Equatable, Sendable {
        let owner: Identity
        /// Nil if the name is kept for its owner, but stands for nothing.
        var database: Identity?
    }

    /// A database that was published.
    struct Published: Equatable, Sendable {
        let owner: Identity
        /// Where its files are, below the server's directory.
        let directory: String
        /// Hash of the program that it was created with.
        let initialProgram: [UInt8]
    }

    var names: [String: Name] = [:]
    var published: [Identity: Published] = [:]
    /// Databases that are neither deleted nor reset.
    var locked: Set<Identity> = []
    /// Databases whose modules are being replaced together, each with the hash of the new program: what a crash interrupts is
    /// finished at the next start.
    var updates: [Identity: [UInt8]] = [:]
}

/// Their form in a file: JSON, in a fixed order.
extension RegistryRecords {
    private static let version: Int64 = 1

    var json: JSON {
        let names = names.sorted { $0.key < $1.key }.map { name, record in
            JSON.object([
                .init("name", .string(name)), .init("owner", .string(record.owner.hex)),
                .init("database", record.database.map { .string($0.hex) } ?? .null),
            ])
        }
        let published = published.sorted { $0.key < $1.key }.map { identity, record in
            JSON.object([
                .init("identity", .string(identity.hex)), .init("owner", .string(record.owner.hex)),
                .init("directory", .string(record.directory)),
                .init("initial_program", .string(record.initialProgram.hexText)),
            ])
        }
        let updates = updates.sorted { $0.key < $1.key }.map { identity, program in
            JSON.object([.init("identity", .string(identity.hex)), .init("program", .string(program.hexText))])
        }
        return .object([
            .init("version", .integer(Self.version)), .init("names", .array(names)),
            .init("databases", .array(published)), .init("locked", .array(locked.sorted().map { .string($0.hex) })),
            .init("updates", .array(updates)),
        ])
    }

    /// Why a file cannot be read.
    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    init(_ json: JSON) throws(Unreadable) {
        guard json["version"] == .integer(Self.version) else {
            throw Unreadable(description: "its version is not \(Self.version)")
        }
        for entry in try Self.list("names", in: json) {
            let database: Identity? = entry["database"] == .null ? nil : try Self.identity("database", in: entry)
            names[try Self.text("name", in: entry)] = Name(
                owner: try Self.identity("owner", in: entry), database: database)
        }
        for entry in try Self.list("databases", in: json) {
            published[try Self.identity("identity", in: entry)] = Published(
                owner: try Self.identity("owner", in: entry), directory: try Self.text("directory", in: entry),
                initialProgram: try Self.hash("initial_program", in: entry))
        }
        for entry in try Self.list("locked", in: json) {
            guard let identity = entry.stringValue.flatMap({ Identity(hex: $0) }) else {
                throw Unreadable(description: "'locked' holds what is no identity")
            }
            locked.insert(identity)
        }
        for entry in try Self.list("updates", in: json) {
            updates[try Self.identity("identity", in: entry)] = try Self.hash("program", in: entry)
        }
    }

    private static func list(_ key: String, in json: JSON) throws(Unreadable) -> [JSON] {
        guard let list = json[key]?.arrayValue else { throw Unreadable(description: "it has no list '\(key)'") }
        return list
    }

    private static func text(_ key: String, in json: JSON) throws(Unreadable) -> String {
        guard let text = json[key]?.stringValue else { throw Unreadable(description: "an entry has no text '\(key)'") }
        return text
    }

    private static func identity(_ key: String, in json: JSON) throws(Unreadable) -> Identity {
        guard let identity = Identity(hex: try text(key, in: json)) else {
            throw Unreadable(description: "'\(key)' of an entry is no identity")
        }
        return identity
    }

    private static func hash(_ key: String, in json: JSON) throws(Unreadable) -> [UInt8] {
        guard let hash = [UInt8](hexText: try text(key, in: json)), hash.count == 32 else {
            throw Unreadable(description: "'\(key)' of an entry is no hash")
        }
        return hash
    }
}
