import HTTPTypes
import Hummingbird
import SpacetimeHost
import SpacetimeSATS

/// What can be asked of a database.
extension HTTPService {
    func info(_ database: HostedDatabase) -> Response {
        .json(
            .object([
                .init("database_identity", .identity(database.identity)),
                .init("owner_identity", .identity(database.owner)), .init("host_type", .variant("Wasm")),
                .init("initial_program", .string(HashText.text(database.initialModuleHash))),
            ]))
    }

    func identity(of segment: String) throws(Refusal) -> Response {
        do throws(DatabaseRegistry.Missing) {
            return .text(200, try registry.identity(of: segment).hex)
        } catch { throw Refusal(error) }
    }

    func schema(_ segment: String, _ exchange: Exchange) throws(Refusal) -> Response {
        guard let version = exchange.parameter("version") else {
            throw Refusal(400, "the parameter 'version' is missing; 9 and 10 are known")
        }
        guard let number = ["9": 9, "10": 10][version] else {
            throw Refusal(400, "there is no version '\(version)' of schemas; 9 and 10 are known")
        }
        let database = try database(segment)
        do throws(DatabaseError) {
            return .bytes(200, try database.schemaText(version: number), type: "application/json")
        } catch { throw Refusal(500, error.message) }
    }

    func timestamp(_ database: HostedDatabase) -> Response {
        let time = database.core.runner.clock.now().microsecondsSinceUnixEpoch
        return .json(.object([.init("__timestamp_micros_since_unix_epoch__", .integer(time))]))
    }

    /// Answers a request for a WebSocket that did not become one.
    func subscribe(_ segment: String, _ exchange: Exchange) throws(Refusal) -> Response {
        _ = try UpgradeRequest.evaluate(
            segment, method: exchange.head.method.rawValue, query: exchange.query,
            header: { name in HTTPField.Name(name).map { exchange.head.headerFields[values: $0] } ?? [] },
            in: registry)
        throw Refusal(
            426,
            "the connection did not become a WebSocket; send Connection: Upgrade and Upgrade: websocket, with HTTP/1.1",
            headers: ["connection": "Upgrade", "upgrade": "websocket"])
    }
}

/// The text of a hash in JSON and in addresses.
enum HashText {
    /// The bytes read as a number, least significant first, in hexadecimal digits without leading zeros.
    static func text(_ hash: [UInt8]) -> String {
        "0x" + (UInt256(littleEndianBytes: hash)?.hex ?? "0")
    }
}

extension JSON {
    /// An identity as a value of the database.
    static func identity(_ identity: Identity) -> JSON {
        .object([.init("__identity__", .string("0x\(identity.number.hex)"))])
    }
}
