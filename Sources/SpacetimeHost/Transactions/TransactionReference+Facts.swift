public import SpacetimeSATS

/// The facts of the running call.
extension TransactionReference {
    @inlinable
    package var caller: Caller {
        requireCurrent()
        return state.pointee.caller
    }

    /// The time of the call: read once, constant from then on.
    @inlinable
    package var timestamp: Timestamp {
        requireCurrent()
        return state.pointee.hasTimestamp ? state.pointee.timestamp : readTimestamp()
    }

    @inlinable
    package func nextRandom() -> UInt64 {
        requireCurrent()
        if !state.pointee.isRandomSeeded { seedRandom() }
        return state.pointee.random.next()
    }

    /// A number that no other call of this within the transaction returned.
    package func nextUUIDCounter() -> UInt32 {
        requireCurrent()
        state.pointee.uuidCounter &+= 1
        return state.pointee.uuidCounter
    }
}

extension TransactionReference {
    @inline(never) @usableFromInline
    package func readTimestamp() -> Timestamp {
        requireCurrent()
        guard let runner = state.pointee.runner else { Self.stale() }
        // Alive: see `runner`.
        return runner._withUnsafeGuaranteedRef { $0.readTimestamp() }
    }

    @inline(never) @usableFromInline
    package func seedRandom() { runner.seedRandom() }
}

extension TransactionRunner {
    /// The time of the running call: the clock's when it is first asked for.
    func readTimestamp() -> Timestamp {
        if !state.pointee.hasTimestamp {
            state.pointee.timestamp = clock.now()
            state.pointee.hasTimestamp = true
        }
        return state.pointee.timestamp
    }

    /// Seeded by the time and the place in history alone, so that a recorded call can be run again.
    func seedRandom() {
        let time = UInt64(bitPattern: readTimestamp().microsecondsSinceUnixEpoch)
        let offset = state.pointee.nextOffset
        state.pointee.random = DeterministicRandom(seed: time ^ (offset &* 0xD6E8_FEB8_6659_FD93))
        state.pointee.isRandomSeeded = true
    }
}
