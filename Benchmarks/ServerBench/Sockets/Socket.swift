#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What the system says about a call that failed.
struct SystemError: Error, CustomStringConvertible {
    let what: String
    let code: Int32

    init(_ what: String, code: Int32 = errno) {
        self.what = what
        self.code = code
    }

    var description: String { "\(what): \(String(cString: strerror(code)))" }
}

/// A benchmark could not be measured, and why.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A TCP connection, by the calls of the system: what measures must cost less than what is measured.
struct Socket {
    let descriptor: Int32

    #if os(Linux)
    private static let stream = Int32(SOCK_STREAM.rawValue)
    private static let tcp = Int32(IPPROTO_TCP)
    private static let sendFlags = Int32(MSG_NOSIGNAL)
    #else
    private static let stream = SOCK_STREAM
    private static let tcp = IPPROTO_TCP
    private static let sendFlags: Int32 = 0
    #endif

    /// Connects to this machine.
    ///
    /// - Parameter source: the last byte of the loopback address that it comes from: one address has some 28,000 ports.
    init(port: Int, source: UInt8? = nil) throws {
        descriptor = socket(AF_INET, Self.stream, 0)
        guard descriptor >= 0 else { throw SystemError("no socket") }
        do {
            if let source {
                var own = Self.address(last: source, port: 0)
                try Self.check("bind", withAddress(&own) { bind(descriptor, $0, $1) })
            }
            var address = Self.address(last: 1, port: UInt16(port))
            try Self.check("connect", withAddress(&address) { connect(descriptor, $0, $1) })
        } catch {
            close(descriptor)
            throw error
        }
        var on: Int32 = 1
        setsockopt(descriptor, Self.tcp, TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// A socket that listens on a free port, and the port.
    static func listening() throws -> (socket: Socket, port: Int) {
        let descriptor = socket(AF_INET, stream, 0)
        guard descriptor >= 0 else { throw SystemError("no socket") }
        var address = address(last: 1, port: 0)
        try check("bind", withAddress(&address) { bind(descriptor, $0, $1) })
        try check("listen", listen(descriptor, 4_096))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        try check("getsockname", result)
        return (Socket(descriptor: descriptor), Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A port that nobody listens on at the moment.
    static func freePort() throws -> Int {
        let (socket, port) = try listening()
        socket.end()
        return port
    }

    func accepted() throws -> Socket {
        let other = accept(descriptor, nil, nil)
        guard other >= 0 else { throw SystemError("accept") }
        return Socket(descriptor: other)
    }

    private static func address(last: UInt8, port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = (0x7F00_0000 | UInt32(last)).bigEndian
        return address
    }

    private static func check(_ what: String, _ result: Int32) throws {
        if result != 0 { throw SystemError(what) }
    }

    // MARK: Bytes

    /// Sends everything, and waits for room where there is none.
    func send(_ bytes: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < bytes.count {
            let count = Self.sendBytes(descriptor, bytes.baseAddress! + sent, bytes.count - sent, Self.sendFlags)
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, 1_000)
            } else if errno != EINTR {
                throw SystemError("send")
            }
        }
    }

    func send(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try send($0) } }

    /// - Returns: the bytes read; 0 at the end of the connection, nil if there are none yet.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count >= 0 { return count }
            if errno == EAGAIN { return nil }
            if errno != EINTR { throw SystemError("recv") }
        }
    }

    /// From now on nothing waits for bytes.
    func makeNonBlocking() { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }

    /// Small, so that little piles up in the system before somebody notices that nobody reads.
    func setReceiveBuffer(_ byteCount: Int32) {
        var byteCount = byteCount
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &byteCount, socklen_t(MemoryLayout<Int32>.size))
    }

    func end() { close(descriptor) }

    /// Ends the connection as a machine does that has lost its memory of it.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
    }

    // The function of the system, whose name the methods of this type have.
    #if canImport(Glibc)
    private static let sendBytes = Glibc.send
    #elseif canImport(Musl)
    private static let sendBytes = Musl.send
    #elseif canImport(Darwin)
    private static let sendBytes = Darwin.send
    #endif
}

private func withAddress<Result>(
    _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
