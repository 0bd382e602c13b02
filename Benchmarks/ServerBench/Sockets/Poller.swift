import CSocketPoller

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Tells which of many sockets have something to read.
struct Poller: ~Copyable {
    private static let batch = 512
    private let descriptor: Int32
    private let tags = UnsafeMutablePointer<Int64>.allocate(capacity: batch)

    init() throws {
        descriptor = socket_poller_make()
        guard descriptor >= 0 else { throw SystemError("no poller") }
    }

    deinit {
        close(descriptor)
        tags.deallocate()
    }

    /// Watches a socket until it is closed.
    ///
    /// - Parameter tag: what ``wait(milliseconds:_:)`` names it by.
    func add(_ socket: Socket, tag: Int) throws {
        guard socket_poller_add(descriptor, socket.descriptor, Int64(tag)) == 0 else { throw SystemError("poller") }
    }

    /// Calls `body` with the tag of each socket that has bytes or has ended.
    func wait(milliseconds: Int64, _ body: (Int) throws -> Void) throws {
        try wait(nanoseconds: milliseconds * 1_000_000, body)
    }

    /// The same; the thread sleeps meanwhile, since who measures needs the core less than who is measured.
    func wait(nanoseconds: Int64, _ body: (Int) throws -> Void) throws {
        let count = socket_poller_wait(descriptor, tags, Int32(Self.batch), nanoseconds)
        for position in 0..<Int(count) { try body(Int(tags[position])) }
    }
}
