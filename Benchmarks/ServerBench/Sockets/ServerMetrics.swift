/// What a server counts, as it tells everybody.
enum ServerMetrics {
    /// The lines of one metric.
    static func lines(_ name: String, port: Int) throws -> [String] {
        let socket = try Socket(port: port)
        defer { socket.end() }
        try socket.send(
            Array("GET /v1/metrics HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n".utf8))
        var text: [UInt8] = []
        try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            while let count = try socket.read(into: buffer), count > 0 { text += buffer[..<count] }
        }
        return String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
            .filter { $0.hasPrefix(name) }
    }
}
