/// Rows that are seen, or not seen, because of calls that are under way.
extension RowStore {
    /// Calls `body` with each row that queries deliver since the message at hand, and each that they do not any more. Before
    /// ``finish()``.
    func forEachConfirmedChange(_ body: (UnsafeRawBufferPointer, _ isThere: Bool) -> Void) {
        for position in 0..<touched.count {
            let number = touched[position]
            let entry = entries[Int(number)]
            let isThere = entry.count > 0
            if isThere != entry.flags.contains(.wasConfirmed) { body(bytes(of: number), isThere) }
        }
    }

    /// Calls `body` with each row that queries deliver, seen or not.
    func forEachConfirmed(_ body: (UnsafeRawBufferPointer) -> Void) {
        for number in 0..<UInt32(entries.count) where entries[Int(number)].count > 0 { body(bytes(of: number)) }
    }

    /// From now on only what queries deliver is seen.
    mutating func clearForesight() {
        for position in 0..<foreseen.count {
            let number = foreseen[position]
            touch(number)
            entries[Int(number)].flags.subtract(.foreseen)
        }
        foreseen.removeAll()
    }

    /// Shows a row that no query delivers yet.
    mutating func show(_ row: UnsafeRawBufferPointer) {
        reserve(rows: 1, bytes: row.count)
        // One that is too short is none of the table's.
        guard let hash = identityHash(row) else { return }
        var alike = 0
        let number: UInt32
        switch slots.find(hash, { isSame(row, $0, &alike) }) {
        case .found(let found, _): number = found
        case .free(let place): number = add(row, hash, place)
        }
        touch(number)
        entries[Int(number)].flags.formUnion(.isPredicted)
        foreseen.append(number)
    }

    /// Hides a row, whether queries deliver it or not.
    mutating func hide(_ row: UnsafeRawBufferPointer) {
        var alike = 0
        guard let hash = identityHash(row), case .found(let number, _) = slots.find(hash, { isSame(row, $0, &alike) })
        else { return }
        touch(number)
        entries[Int(number)].flags.formUnion(.isHidden)
        foreseen.append(number)
    }
}
