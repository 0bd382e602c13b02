/// The newest records of a log, numbered without gaps.
struct LogRing {
    /// From `head` on. What is before it is empty.
    private var slots: [LogRecord?] = []
    private var head = 0
    private var byteCount = 0
    private let recordLimit: Int
    private let byteLimit: Int
    /// The number of the next record.
    private(set) var end: UInt64

    /// Far from zero, so that records of earlier times have numbers, too.
    static let start: UInt64 = 1 << 32

    init(recordLimit: Int, byteLimit: Int) {
        self.recordLimit = max(1, recordLimit)
        self.byteLimit = byteLimit
        end = Self.start
    }

    var count: Int { slots.count - head }
    /// The number of the oldest record that is kept.
    var first: UInt64 { end - UInt64(count) }

    mutating func append(_ record: LogRecord) {
        slots.append(record)
        byteCount += record.byteCount
        end += 1
        // The newest one is kept however large it is.
        while count > recordLimit || (byteCount > byteLimit && count > 1) { removeFirst() }
    }

    private mutating func removeFirst() {
        byteCount -= slots[head]?.byteCount ?? 0
        slots[head] = nil
        head += 1
        // Moved now and then, so that taking one is O(1) on average.
        if head >= 64, head * 2 >= slots.count {
            slots.removeFirst(head)
            head = 0
        }
    }

    /// Puts older records in front, as many as there is room for.
    mutating func prepend(_ older: [LogRecord]) {
        var taken: [LogRecord?] = []
        for record in older.reversed() {
            guard count + taken.count < recordLimit, byteCount + record.byteCount <= byteLimit else { break }
            byteCount += record.byteCount
            taken.append(record)
        }
        slots.replaceSubrange(0..<head, with: taken.reversed())
        head = 0
    }

    /// The records from a number on that are kept, at most so many.
    func records(from number: UInt64, limit: Int = .max) -> [LogRecord] {
        guard number < end else { return [] }
        let skipped = Int(max(number, first) - first)
        return slots[(head + skipped)...].prefix(limit).compactMap(\.self)
    }
}
