import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// Reads what the file of vectors says that a message means, without the code under test.
struct Meaning {
    let json: JSON

    init(_ json: JSON) { self.json = json }

    subscript(key: String) -> Meaning {
        get throws { Meaning(try #require(json[key], "no \(key) in \(json)")) }
    }

    /// The name of the variant of a sum, and its payload.
    var tag: String { get throws { try self["tag"].text } }
    var value: Meaning { get throws { try self["value"] } }

    var text: String { get throws { try #require(json.stringValue) } }
    var bytes: [UInt8] { get throws { hex(try text) } }
    var isNull: Bool { json == .null }

    /// A number, or beyond 32 bits a text of digits.
    func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws -> Number {
        if let text = json.stringValue { return try #require(Number(text)) }
        return try #require(json.integerValue(as: Number.self))
    }

    func list<Element>(_ read: (Meaning) throws -> Element) throws -> [Element] {
        try #require(json.arrayValue).map { try read(Meaning($0)) }
    }

    func option<Value>(_ read: (Meaning) throws -> Value) throws -> Value? { isNull ? nil : try read(self) }

    var texts: [String] { get throws { try list { try $0.text } } }
    var identity: Identity { get throws { try #require(Identity(hex: try text)) } }
    var connectionID: ConnectionId { get throws { try #require(ConnectionId(hex: try text)) } }
    var timestamp: Timestamp { get throws { Timestamp(microsecondsSinceUnixEpoch: try number()) } }
    var duration: TimeDuration { get throws { TimeDuration(microseconds: try number()) } }
    var requestID: UInt32 { get throws { try self["request_id"].number() } }

    var rowList: RowList {
        get throws {
            let hint = try self["size_hint"]
            let sizeHint: RowList.SizeHint =
                try hint.tag == "FixedSize"
                ? .fixedSize(try hint.value.number()) : .rowOffsets(try hint.value.list { try $0.number() })
            let rows = try RowList(try self["rows_data"].bytes, sizeHint: sizeHint)
            #expect(rows.rows == (try self["rows"].list { try $0.bytes }))
            #expect(rows.count == rows.rows.count)
            return rows
        }
    }
}
