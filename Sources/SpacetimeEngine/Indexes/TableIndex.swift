import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: of rows. Living ids: an entry is there as long as its row. Still pages: an index is
// told of a row while nothing writes to the table. Checked bytes: probes and ranges were validated for this index.
// Lent buffers: 0 is the key of the caller, 2 and 3 are for comparing, 1 is the tie breaker's.

/// One index of one table: its definition, how its key is found in a row, and the structure that holds the rows.
///
/// Every function that takes a row takes its image as well: the index must be able to read the key, and while an entry
/// is being removed the image has to be the one it was inserted with.
struct TableIndex: ~Copyable {
    enum Structure: UInt8 {
        /// Unique point look-ups.
        case hash
        /// Ordered; the 64-bit key is the whole key.
        case orderedInteger
        /// Ordered; the 64-bit key is the first eight bytes of the encoded key.
        case orderedBytes
        case direct
    }

    /// Another one if the table goes to another datastore.
    var id: IndexID
    let schema: IndexSchema
    /// Behind a pointer, so that handing it on copies no arrays.
    let specReference: Ref<KeySpec>
    let integer: KeySpec.Integer?
    private let isTriviallyValid: Bool
    /// Bytes of a key that `find(integerProbe:)` takes without any check; -1 if there is no such key.
    let pointWidth: Int
    /// Reusable key bytes: 0 the key looked for, 1 the row compared with it, 2 and 3 what else a function needs.
    private let buffers: Buffer<KeyBuffer>
    let structure: Structure
    let isUnique: Bool
    /// True if rows with nil in an optional column have no key: any number of them is allowed, and none is found by a
    /// look-up for one row. They are in the tree, also of a hash index.
    let exemptsNil: Bool
    /// The columns of the constraint or index, for messages.
    let constraintName: String
    let seed: UInt64

    var hash = HashIndex()
    var tree: BTree
    private(set) var direct: DirectIndex

    /// A hash index that is not unique is kept in a B-tree: with many rows to a key, probing would degenerate.
    init(
        id: IndexID, schema: IndexSchema, constraintName: String, spec: consuming KeySpec, seed: UInt64, pool: PagePool
    ) {
        self.id = id
        self.schema = schema
        self.constraintName = constraintName
        self.seed = seed
        isUnique = schema.isUnique
        exemptsNil = !spec.optionals.isEmpty
        structure =
            switch schema.algorithm {
            case .hash where schema.isUnique: .hash
            case .direct where schema.isUnique && spec.integer?.flip == 0: .direct
            default: spec.integer == nil ? .orderedBytes : .orderedInteger
            }
        tree = BTree(pool: pool)
        direct = DirectIndex(pool: pool)
        integer = spec.integer
        isTriviallyValid = spec.probeLayout.isUnchecked
        pointWidth = spec.probeLayout.isUnchecked && schema.isUnique ? Int(spec.integer?.width ?? -1) : -1
        specReference = Ref(spec)
        buffers = Self.makeBuffers()
    }

    deinit { specReference.destroy() }

    private static func makeBuffers() -> Buffer<KeyBuffer> {
        var buffers = Buffer<KeyBuffer>(capacity: 4)
        for _ in 0..<4 { buffers.append(KeyBuffer()) }
        return buffers
    }

    var spec: KeySpec {
        @inline(__always) _read { yield specReference.value }
    }

    /// One of the reusable buffers, emptied.
    @inline(__always)
    private func emptied(_ number: Int) -> Ref<KeyBuffer> {
        let buffer = buffers.reference(to: number)
        buffer.value.removeAll()
        return buffer
    }

    var count: Int {
        switch structure {
        case .hash: hash.count + tree.count
        case .direct: direct.count
        default: tree.count
        }
    }

    var byteCount: Int {
        switch structure {
        case .hash: hash.byteCount + (exemptsNil ? tree.byteCount : 0)
        case .direct: direct.byteCount
        default: tree.byteCount
        }
    }

    /// Bytes of ``byteCount`` and of unused structures that come from the page pool.
    var poolByteCount: Int { tree.poolByteCount + direct.far.poolByteCount }

    /// True if `IndexRange` scans are possible.
    var isOrdered: Bool { structure != .hash && schema.algorithm != .hash }

    /// True if any bytes of that length are a key.
    @inline(__always)
    func isTrivialKey(byteCount: Int) -> Bool {
        if let integer { isTriviallyValid && byteCount == Int(integer.width) } else { false }
    }

    // MARK: Point look-ups
    //
    // These are `mutating` although they change nothing but the reusable buffers: so `self` is passed by address. A
    // borrow of a struct behind a pointer is copied first, 300 bytes for each look-up.

    /// Finds the row of a unique index whose key equals the probe's.
    @inline(__always)
    mutating func find(probe: UnsafeRawPointer, byteCount: Int, in table: RowsRef) -> RowID? {
        if let integer {
            return unsafe findInteger(integer.load(probe), integer, table)
        }
        return unsafe findBytes(probe: UnsafeRawBufferPointer(start: probe, count: byteCount), table)
    }

    /// Finds the row whose key is the `pointWidth` bytes at `probe`.
    @inline(__always)
    mutating func find(integerProbe probe: UnsafeRawPointer, in table: RowsRef) -> RowID? {
        let integer = unsafe integer.unsafelyUnwrapped
        return unsafe findInteger(integer.load(probe), integer, table)
    }

    /// Finds the row of a unique index whose key equals that of another row image.
    @inline(__always)
    mutating func find(keyOf row: UnsafeRawPointer, in table: RowsRef) -> RowID? {
        if let integer {
            return unsafe findInteger(integer.key(ofRow: row, table), integer, table)
        }
        let probe = emptied(0)
        unsafe spec.appendProbe(row: row, layout: table.layout, to: &probe.value)
        return unsafe findBytes(probe: probe.value.bytes, table)
    }

    @inline(__always)
    private mutating func findInteger(_ key: UInt64, _ integer: KeySpec.Integer, _ table: RowsRef) -> RowID? {
        switch structure {
        case .hash:
            return hash.find(hashInteger(key, seed: seed)) { row in
                unsafe integer.key(ofRow: UnsafeRawPointer(table.storage.imageStart(row)), table) == key
            }
        case .direct: return direct.find(key)
        default:
            let position = tree.seek(exactly: key)
            guard position.index < position.leaf.count, position.leaf.keys[position.index] == key else { return nil }
            return RowID(position.leaf.rows[position.index])
        }
    }

    @inline(never)
    private mutating func findBytes(probe: UnsafeRawBufferPointer, _ table: RowsRef) -> RowID? {
        if exemptsNil, let start = probe.baseAddress, unsafe spec.hasNil(probe: start) { return nil }
        if structure == .hash {
            let (spec, left, right) = (specReference, emptied(2), emptied(3))
            return unsafe hash.find(hashProbe(probe)) { row in
                unsafe Self.isKey(
                    probe, ofRow: UnsafeRawPointer(table.storage.imageStart(row)), table, spec, left, right)
            }
        }
        let key = emptied(2)
        guard unsafe probe.baseAddress != nil else { return nil }
        unsafe spec.appendKey(values: probe, count: spec.columns.count, to: &key.value)
        let prefix = unsafe keyPrefix(key.value.bytes)
        let ties = unsafe ties(key.value.bytes, table)
        let position = tree.seek(prefix, ties)
        guard position.index < position.leaf.count else { return nil }
        let row = RowID(position.leaf.rows[position.index])
        guard position.leaf.keys[position.index] == prefix, ties.order(of: row) == 0 else { return nil }
        return row
    }

    /// Whether a row has the key of the probe.
    private static func isKey(
        _ probe: UnsafeRawBufferPointer, ofRow row: UnsafeRawPointer, _ table: RowsRef,
        _ spec: Ref<KeySpec>, _ left: Ref<KeyBuffer>, _ right: Ref<KeyBuffer>
    ) -> Bool {
        guard spec.value.isCanonical else {
            left.value.removeAll()
            right.value.removeAll()
            unsafe spec.value.appendIdentity(probe: probe, to: &left.value)
            unsafe spec.value.appendIdentity(row: row, layout: table.layout, to: &right.value)
            return unsafe equalBytes(left.value.bytes, right.value.bytes)
        }
        // The same, without copying.
        var offset = 0
        for column in spec.value.columns {
            let bytes = unsafe table.layout.bytes(of: column, in: row)
            guard offset + bytes.count <= probe.count,
                unsafe equalBytes(UnsafeRawBufferPointer(rebasing: probe[offset..<(offset + bytes.count)]), bytes)
            else { return false }
            offset += bytes.count
        }
        return offset == probe.count
    }

    private func hashProbe(_ probe: UnsafeRawBufferPointer) -> UInt32 {
        if spec.isCanonical { return unsafe finishHash(hashBytes(probe, state: seed)) }
        let key = emptied(2)
        unsafe spec.appendIdentity(probe: probe, to: &key.value)
        return unsafe finishHash(hashBytes(key.value.bytes, state: seed))
    }

    // MARK: Changing

    /// Adds a live row. The caller has checked uniqueness.
    @inline(__always)
    mutating func insert(_ row: RowID, image: UnsafeRawPointer, _ table: RowsRef) {
        if let integer {
            let key = unsafe integer.key(ofRow: image, table)
            switch structure {
            case .hash: hash.insert(hashInteger(key, seed: seed), row)
            case .direct: direct.insert(key, row)
            default: tree.insert(key, row, ExactKeys())
            }
        } else {
            unsafe insertBytes(row, image: image, table)
        }
    }

    @inline(never)
    private mutating func insertBytes(_ row: RowID, image: UnsafeRawPointer, _ table: RowsRef) {
        let key = emptied(0)
        if unsafe isHashed(image, table) { return unsafe hash.insert(hashOfKey(image, table), row) }
        unsafe spec.appendKey(row: image, layout: table.layout, to: &key.value)
        unsafe tree.insert(keyPrefix(key.value.bytes), row, ties(key.value.bytes, table))
    }

    /// The hash of a row's key, in an index that hashes.
    @inline(__always)
    func hashOfKey(_ image: UnsafeRawPointer, _ table: RowsRef) -> UInt32 {
        if let integer { return unsafe hashInteger(integer.key(ofRow: image, table), seed: seed) }
        let key = emptied(0)
        unsafe spec.appendProbe(row: image, layout: table.layout, to: &key.value)
        return unsafe hashProbe(key.value.bytes)
    }

    /// Takes a row out, by the image it was inserted with.
    @inline(__always)
    mutating func remove(_ row: RowID, image: UnsafeRawPointer, _ table: RowsRef) {
        if let integer {
            let key = unsafe integer.key(ofRow: image, table)
            switch structure {
            case .hash: hash.remove(hashInteger(key, seed: seed), row)
            case .direct: direct.remove(key, row)
            default: tree.remove(key, row, ExactKeys())
            }
        } else {
            unsafe removeBytes(row, image: image, table)
        }
    }

    @inline(never)
    private mutating func removeBytes(_ row: RowID, image: UnsafeRawPointer, _ table: RowsRef) {
        let key = emptied(0)
        if unsafe isHashed(image, table) {
            unsafe hash.remove(hashOfKey(image, table), row)
            return
        }
        unsafe spec.appendKey(row: image, layout: table.layout, to: &key.value)
        unsafe tree.remove(keyPrefix(key.value.bytes), row, ties(key.value.bytes, table))
    }

    /// Whether a row is in the hash; those of one hash index without a key are in its tree.
    @inline(__always)
    private func isHashed(_ image: UnsafeRawPointer, _ table: RowsRef) -> Bool {
        unsafe structure == .hash && !(exemptsNil && spec.hasNil(row: image, layout: table.layout))
    }

    /// Whether two images have different keys here.
    @inline(__always)
    mutating func keysDiffer(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, _ table: RowsRef) -> Bool {
        if let integer {
            return unsafe integer.key(ofRow: lhs, table) != integer.key(ofRow: rhs, table)
        }
        return unsafe bytesDiffer(lhs, rhs, table)
    }

    @inline(never)
    private mutating func bytesDiffer(
        _ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, _ table: RowsRef
    ) -> Bool {
        guard spec.isCanonical else {
            let (left, right) = (emptied(2), emptied(3))
            unsafe spec.appendIdentity(row: lhs, layout: table.layout, to: &left.value)
            unsafe spec.appendIdentity(row: rhs, layout: table.layout, to: &right.value)
            return unsafe !equalBytes(left.value.bytes, right.value.bytes)
        }
        // The same, without copying.
        for column in spec.columns
        where unsafe !equalBytes(
            table.layout.bytes(of: column, in: lhs), table.layout.bytes(of: column, in: rhs))
        {
            return true
        }
        return false
    }

    // MARK: Ranges

    /// The rows whose keys lie in a range, as positions of the tree, or as the keys of a direct index.
    enum Selection {
        case none
        case positions(BTree.Position, BTree.Position)
        case keys(UInt64, UInt64)
        case rows([UInt32])
    }

    /// Every row, in key order.
    mutating func selectAll() -> Selection {
        switch structure {
        case .hash: .none
        case .direct: .keys(0, .max)
        default: .positions(tree.start, tree.end)
        }
    }

    /// Rows with exactly that key. Point look-ups of every structure come through here or through `find`.
    mutating func select(probe: UnsafeRawBufferPointer, _ table: RowsRef) -> Selection {
        if structure == .hash || structure == .direct, unsafe !hasNil(probe) {
            guard let start = probe.baseAddress,
                let row = unsafe find(probe: start, byteCount: probe.count, in: table)
            else { return .none }
            return .rows([row.rawValue])
        }
        guard let start = probe.baseAddress else { return selectAll() }
        if let integer {
            let key = unsafe integer.load(start)
            return selectIntegers(from: key, through: key)
        }
        let key = emptied(0)
        unsafe spec.appendKey(values: probe, count: spec.columns.count, to: &key.value)
        let bytes = unsafe key.value.bytes
        return unsafe selectBytes(lower: bytes, lowerIsSuccessor: false, upper: bytes, upperIsSuccessor: true, table)
    }

    private func hasNil(_ probe: UnsafeRawBufferPointer) -> Bool {
        guard exemptsNil, let start = probe.baseAddress else { return false }
        return unsafe spec.hasNil(probe: start)
    }

    /// Whether a row has no key here.
    mutating func exempts(_ image: UnsafeRawPointer, _ table: RowsRef) -> Bool {
        unsafe exemptsNil && spec.hasNil(row: image, layout: table.layout)
    }

    /// The row that logged changes name by a key. Where there can be many rows without a key now, there was one when the
    /// constraint still counted nil as a value.
    mutating func findLogged(probe: UnsafeRawBufferPointer, in table: RowsRef) -> RowID? {
        guard let start = probe.baseAddress else { return nil }
        guard unsafe hasNil(probe) else { return unsafe find(probe: start, byteCount: probe.count, in: table) }
        guard case .positions(let first, let end) = unsafe select(probe: probe, table), first != end else { return nil }
        if first.index < first.leaf.count { return RowID(first.leaf.rows[first.index]) }
        return first.leaf.next.map { RowID($0.rows[0]) }
    }

    /// The same by the key of a new image.
    mutating func findLogged(keyOf row: UnsafeRawPointer, in table: RowsRef) -> RowID? {
        guard unsafe exempts(row, table) else { return unsafe find(keyOf: row, in: table) }
        let probe = emptied(1)
        unsafe spec.appendProbe(row: row, layout: table.layout, to: &probe.value)
        let bytes = unsafe Array(probe.value.bytes)
        return unsafe bytes.withBytes { unsafe findLogged(probe: $0, in: table) }
    }

    /// Rows in a validated range of an ordered index.
    mutating func select(_ range: IndexRange, _ table: RowsRef) -> Selection {
        if let integer, range.prefixColumns == 0 { return selectIntegers(in: range, integer) }
        let lower = emptied(0)
        let upper = emptied(2)
        let (lowerIsSuccessor, upperIsSuccessor) = spec.appendBounds(
            of: range, lower: &lower.value, upper: &upper.value)
        return unsafe selectBytes(
            lower: lower.value.bytes, lowerIsSuccessor: lowerIsSuccessor, upper: upper.value.bytes,
            upperIsSuccessor: upperIsSuccessor, table)
    }

    private mutating func selectIntegers(in range: IndexRange, _ integer: KeySpec.Integer) -> Selection {
        var lower: UInt64 = 0
        var upper = integer.maximum
        if let value = range.lower.value {
            lower = integer.load(value: value)
            if range.lower.isExcluded {
                if lower == integer.maximum { return .none }
                lower += 1
            }
        }
        if let value = range.upper.value {
            upper = integer.load(value: value)
            if range.upper.isExcluded {
                if upper == 0 { return .none }
                upper -= 1
            }
        }
        return selectIntegers(from: lower, through: upper)
    }

    /// Rows whose key lies between two numbers, of an index over one integer that is ordered.
    mutating func selectIntegers(from lower: UInt64, through upper: UInt64) -> Selection {
        guard lower <= upper else { return .none }
        if structure == .direct { return .keys(lower, upper) }
        let start = lower == 0 ? tree.start : tree.seek(exactly: lower)
        return .positions(start, upper == .max ? tree.end : tree.seek(exactly: upper + 1))
    }

    /// Rows whose encoded key lies between two; or, at an end, behind everything that begins so.
    mutating func selectBytes(
        lower: UnsafeRawBufferPointer, lowerIsSuccessor: Bool, upper: UnsafeRawBufferPointer, upperIsSuccessor: Bool,
        _ table: RowsRef
    ) -> Selection {
        guard let start = unsafe position(of: lower, successor: lowerIsSuccessor, table) else { return .none }
        let end = unsafe position(of: upper, successor: upperIsSuccessor, table) ?? tree.end
        // A range whose start is above its end selects nothing.
        if unsafe isAfter(lower, successor: lowerIsSuccessor, upper, successor: upperIsSuccessor) { return .none }
        return .positions(start, end)
    }

    private func isAfter(
        _ lower: UnsafeRawBufferPointer, successor lowerIsSuccessor: Bool, _ upper: UnsafeRawBufferPointer,
        successor upperIsSuccessor: Bool
    ) -> Bool {
        let left = emptied(1)
        let right = emptied(3)
        unsafe left.value.append(lower)
        unsafe right.value.append(upper)
        if upperIsSuccessor, !right.value.advanceToSuccessor() { return false }
        if lowerIsSuccessor, !left.value.advanceToSuccessor() { return true }
        return unsafe compareBytes(left.value.bytes, right.value.bytes) > 0
    }

    /// The first entry at or above the key bytes, or above everything that begins with them; nil if nothing can be.
    private func position(
        of bytes: UnsafeRawBufferPointer, successor: Bool, _ table: RowsRef
    ) -> BTree.Position? {
        let key = emptied(3)
        unsafe key.value.append(bytes)
        if successor, !key.value.advanceToSuccessor() { return nil }
        if key.value.count == 0 { return tree.start }
        return unsafe tree.seek(keyPrefix(key.value.bytes), ties(key.value.bytes, table))
    }

    @inline(__always)
    private func ties(_ key: UnsafeRawBufferPointer, _ table: RowsRef) -> RowKeys {
        unsafe RowKeys(probe: key, spec: specReference, table: table, scratch: buffers.reference(to: 1))
    }
}

/// Breaks ties between equal 64-bit prefixes by the rows' whole encoded keys.
///
/// `@safe`: made for one call into the tree, during which the probe's buffer is not written to; the tree asks for rows
/// that are in it, and these are there.
@safe
struct RowKeys: TieBreaker {
    let probe: UnsafeRawBufferPointer
    let spec: Ref<KeySpec>
    let table: RowsRef
    let scratch: Ref<KeyBuffer>

    func order(of row: RowID) -> Int {
        scratch.value.removeAll()
        unsafe spec.value.appendKey(
            row: UnsafeRawPointer(table.storage.imageStart(row)), layout: table.layout,
            to: &scratch.value)
        return unsafe compareBytes(scratch.value.bytes, probe)
    }
}
