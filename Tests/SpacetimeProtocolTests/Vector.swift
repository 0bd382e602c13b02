import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// A message of `Vectors/messages.json`: the worked examples of the protocol's description and many more, which were put
/// through the codecs of SpacetimeDB's own libraries.
struct Vector: Sendable, CustomTestStringConvertible {
    enum Source: String { case client = "client-to-server", server = "server-to-client", module = "module-to-host" }

    let name: String
    let source: Source
    let protocolName: String
    /// The whole payload of a binary message.
    let bytes: [UInt8]
    /// The whole payload of a text message.
    let text: String
    let compression: Compression
    /// What the messages mean, in the words of the file.
    let messages: [JSON]
    /// Of a compressed payload, what it stands for.
    let plainBody: [UInt8]?
    /// Of the part of a message that is compressed by itself, what it stands for.
    let nested: (plain: [UInt8], meaning: Meaning)?

    var testDescription: String { "\(protocolName) \(name)" }

    init(_ json: JSON) throws {
        func text(_ key: String) throws -> String { try #require(json[key]?.stringValue) }
        name = try text("name")
        source = try #require(Source(rawValue: try text("direction")))
        protocolName = try text("protocol")
        bytes = hex(json["hex"]?.stringValue ?? "")
        self.text = json["json"]?.stringValue ?? ""
        let meaning = json["meaning"]
        let names: [String: Compression] = ["none": .none, "gzip": .gzip, "brotli": .brotli]
        compression = try #require(names[meaning?["compression"]?.stringValue ?? "none"])
        messages = meaning?["messages"]?.arrayValue ?? []
        plainBody = meaning?["body"]?.stringValue.map { hex($0) }
        if case .object(let members)? = meaning?["nested"] {
            let part = Meaning(members[0].value)
            nested = (try part["bsatn"].bytes, try part["value"])
        } else {
            nested = nil
        }
    }

    /// The messages without the compression: of a client all bytes, of a server those behind the tag.
    var body: [UInt8] { plainBody ?? (source == .client ? bytes : [UInt8](bytes.dropFirst())) }

    static let all: [Vector] = {
        do {
            let path = String(decoding: #filePath.utf8.dropLast("Vector.swift".utf8.count), as: UTF8.self)
            let list = try JSON(parsing: try contents(path + "Vectors/messages.json"))
            return try #require(list.arrayValue).map { try Vector($0) }
        } catch {
            Issue.record("the vectors cannot be read: \(error)")
            return []
        }
    }()

    static func all(_ protocolName: String, _ source: Source) -> [Vector] {
        all.filter { $0.protocolName == protocolName && $0.source == source }
    }

    /// Those of the second protocol, one message each.
    static let v2Client = all("v2", .client)
    static let v2Server = all("v2", .server)
    /// Those of the third, any number of messages each.
    static let v3Client = all("v3", .client)
    static let v3Server = all("v3", .server)
    static let v1BinaryClient = all("v1-bsatn", .client)
    static let v1BinaryServer = all("v1-bsatn", .server)
    static let v1TextClient = all("v1-json", .client)
    static let v1TextServer = all("v1-json", .server)
}

/// Stands for a decompressor that is right: what it is given becomes the body that the vectors say.
struct KnownBodies: PayloadDecompressor {
    let bodies: [[UInt8]: [UInt8]]

    init(_ bodies: [[UInt8]: [UInt8]]) { self.bodies = bodies }

    init(_ vector: Vector) { self.init([[UInt8](vector.bytes.dropFirst()): vector.plainBody ?? []]) }

    func decompress(
        _ bytes: RawSpan, with compression: Compression, limit: Int, into writer: inout BSATNWriter
    ) -> Bool {
        guard let body = bodies[bytes.withUnsafeBytes { [UInt8]($0) }], body.count <= limit else { return false }
        writer.append(body)
        return true
    }
}

@Suite struct VectorFileTests {
    @Test func allOfThemAreThere() {
        #expect(Vector.all.count == 160)
        let counts = [
            Vector.v2Client, Vector.v2Server, Vector.v3Client, Vector.v3Server, Vector.v1BinaryClient,
            Vector.v1BinaryServer, Vector.v1TextClient, Vector.v1TextServer,
        ].map(\.count)
        #expect(counts == [27, 68, 6, 5, 12, 26, 6, 9])
        // One is a module definition, which is no message.
        #expect(counts.reduce(0, +) == 159)
    }
}
