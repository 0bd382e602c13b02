import SpacetimeSATS

// Memory safety. Living ids: as of whoever builds an index. Valid images: a part lies at the same offset in every row.
// Lent buffers: both have as many entries, and parts of them begin and end at the same places.

/// The encoded keys of rows as numbers of eight bytes each, which order as the bytes do: word 0 is what a tree holds of a
/// key, the words behind it decide between keys that begin alike.
struct KeyWords: ~Copyable {
    /// A column that is one integer at the same place of every row: it needs no encoding.
    struct Part {
        var offset = 0
        var width = 0
        var flip: UInt64 = 0
    }

    private let spec: Ref<KeySpec>
    private let rows: RowsRef
    /// The columns, if all of them are such, four at most, and take 16 bytes at most; else none.
    private var parts = InlineArray<4, Part>(repeating: Part())
    private var partCount = 0
    private var partsByteCount = 0
    private var key = KeyBuffer()

    init(_ spec: Ref<KeySpec>, _ rows: RowsRef) {
        self.spec = spec
        self.rows = rows
        let found = spec.value.columns.compactMap { Self.part($0, rows) }
        partsByteCount = found.reduce(0) { $0 + $1.width }
        guard found.count == spec.value.columns.count, found.count <= 4, partsByteCount <= 16 else { return }
        for (place, part) in found.enumerated() { parts[place] = part }
        partCount = found.count
    }

    private static func part(_ column: Int, _ rows: RowsRef) -> Part? {
        let place = rows.layout.columns[column]
        let node = rows.layout.program.nodes[Int(place.node)]
        let width = Int(node.fixedSize)
        guard place.fixedOffset >= 0, [1, 2, 4, 8].contains(width) else { return nil }
        switch node.kind {
        case .bool, .unsigned: return Part(offset: Int(place.fixedOffset), width: width, flip: 0)
        case .signed:
            return Part(offset: Int(place.fixedOffset), width: width, flip: 1 << UInt64(width * 8 - 1))
        default: return nil
        }
    }

    /// A word of the key of a row; zeros where the key ends before.
    @inline(__always)
    mutating func word(_ number: Int, of row: UInt32) -> UInt64 {
        let image = unsafe UnsafeRawPointer(rows.storage.imageStart(RowID(row)))
        if partCount > 0 {
            var all: UInt128 = 0
            for place in 0..<partCount {
                let part = parts[place]
                all =
                    unsafe all << UInt128(part.width * 8)
                    | UInt128(Self.load(image + part.offset, part.width) ^ part.flip)
            }
            all <<= UInt128(128 - partsByteCount * 8)
            return number == 0 ? UInt64(truncatingIfNeeded: all >> 64) : UInt64(truncatingIfNeeded: all)
        }
        unsafe encode(image)
        guard number * 8 < key.count else { return 0 }
        return unsafe keyPrefix(UnsafeRawBufferPointer(rebasing: key.bytes[(number * 8)...]))
    }

    @inline(__always)
    private static func load(_ address: UnsafeRawPointer, _ width: Int) -> UInt64 {
        switch width {
        case 8: unsafe address.loadUnaligned(as: UInt64.self)
        case 4: unsafe UInt64(address.loadUnaligned(as: UInt32.self))
        case 2: unsafe UInt64(address.loadUnaligned(as: UInt16.self))
        default: unsafe UInt64(address.load(as: UInt8.self))
        }
    }

    private mutating func encode(_ image: UnsafeRawPointer) {
        key.removeAll()
        unsafe spec.value.appendKey(row: image, layout: rows.layout, to: &key)
    }

    /// Words of the key of a row. Encodings end themselves, so keys whose first so many words are equal are equal.
    mutating func wordCount(of row: UInt32) -> Int {
        if partCount > 0 { return (partsByteCount + 7) / 8 }
        unsafe encode(UnsafeRawPointer(rows.storage.imageStart(RowID(row))))
        return (key.count + 7) / 8
    }

    /// The whole key of a row, encoded.
    mutating func bytes(of row: UInt32) -> [UInt8] {
        unsafe encode(UnsafeRawPointer(rows.storage.imageStart(RowID(row))))
        return unsafe Array(key.bytes)
    }

    // MARK: Sorting

    /// Keys that are alike in more words than this are compared as a whole.
    private static let wordLimit = 16

    /// Sorts entries that are in the order of their rows by their whole keys; equal keys stay in the order of the rows.
    ///
    /// - Parameters:
    ///   - entries: hold word 0 of the keys, and still do afterwards.
    ///   - scratch: as long as `entries`, of no particular content.
    mutating func sort(
        _ entries: UnsafeMutableBufferPointer<SortedEntry>, scratch: UnsafeMutableBufferPointer<SortedEntry>
    ) {
        unsafe sort(entries, scratch, by: 0)
    }

    private mutating func sort(
        _ entries: UnsafeMutableBufferPointer<SortedEntry>, _ scratch: UnsafeMutableBufferPointer<SortedEntry>,
        by number: Int
    ) {
        if entries.count < 48 { unsafe insertionSort(entries) } else { unsafe radixSort(entries, scratch: scratch) }
        var start = 0
        while start < entries.count {
            let word = unsafe entries[start].key
            var end = start + 1
            while end < entries.count, unsafe entries[end].key == word { end += 1 }
            if end - start > 1, unsafe wordCount(of: entries[start].row) > number + 1 {
                let run = unsafe UnsafeMutableBufferPointer(rebasing: entries[start..<end])
                if number + 1 < Self.wordLimit {
                    for i in run.indices { unsafe run[i].key = unsafe self.word(number + 1, of: run[i].row) }
                    unsafe sort(run, UnsafeMutableBufferPointer(rebasing: scratch[start..<end]), by: number + 1)
                    for i in run.indices { unsafe run[i].key = word }
                } else {
                    unsafe sortWhole(run)
                }
            }
            start = end
        }
    }

    private func insertionSort(_ entries: UnsafeMutableBufferPointer<SortedEntry>) {
        for i in entries.indices.dropFirst() {
            let entry = unsafe entries[i]
            var place = i
            while place > 0, unsafe entries[place - 1].key > entry.key {
                unsafe entries[place] = entries[place - 1]
                place -= 1
            }
            unsafe entries[place] = entry
        }
    }

    private mutating func sortWhole(_ run: UnsafeMutableBufferPointer<SortedEntry>) {
        var keys: [(key: [UInt8], row: UInt32)] = []
        for position in run.indices { unsafe keys.append((bytes(of: run[position].row), run[position].row)) }
        keys.sort { left, right in
            let order = unsafe left.key.withBytes { left in unsafe right.key.withBytes { unsafe compareBytes(left, $0) }
            }
            return order != 0 ? order < 0 : left.row < right.row
        }
        for (i, key) in keys.enumerated() { unsafe run[i].row = key.row }
    }
}
