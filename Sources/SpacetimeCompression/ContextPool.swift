import Synchronization

/// Contexts of a compression library that wait for their next use: setting one up costs more than compressing a small
/// message with it.
///
/// A context belongs to one thread from ``take()`` to ``give(_:)``.
final class ContextPool<Context: Sendable>: Sendable {
    private let idle = Mutex<[Context]>([])
    private let limit: Int
    private let make: @Sendable () throws(CompressionError) -> Context

    /// - Parameter limit: how many are kept. Each holds some 260 KB when it is zlib's encoder.
    init(limit: Int, make: @escaping @Sendable () throws(CompressionError) -> Context) {
        self.limit = limit
        self.make = make
    }

    func take() throws(CompressionError) -> Context {
        if let context = idle.withLock({ $0.popLast() }) { return context }
        return try make()
    }

    /// Takes back a context that is ready for another stream.
    func give(_ context: Context) {
        idle.withLock { idle in if idle.count < limit { idle.append(context) } }
    }
}
