import Synchronization

// Memory safety. Own memory: blocks of the pool, given back once, when nobody holds them any more. What lies in them is
// reached by holders, and by the writer inside of `fill`.

/// Memory for what the writer saves for one snapshot, of all tables.
///
/// It is held by the snapshot and by those that were taken during its life, which may need what is saved for it. When the
/// last of them goes, the blocks go back to the pool at once, on the thread that dropped it: to give back hundreds of
/// megabytes takes long, and is nothing that the writer should find itself doing. The writer therefore holds nothing. It may
/// not have noticed yet that everybody is gone, so it gets at the memory by ``fill(_:)`` only, which then does nothing.
final class SnapshotMemory: Sendable {
    /// Hands out the bytes of blocks from front to back.
    struct Room {
        private let pool: PagePool
        fileprivate private(set) var blocks: [UInt] = []
        private var used = PagePool.blockByteCount
        fileprivate var holderCount = 1

        fileprivate init(pool: PagePool) { self.pool = pool }

        /// Memory that holds whatever it holds, at a multiple of 8.
        ///
        /// - Parameter byteCount: a multiple of 8, at most that of a block.
        mutating func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
            if used + byteCount > PagePool.blockByteCount {
                blocks.append(UInt(bitPattern: unsafe pool.take(inSmallPages: true)))
                used = 0
            }
            let base = unsafe UnsafeMutableRawPointer(bitPattern: blocks[blocks.count - 1]).unsafelyUnwrapped
            defer { used += byteCount }
            return unsafe base + used
        }

        fileprivate mutating func takeBlocks() -> [UInt] {
            used = PagePool.blockByteCount
            defer { blocks = [] }
            return blocks
        }
    }

    let generation: UInt64
    private let pool: PagePool
    private let room: Mutex<Room>

    /// Memory that one holder has.
    init(generation: UInt64, pool: PagePool) {
        self.generation = generation
        self.pool = pool
        room = Mutex(Room(pool: pool))
    }

    deinit { giveBack(room.withLock { $0.takeBlocks() }) }

    /// True if nobody holds it any more.
    var isGivenBack: Bool { room.withLock { $0.holderCount == 0 } }

    /// Calls `body` unless the memory was given back, and keeps it meanwhile.
    ///
    /// - Returns: false if it was given back.
    @inline(__always)
    func fill(_ body: (inout Room) -> Void) -> Bool {
        room.withLock { room in
            if room.holderCount == 0 { return false }
            body(&room)
            return true
        }
    }

    /// Adds a holder. False if it is too late for that.
    func hold() -> Bool { fill { $0.holderCount += 1 } }

    /// Takes away a holder.
    func letGo() {
        giveBack(
            room.withLock { room in
                room.holderCount -= 1
                return room.holderCount == 0 ? room.takeBlocks() : []
            })
    }

    private func giveBack(_ blocks: [UInt]) {
        for block in blocks {
            if let start = unsafe UnsafeMutableRawPointer(bitPattern: block) { unsafe pool.giveBack(start) }
        }
    }
}

/// What a snapshot holds as long as anybody reads it: its memory, and that of older snapshots.
final class SnapshotHold: Sendable {
    let generation: UInt64
    private let memories: [SnapshotMemory]
    private let registry: SnapshotRegistry

    /// - Parameter memories: that were held already.
    init(generation: UInt64, memories: [SnapshotMemory], registry: SnapshotRegistry) {
        self.generation = generation
        self.memories = memories
        self.registry = registry
        registry.add(generation)
    }

    deinit {
        for memory in memories { memory.letGo() }
        registry.remove(generation)
    }
}

/// The generations of the snapshots that are alive.
///
/// Guard: `state`. A snapshot leaves from whichever thread drops it; the writer asks once per transaction.
final class SnapshotRegistry: Sendable {
    private struct State {
        var living: [UInt64] = []
        var removalCount = 0
    }

    private let state = Mutex(State())

    func add(_ generation: UInt64) { state.withLock { $0.living.append(generation) } }

    func remove(_ generation: UInt64) {
        state.withLock { state in
            state.living.removeAll { $0 == generation }
            state.removalCount += 1
        }
    }

    /// The generations that are alive, ascending; nil if none has gone since the count was `seen`, which is brought up to date.
    ///
    /// Taking the lock orders every read of a snapshot that was dropped before the writes that follow.
    func living(unless seen: inout Int) -> [UInt64]? {
        state.withLock { state in
            if seen == state.removalCount { return nil }
            seen = state.removalCount
            return state.living
        }
    }
}
