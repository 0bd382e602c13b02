/// Requests and responses, as procedures send them and handlers answer them.
///
/// Whole messages: a body is read before it is handed over, and made before it is sent.
public enum HTTP {
    /// What a request wants done, as it stands in a request line: `GET`.
    public struct Method: Hashable, Sendable, CustomStringConvertible {
        /// Methods are compared as they are written.
        public let name: String

        /// A method by its name, for those that have no constant here.
        public init(_ name: String) { self.name = name }

        public var description: String { name }

        public static let get = Method("GET")
        public static let head = Method("HEAD")
        public static let post = Method("POST")
        public static let put = Method("PUT")
        public static let patch = Method("PATCH")
        public static let delete = Method("DELETE")
        public static let options = Method("OPTIONS")
        public static let trace = Method("TRACE")
        public static let connect = Method("CONNECT")
    }

    /// Names and values, in order. Names are compared without regard to case, and may occur more than once.
    public struct Headers: Hashable, Sendable, ExpressibleByDictionaryLiteral {
        /// One line.
        public struct Field: Hashable, Sendable {
            public var name: String
            public var value: String

            public init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        /// All lines, in order.
        public var fields: [Field]

        public init(_ fields: [Field] = []) { self.fields = fields }

        public init(dictionaryLiteral elements: (String, String)...) {
            fields = elements.map { Field(name: $0, value: $1) }
        }

        /// The first value under a name. Setting replaces all of them by one, or by none.
        public subscript(name: String) -> String? {
            get { fields.first { Self.isSame($0.name, name) }?.value }
            set {
                fields.removeAll { Self.isSame($0.name, name) }
                if let newValue { fields.append(Field(name: name, value: newValue)) }
            }
        }

        /// All values under a name.
        public func values(_ name: String) -> [String] {
            fields.filter { Self.isSame($0.name, name) }.map(\.value)
        }

        private static func isSame(_ left: String, _ right: String) -> Bool { left.lowercased() == right.lowercased() }
    }

    /// A request, to another server or from a client of this one.
    public struct Request: Hashable, Sendable {
        public var method: Method
        /// The whole URL. One that came in is as the client wrote it, so far as the server knows.
        public var url: String
        public var headers: Headers
        public var body: [UInt8]
        /// The version of the protocol, as `1.1`, `2` or `3`.
        public var version: String

        public init(
            _ method: Method, _ url: String, headers: Headers = [:], body: [UInt8] = [], version: String = "1.1"
        ) {
            self.method = method
            self.url = url
            self.headers = headers
            self.body = body
            self.version = version
        }

        /// A request whose body is text.
        public init(_ method: Method, _ url: String, headers: Headers = [:], text: String) {
            self.init(method, url, headers: headers, body: Array(text.utf8))
        }

        /// The body as text; bytes that are no UTF-8 are replaced.
        public var text: String { String(decoding: body, as: UTF8.self) }

        /// The part of the URL between the host and the query, as it is written. Empty if there is none.
        public var path: String { String(HTTP.target(of: url).prefix { $0 != "?" && $0 != "#" }) }

        /// What follows the first `?` of the URL; nil if there is none.
        public var query: String? {
            let target = HTTP.target(of: url).prefix { $0 != "#" }
            guard let mark = target.firstIndex(of: "?") else { return nil }
            return String(target[target.index(after: mark)...])
        }

        /// The URL for messages and logs: without the query, in which secrets stand at times.
        public var urlWithoutQuery: String { String(url.unicodeScalars.prefix { $0 != "?" && $0 != "#" }) }
    }

    /// An answer.
    public struct Response: Hashable, Sendable {
        /// 200, 404 and so on.
        public var status: UInt16
        public var headers: Headers
        public var body: [UInt8]

        public init(status: UInt16 = 200, headers: Headers = [:], body: [UInt8] = []) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        /// An answer in plain text.
        public init(status: UInt16 = 200, text: String) {
            self.init(
                status: status, headers: ["content-type": "text/plain; charset=utf-8"], body: Array(text.utf8))
        }

        /// The body as text; bytes that are no UTF-8 are replaced.
        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// What follows scheme and host. Addresses are taken apart by scalars: a `Character` takes a sign and the accent behind it for one,
    /// so that a query would not be seen as one, and be written to a log.
    private static func target(of url: String) -> Substring.UnicodeScalarView {
        let scalars = url.unicodeScalars
        guard let colon = scalars.firstIndex(of: ":"), scalars[colon...].starts(with: "://".unicodeScalars),
            scalars[..<colon].allSatisfy({ scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "+", "-", ".": true
                default: false
                }
            })
        else { return scalars[...] }
        let authority = scalars[scalars.index(colon, offsetBy: 3)...]
        return authority[(authority.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? authority.endIndex)...]
    }
}
