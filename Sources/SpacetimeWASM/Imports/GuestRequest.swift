import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// A request as guests write and read it.
struct GuestRequest {
    var request: HTTP.Request
    var timeout: Duration?

    init(_ request: HTTP.Request) { self.request = request }

    init(from reader: inout BSATNReader) throws(BSATNError) {
        let method = try RawHttpMethod(from: &reader)
        let headers = try HTTP.Headers(guest: &reader)
        let timeout: TimeDuration? = try reader.readTag(below: 2) == 0 ? TimeDuration(from: &reader) : nil
        let url = try reader.readString()
        let version = GuestHTTPVersion.texts[Int(try reader.readTag(below: GuestHTTPVersion.texts.count))]
        request = HTTP.Request(HTTP.Method(method.name), url, headers: headers, version: version)
        self.timeout = timeout?.duration
    }

    /// Whether it can be sent: the method is a token, and no header breaks out of its line.
    var isValid: Bool {
        let isText = request.headers.fields.allSatisfy { field in
            Self.isToken(field.name) && field.value.utf8.allSatisfy { $0 != 0 && $0 != 10 && $0 != 13 }
        }
        return isText && Self.isToken(request.method.name)
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    var bsatn: [UInt8] {
        var writer = BSATNWriter()
        RawHttpMethod(name: request.method.name).encode(to: &writer)
        request.headers.encode(toGuest: &writer)
        writer.writeTag(1)
        writer.write(request.url)
        writer.writeTag(GuestHTTPVersion.tag(request.version))
        return writer.toArray()
    }
}

enum GuestHTTPVersion {
    static let texts = ["0.9", "1.0", "1.1", "2", "3"]

    /// 1.1 for one that guests have no name for.
    static func tag(_ text: String) -> UInt8 { UInt8(texts.firstIndex(of: text) ?? 2) }
}

extension RawHttpMethod {
    init(name: String) {
        let known: [RawHttpMethod] = [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]
        self = known.first { $0.name == name } ?? .other(name)
    }
}

extension HTTP.Headers {
    fileprivate init(guest reader: inout BSATNReader) throws(BSATNError) {
        let count = try reader.readCount(minimumElementSize: 8)
        var fields: [Field] = []
        for _ in 0..<count {
            let name = try reader.readString()
            fields.append(Field(name: name, value: String(decoding: try reader.readBytes(), as: UTF8.self)))
        }
        self.init(fields)
    }

    fileprivate func encode(toGuest writer: inout BSATNWriter) {
        writer.writeCount(fields.count)
        for field in fields {
            writer.write(field.name)
            writer.write(Array(field.value.utf8))
        }
    }
}

extension HTTP.Response {
    /// The head of a response as guests read it; the body is apart.
    var guestBytes: [UInt8] {
        var writer = BSATNWriter()
        headers.encode(toGuest: &writer)
        writer.writeTag(GuestHTTPVersion.tag("1.1"))
        writer.write(status)
        return writer.toArray()
    }

    /// A response that a guest has written.
    init(guest bytes: [UInt8], body: [UInt8]) throws(BSATNError) {
        var reader = unsafe BSATNReader(bytes.span.bytes)
        let headers = try HTTP.Headers(guest: &reader)
        _ = try reader.readTag(below: GuestHTTPVersion.texts.count)
        let status = try reader.readU16()
        try reader.finish()
        self.init(status: status, headers: headers, body: body)
    }
}
