public import SpacetimeHost
import SpacetimeSATS

extension UniqueIndex {
    /// The rows with some keys, in the order of the keys; `nil` where there is none.
    ///
    /// ```swift
    /// let members = db.user.id.find(guild.memberIDs).compactMap(\.self)
    /// ```
    ///
    /// In a table that is larger than the processor's caches this takes about a third of the time of as many single look-ups
    /// if keys are integers of four or eight bytes, because it waits for the memory of several rows at once.
    @inlinable
    public func find<Keys: Sequence>(_ keys: Keys) -> [Row?] where Keys.Element == Key {
        var rows: [Row?] = []
        rows.reserveCapacity(keys.underestimatedCount)
        let width = _integerKeyByteCount(Key.self)
        guard width > 0 else {
            for key in keys { rows.append(find(key)) }
            return rows
        }
        reference.transaction.requireCurrent()
        var iterator = keys.makeIterator()
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: _keysAtOnce) { bits in
            withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer?.self, capacity: _keysAtOnce) { images in
                images.initialize(repeating: nil)
                var count = 0
                repeat {
                    count = 0
                    while count < _keysAtOnce, let key = iterator.next() {
                        bits.initializeElement(at: count, to: _integerKeyBits(key))
                        count += 1
                    }
                    reference.transaction.find(
                        index, several: UnsafeBufferPointer(rebasing: bits[..<count]), byteCount: width, images)
                    for position in 0..<count {
                        rows.append(images[position].map { _decode($0, as: Row.self) })
                    }
                } while count == _keysAtOnce
            }
        }
        return rows
    }
}

/// As many as a processor fetches beside each other.
@inlinable var _keysAtOnce: Int { 16 }
