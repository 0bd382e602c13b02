import Synchronization

/// A lock taken and given back per operation: the least that a call from any thread costs.
final class LimitNoop: Contestant {
    let system = "limit"
    private let calls: Int
    private let counter = Mutex<UInt64>(0)

    init(calls: Int) { self.calls = calls }

    func prepare(pass: Int) throws { counter.withLock { $0 = 0 } }

    func run(pass: Int) throws -> PassResult {
        for _ in 0..<calls { counter.withLock { $0 &+= 1 } }
        return PassResult(operations: calls, digest: counter.withLock { $0 })
    }
}
