import NIOCore
import SpacetimeDurability
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization

/// First rows that many clients get alike, as compressed frames: each made once, by a thread that serves no connection, and kept
/// as long as its rows are those that clients get.
///
/// When many programs of one kind log in, all ask for the same tables under the same numbers, so not only the rows are the
/// same but the whole message is.
final class FirstRowsFrames: Sendable {
    struct Key: Hashable, Sendable {
        let isLeaving: Bool
        let request: UInt32
        let set: UInt32
        let compression: Compression
        /// The rows, which the entry keeps alive, so that no others get their identity.
        let rows: [ObjectIdentifier]
    }

    private struct Entry {
        let frame: Task<ByteBuffer, Never>
        let rows: [SharedDelta]
        let byteCount: Int
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// The oldest first.
        var order: [Key] = []
        var byteCount = 0
    }

    private let state = Mutex(State())
    /// The bytes of rows that frames are kept of.
    private let byteLimit: Int

    init(byteLimit: Int = 64 << 20) { self.byteLimit = byteLimit }

    /// The frame of a message, which is made if nobody has asked for it before. Who asks while it is being made waits for it.
    ///
    /// - Parameter body: makes the message. Called at most once, on a thread of its own.
    func frame(
        for key: Key, of rows: [SharedDelta], _ body: @escaping @Sendable (inout BSATNWriter) -> Void
    ) async -> ByteBuffer {
        let task = state.withLock { state -> Task<ByteBuffer, Never> in
            if let known = state.entries[key] { return known.frame }
            let task = Task { await suspendingAside { Self.make(key.compression, body) } }
            let byteCount = rows.reduce(0) { $0 + $1.byteCount }
            state.entries[key] = Entry(frame: task, rows: rows, byteCount: byteCount)
            state.order.append(key)
            state.byteCount += byteCount
            while state.byteCount > byteLimit, state.order.count > 1 {
                let oldest = state.order.removeFirst()
                state.byteCount -= state.entries.removeValue(forKey: oldest)?.byteCount ?? 0
            }
            return task
        }
        return await task.value
    }

    private static func make(_ compression: Compression, _ body: (inout BSATNWriter) -> Void) -> ByteBuffer {
        var plain = BSATNWriter()
        body(&plain)
        return plain.withUnsafeBytes { ClientConnection.frame(compressing: $0, compression) }
    }
}
