import SpacetimeSATS
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A value of `Vectors/sats.json`: 190 values with their types, JSON and bytes that were put through the codecs of
/// SpacetimeDB's own libraries.
struct SharedVector: Sendable, CustomTestStringConvertible {
    var name: String
    var typeName: String
    var typeJSON: JSON
    var typeHex: String?
    var hex: String
    var typed: String
    var row: String?
    var untyped: String?
    var display: String?

    var testDescription: String { "\(typeName) \(name)" }

    init(_ json: JSON) throws {
        func text(_ key: String) throws -> String { try #require(json[key]?.stringValue) }
        name = try text("name")
        typeName = try text("type_name")
        typeJSON = try #require(json["type"])
        typeHex = json["type_hex"]?.stringValue
        hex = try text("hex")
        typed = try text("json")
        row = json["json_c"]?.stringValue
        untyped = json["json_d"]?.stringValue
        display = json["text"]?.stringValue
    }

    /// Whether the value is itself a type.
    var isType: Bool { typeName == "AlgebraicType" }

    func type() throws -> AlgebraicType { try AlgebraicType(json: typeJSON) }

    static let all: [SharedVector] = {
        do {
            let path = String(decoding: #filePath.utf8.dropLast("SharedVectorTests.swift".utf8.count), as: UTF8.self)
            let list = try JSON(parsing: try contents(path + "Vectors/sats.json"))
            return try #require(list.arrayValue).map { try SharedVector($0) }
        } catch {
            Issue.record("the vectors cannot be read: \(error)")
            return []
        }
    }()

    private struct Unreadable: Error {}

    private static func contents(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Unreadable() }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}

@Suite struct SharedVectorTests {
    /// JSON has no not-a-number and no infinities: they become `null`, which no reader takes for a float (section 6.1 of
    /// the description of the format). The values that hold one do not come back from the wire's JSON.
    static let withoutNumber: Set<String> = [
        "F32 17: NaN (bits 7fc00000)", "F64 18: +∞", "F32 infinity", "F32 -infinity", "F64 NaN", "F64 -infinity",
    ]

    @Test func allOfThemAreThere() {
        #expect(SharedVector.all.count == 190)
        #expect(SharedVector.all.count { $0.isType } == 32)
        #expect(SharedVector.all.count { $0.display != nil } == 24)
        let found = SharedVector.all.filter { Self.withoutNumber.contains($0.testDescription) }
        #expect(found.count == Self.withoutNumber.count)
    }

    @Test(arguments: SharedVector.all) func typesRoundTrip(_ vector: SharedVector) throws {
        guard !vector.isType else { return }
        let type = try vector.type()
        #expect(try type.json(style: .host) == vector.typeJSON.description)
        if let bytes = vector.typeHex {
            #expect(type.bsatn() == hex(bytes))
            #expect(try AlgebraicType(bsatn: hex(bytes)) == type)
        }
    }

    @Test(arguments: SharedVector.all) func typesAsValuesRoundTrip(_ vector: SharedVector) throws {
        guard vector.isType else { return }
        let type = try AlgebraicType(bsatn: hex(vector.hex))
        #expect(type.bsatn() == hex(vector.hex))
        #expect(try type.json(style: .host) == vector.typed)
        #expect(try AlgebraicType(json: vector.typed) == type)
    }

    @Test(arguments: SharedVector.all) func valuesRoundTripThroughBytes(_ vector: SharedVector) throws {
        guard !vector.isType else { return }
        let value = try AlgebraicValue(bsatn: hex(vector.hex), type: try vector.type())
        #expect(value.bsatn() == hex(vector.hex))
        for length in 0..<(vector.hex.utf8.count / 2) {
            let prefix = Array(hex(vector.hex)[..<length])
            #expect(throws: BSATNError.self) { try AlgebraicValue(bsatn: prefix, type: try vector.type()) }
        }
    }

    @Test(arguments: SharedVector.all) func valuesRoundTripThroughJSON(_ vector: SharedVector) throws {
        guard !vector.isType else { return }
        let type = try vector.type()
        let value = try AlgebraicValue(bsatn: hex(vector.hex), type: type)
        #expect(try value.json(style: .typed, type: type) == vector.typed)
        #expect(try value.json(style: .row, type: type) == vector.row)
        #expect(try value.json(style: .untyped, type: type) == vector.untyped)
        for text in [vector.typed, vector.row, vector.untyped].compactMap({ $0 }) {
            if Self.withoutNumber.contains(vector.testDescription) {
                #expect(throws: JSONError.self) { try AlgebraicValue(json: text, type: type) }
            } else {
                #expect(try AlgebraicValue(json: text, type: type).bsatn() == hex(vector.hex))
            }
        }
        // The form of exports takes all of them, the numberless ones too.
        let lossless = try value.losslessJSON(type: type)
        #expect(try AlgebraicValue(losslessJSON: lossless, type: type).bsatn() == hex(vector.hex))
    }

    @Test(arguments: SharedVector.all) func displayedTextsAreReadBack(_ vector: SharedVector) throws {
        guard let display = vector.display else { return }
        var bytes = hex(vector.hex)
        var type = try vector.type()
        if let payload = type.optionPayload {
            bytes.removeFirst()
            type = payload
        }
        func check<Value: SpacetimeType & LosslessStringConvertible & Equatable>(_ value: Value) {
            #expect(value.description == display)
            #expect(Value(display) == value)
        }
        if type.isIdentity { return check(try Identity(bsatn: bytes)) }
        if type.isConnectionId { return check(try ConnectionId(bsatn: bytes)) }
        if type.isUuid { return check(try Uuid(bsatn: bytes)) }
        if type.isTimestamp { return check(try Timestamp(bsatn: bytes)) }
        if type.isTimeDuration { return check(try TimeDuration(bsatn: bytes)) }
        Issue.record("nothing displays a value of type \(vector.typeName)")
    }
}
