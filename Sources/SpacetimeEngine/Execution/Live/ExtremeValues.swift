// Memory safety. Own memory: the images have an address of their own, which this owns. Handles in the tree are those of
// images that are there.

/// All values of one column in all groups, ordered by group and value, each with the number of times that it is there: so the
/// least and the greatest of a group are known when others have gone.
///
/// Values whose keys fit into eight bytes are whole in the entries of the tree, whose items count them. Keys of others are
/// apart, and the words of their images count them.
struct ExtremeValues: ~Copyable {
    private var tree = EntryTree()
    private let images: Ref<ImagePool>
    private let isExact: Bool

    init(isExact: Bool) {
        self.isExact = isExact
        images = Ref(ImagePool())
    }

    deinit { images.destroy() }

    var byteCount: Int { tree.byteCount + images.value.byteCount }
    /// Different values of all groups.
    var count: Int { tree.count }

    /// Compares keys that are apart.
    ///
    /// `@safe`: the probe stays during the call that it is made for.
    @safe
    private struct KeyTies: EntryTies {
        let images: Ref<ImagePool>
        let probe: UnsafeRawBufferPointer

        @inline(__always)
        func order(of item: UInt32) -> Int { unsafe compareBytes(images.value[item], probe) }
    }

    /// For a probe that is before all entries with its first bits.
    private struct BeforeAll: EntryTies {
        @inline(__always) func order(of item: UInt32) -> Int { 1 }
    }

    @inline(__always)
    private static func entry(_ group: UInt32, _ prefix: UInt64, item: UInt32) -> TreeEntry {
        TreeEntry(
            high: UInt64(group) << 32 | prefix >> 32, middle: UInt32(truncatingIfNeeded: prefix), item: item)
    }

    /// Adds a value, and returns what it is known by: its key if that is exact, else the handle of the key.
    ///
    /// - Parameters:
    ///   - prefix: the first eight bytes of its key.
    ///   - key: the whole key, unless it is exact.
    mutating func add(_ prefix: UInt64, _ key: UnsafeRawBufferPointer, of group: UInt32) -> UInt64 {
        if isExact {
            if let present = tree.insert(Self.entry(group, prefix, item: 1), ExactEntries()) {
                present.leaf.entries[present.index].item += 1
            }
            return prefix
        }
        // The image is made when it is known that it is needed.
        let ties = unsafe KeyTies(images: images, probe: key)
        if let present = tree.find(Self.entry(group, prefix, item: 0), ties) {
            images.value.word(present.entry.item).value += 1
            return UInt64(present.entry.item)
        }
        let handle = unsafe images.value.insert(key, word: 1)
        _ = tree.insert(Self.entry(group, prefix, item: handle), ties)
        return UInt64(handle)
    }

    /// Takes out a value that is there. If it is not there any more, returns what it was known by.
    mutating func remove(_ prefix: UInt64, _ key: UnsafeRawBufferPointer, of group: UInt32) -> UInt64? {
        if isExact {
            guard let found = tree.find(Self.entry(group, prefix, item: 0), ExactEntries()) else { return nil }
            if found.entry.item > 1 {
                found.leaf.entries[found.index].item -= 1
                return nil
            }
            tree.remove(found: found)
            return prefix
        }
        let ties = unsafe KeyTies(images: images, probe: key)
        guard let found = tree.find(Self.entry(group, prefix, item: 0), ties) else { return nil }
        let handle = found.entry.item
        let count = images.value.word(handle)
        count.value -= 1
        if count.value > 0 { return nil }
        tree.remove(found: found)
        images.value.giveBack(handle)
        return UInt64(handle)
    }

    /// What the least value of a group is known by.
    func least(of group: UInt32) -> UInt64? {
        known(tree.seek(Self.entry(group, 0, item: 0), BeforeAll())?.entry, of: group)
    }

    func greatest(of group: UInt32) -> UInt64? {
        known(tree.seekBefore(Self.entry(group + 1, 0, item: 0), BeforeAll())?.entry, of: group)
    }

    private func known(_ entry: TreeEntry?, of group: UInt32) -> UInt64? {
        guard let entry, entry.high >> 32 == group else { return nil }
        return isExact ? entry.high << 32 | entry.low >> 32 : UInt64(entry.item)
    }

    /// The key of a value that is not exact.
    func key(_ known: UInt64) -> UnsafeRawBufferPointer { unsafe images.value[UInt32(known)] }

    func checkInvariants() throws(InvariantViolation) {
        let entries = try tree.checkedEntries { left, right in
            isExact ? 0 : unsafe compareBytes(images.value[left], images.value[right])
        }
        let values = isExact ? 0 : entries.count
        try check(images.value.count == values, "\(images.value.count) images of \(values) values")
        try check(
            entries.allSatisfy { (isExact ? $0.item : images.value.word($0.item).value) > 0 }, "a value without a count"
        )
    }
}
