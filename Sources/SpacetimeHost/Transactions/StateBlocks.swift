import Synchronization

/// Memory for the ``TransactionState`` of databases, which is handed on to the next database but never given back.
///
/// So a handle that outlives its transaction, and even its database, still points to a state, and finds there a serial
/// that is not its own: serials go on counting from one database to the next. That is what lets a
/// ``TransactionReference`` be plain data: it is copied and dropped without counting references, and misuse is still
/// caught. The price is some 400 bytes per database that was ever open at the same time as others.
enum StateBlocks {
    private struct Block: @unchecked Sendable {
        // Only touched by the one database that took it out of the list.
        let state: UnsafeMutablePointer<TransactionState>
    }

    private static let free = Mutex<[Block]>([])

    static func take(_ content: TransactionState) -> UnsafeMutablePointer<TransactionState> {
        var content = content
        guard let block = free.withLock({ $0.popLast() }) else {
            let state = UnsafeMutablePointer<TransactionState>.allocate(capacity: 1)
            state.initialize(to: content)
            return state
        }
        content.serial = block.state.pointee.serial
        block.state.pointee = content
        return block.state
    }

    /// Takes back a state whose database is going, and with it everything that the state points to.
    static func give(_ state: UnsafeMutablePointer<TransactionState>) {
        state.pointee.retire()
        let block = Block(state: state)
        free.withLock { $0.append(block) }
    }
}
