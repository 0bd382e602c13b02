import Synchronization

/// What nobody needs any more and takes long to free: a window over a million rows takes milliseconds. It is put here with the
/// database's lock held, and freed without it.
final class Leftovers: Sendable {
    /// `Sendable` is unchecked: nobody else refers to the stage.
    private struct Entry: @unchecked Sendable {
        let stage: any LiveStage
    }

    private let entries = Mutex<[Entry]>([])
    private let hasSome = Atomic(false)

    var isEmpty: Bool { !hasSome.load(ordering: .relaxed) }

    func add(_ stage: any LiveStage) {
        let entry = Entry(stage: stage)
        entries.withLock { entries in
            entries.append(entry)
            hasSome.store(true, ordering: .relaxed)
        }
    }

    /// Frees all of it. Without the database's lock.
    func free() {
        if isEmpty { return }
        _ = entries.withLock { entries in
            defer { entries = [] }
            hasSome.store(false, ordering: .relaxed)
            return entries
        }
    }
}
