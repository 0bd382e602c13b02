/// A WebSocket connection that was opened and greeted.
enum GreetedClient {
    /// Opens a connection and reads up to the end of the first message, which is the only one that comes unasked.
    static func open(
        port: Int, database: String = "bench", subprotocol: String = "v3.bsatn.spacetimedb",
        query: String = "compression=None", source: UInt8? = nil, receiveBuffer: Int32? = nil
    ) throws -> Socket {
        let socket = try Socket(port: port, source: source)
        if let receiveBuffer { socket.setReceiveBuffer(receiveBuffer) }
        do {
            try socket.send(Array(request("/v1/database/\(database)/subscribe?\(query)", port, subprotocol).utf8))
            try readHead(socket)
            var counter = MessageCounter()
            var byte: UInt8 = 0
            while counter.messages == 0 {
                let count = try withUnsafeMutableBytes(of: &byte) { try socket.read(into: $0) }
                guard count == 1 else { throw BenchFailure("the server ended a connection before its first message") }
                withUnsafeBytes(of: &byte) { counter.take($0) }
            }
            for _ in 0..<counter.pings { try socket.send(pong) }
        } catch {
            socket.end()
            throw error
        }
        socket.makeNonBlocking()
        return socket
    }

    /// The answer to a ping without payload, masked by nothing.
    static let pong: [UInt8] = [0x8A, 0x80, 0, 0, 0, 0]

    static func request(_ path: String, _ port: Int, _ subprotocol: String) -> String {
        """
        GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: \(subprotocol)\r\n\r\n
        """
    }

    /// Reads byte by byte, so that nothing behind the head is lost.
    static func readHead(_ socket: Socket) throws {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let count = try withUnsafeMutableBytes(of: &byte) { try socket.read(into: $0) }
            guard count == 1, head.count < 65_536 else {
                throw BenchFailure("no answer to an upgrade: '\(String(decoding: head, as: UTF8.self))'")
            }
            head.append(byte)
        }
        guard head.starts(with: "HTTP/1.1 101".utf8) else {
            throw BenchFailure("an upgrade was refused: \(String(decoding: head, as: UTF8.self))")
        }
    }
}
