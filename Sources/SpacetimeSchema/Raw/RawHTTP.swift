package import SpacetimeSATS

package enum RawHttpMethod: RawRecord {
    case get, head, post, put, delete, connect, options, trace, patch
    /// Any other method, by its name.
    case other(String)

    package static var minimumByteCount: Int { 1 }

    /// The methods that have a tag of their own, by tag.
    private static let known: [RawHttpMethod] = [
        .get, .head, .post, .put, .delete, .connect, .options, .trace, .patch,
    ]

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        let tag = Int(try reader.readTag(below: Self.known.count + 1))
        self = tag < Self.known.count ? Self.known[tag] : .other(try reader.readString())
    }

    package func encode(to writer: inout BSATNWriter) {
        if case .other(let name) = self {
            writer.writeTag(UInt8(Self.known.count))
            writer.write(name)
        } else {
            writer.writeTag(UInt8(Self.known.firstIndex(of: self) ?? 0))
        }
    }

    /// The method as it stands in a request line.
    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other(let name): name
        }
    }
}

package enum RawMethodOrAny: RawRecord {
    case any
    case method(RawHttpMethod)

    package static var minimumByteCount: Int { 1 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        self = try reader.readTag(below: 2) == 0 ? .any : .method(RawHttpMethod(from: &reader))
    }

    package func encode(to writer: inout BSATNWriter) {
        switch self {
        case .any:
            writer.writeTag(0)
        case .method(let method):
            writer.writeTag(1)
            method.encode(to: &writer)
        }
    }
}

package struct RawHttpHandlerDef: RawRecord {
    package var sourceName: String

    package init(sourceName: String) {
        self.sourceName = sourceName
    }

    package static var minimumByteCount: Int { 4 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readString()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(sourceName)
    }
}

package struct RawHttpRouteDef: RawRecord {
    /// The source name of the handler.
    package var handlerFunction: String
    package var method: RawMethodOrAny
    package var path: String

    package init(handlerFunction: String, method: RawMethodOrAny, path: String) {
        self.handlerFunction = handlerFunction
        self.method = method
        self.path = path
    }

    package static var minimumByteCount: Int { 9 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        handlerFunction = try reader.readString()
        method = try RawMethodOrAny(from: &reader)
        path = try reader.readString()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(handlerFunction)
        method.encode(to: &writer)
        writer.write(path)
    }
}
