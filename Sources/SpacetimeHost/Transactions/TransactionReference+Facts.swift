public import SpacetimeSATS

/// The facts of the running call.
extension TransactionReference {
    @inlinable
    package var caller: Caller {
        requireCurrent()
        return state.caller
    }

    /// The time of the call: read once, constant from then on.
    @inlinable
    package var timestamp: Timestamp {
        requireCurrent()
        return state.hasTimestamp ? state.timestamp : readTimestamp()
    }

    @inlinable
    package func nextRandom() -> UInt64 {
        requireCurrent()
        if !state.isRandomSeeded { seedRandom() }
        return state.random.next()
    }

    /// A number that no other call of this within the transaction returned.
    package func nextUUIDCounter() -> UInt32 {
        requireCurrent()
        state.uuidCounter &+= 1
        return state.uuidCounter
    }
}

extension TransactionReference {
    @inline(never) @usableFromInline
    package func readTimestamp() -> Timestamp {
        requireCurrent()
        guard let runner = state.runner else { Self.stale() }
        // Alive: see `runner`.
        return runner._withUnsafeGuaranteedRef { $0.readTimestamp() }
    }

    @inline(never) @usableFromInline
    package func seedRandom() { runner.seedRandom() }
}

extension TransactionRunner {
    /// The time of the running call: the clock's when it is first asked for.
    func readTimestamp() -> Timestamp {
        if !state.hasTimestamp {
            state.timestamp = clock.now()
            state.hasTimestamp = true
        }
        return state.timestamp
    }

    /// Seeded by the time and the place in history alone, so that a recorded call can be run again.
    func seedRandom() {
        let time = UInt64(bitPattern: readTimestamp().microsecondsSinceUnixEpoch)
        let offset = state.nextOffset
        state.random = DeterministicRandom(seed: time ^ (offset &* 0xD6E8_FEB8_6659_FD93))
        state.isRandomSeeded = true
    }
}
