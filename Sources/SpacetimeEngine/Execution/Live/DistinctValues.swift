// Memory safety. Lent buffers: the scratch buffer has one use in a function.

/// How often each value is there in each group: what `DISTINCT` needs to know which values come first and go last.
struct DistinctValues: ~Copyable {
    private var hashes = HashIndex()
    /// Group, column and key of each value; the word is how often it is there.
    private var images = ImagePool()
    private var probe = KeyBuffer()

    init() {}

    var byteCount: Int { hashes.byteCount + images.byteCount }
    var count: Int { hashes.count }

    private mutating func find(
        _ key: UnsafeRawBufferPointer, _ column: Int, _ group: UInt32
    ) -> (hash: UInt32, handle: UInt32?) {
        probe.removeAll()
        probe.append(littleEndian: UInt64(group), 4)
        probe.append(littleEndian: UInt64(column), 4)
        unsafe probe.append(key)
        let hash = unsafe finishHash(hashBytes(probe.bytes, state: 0))
        let found = hashes.find(hash) { unsafe equalBytes(images[$0.rawValue], probe.bytes) }
        return (hash, found?.rawValue)
    }

    /// Adds a value; true if it was not there.
    ///
    /// - Parameter key: bytes that are equal exactly for equal values.
    mutating func add(_ key: UnsafeRawBufferPointer, column: Int, of group: UInt32) -> Bool {
        let (hash, handle) = unsafe find(key, column, group)
        if let handle {
            // A table has fewer rows than this counts. Joins, which have more, are never taken out of.
            let count = images.word(handle)
            if count.value < .max { count.value += 1 }
            return false
        }
        hashes.insert(hash, RowID(unsafe images.insert(probe.bytes, word: 1)))
        return true
    }

    /// Takes a value out that is there; true if it is not there any more.
    mutating func remove(_ key: UnsafeRawBufferPointer, column: Int, of group: UInt32) -> Bool {
        guard case (let hash, let handle?) = unsafe find(key, column, group) else { return false }
        let count = images.word(handle)
        if count.value > 1 {
            count.value -= 1
            return false
        }
        hashes.remove(hash, RowID(handle))
        images.giveBack(handle)
        return true
    }
}
