package import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: an auto-increment column lies inside of its row. A table with one has images with
// bytes.

/// Numbers for auto-increment columns.
extension Datastore {
    /// Replaces zeros in auto-increment columns by the next numbers, in the caller's buffer.
    ///
    /// - Parameter old: the row that is replaced, if one is. Where it holds a zero, zero stays: an update gives no row
    ///   another key than the one it was found by.
    /// - Returns: whether the row brings numbers that its sequences have yet to come to; if it is stored,
    ///   ``moveSequences(_:past:)`` is to follow.
    @inline(__always)
    func drawNumbers(
        _ table: TableRef, for image: UnsafeMutableRawPointer, replacing old: UnsafeRawPointer? = nil
    ) throws(EngineError) -> Bool {
        var isAhead = false
        for i in 0..<table.sequenceCount {
            let sequence = table.sequences.reference(to: i)
            let column = sequence.value.column
            let address = unsafe image + table.layout.offset(of: column, in: image)
            // What lies beyond 128 bits lies beyond every sequence.
            guard let number = unsafe sequence.value.number(at: address) else { continue }
            if number != 0 {
                if sequence.value.isAhead(number) { isAhead = true }
                continue
            }
            if let old = unsafe old {
                let offset = unsafe table.layout.offset(of: column, in: old)
                if unsafe sequence.value.number(at: old + offset) == 0 { continue }
            }
            guard let next = sequence.value.take(state.serial) else {
                throw table.sequenceExhausted(sequence)
            }
            if !sequence.value.isListed { listMoved(sequence, i, of: table) }
            unsafe sequence.value.write(next, at: address)
        }
        return isAhead
    }

    /// Moves sequences on behind the numbers that a row brought along, so that they will not hand those out.
    @inline(never)
    func moveSequences(_ table: TableRef, past image: UnsafeRawPointer) {
        for i in 0..<table.sequenceCount {
            let sequence = table.sequences.reference(to: i)
            let layout = table.layout
            let offset = unsafe layout.offset(of: sequence.value.column, in: image)
            guard let number = unsafe sequence.value.number(at: image + offset), sequence.value.isAhead(number) else {
                continue
            }
            sequence.value.advance(past: number, state.serial)
            if !sequence.value.isListed { listMoved(sequence, i, of: table) }
        }
    }

    @inline(never)
    private func listMoved(
        _ sequence: Ref<SequenceState>, _ position: Int, of table: TableRef
    ) {
        sequence.value.isListed = true
        state.movedSequences.append(MovedSequence(table: table, position: position))
    }

    // MARK: The log

    /// A sequence whose position the log does not know. Numbers that a call has drawn stay drawn if it fails, so the
    /// next call that is logged tells of them.
    struct MovedSequence {
        let table: TableRef
        let position: Int

        var sequence: Ref<SequenceState> { table.sequences.reference(to: position) }
    }

    /// Appends where sequences were when the transaction began, as far as the log does not know: running the call again
    /// then draws the same numbers. First in a record, where ``restoreSequences(before:)`` finds it.
    func encodeSequenceStarts(into log: inout BSATNWriter) {
        var current: TableRef?
        for moved in state.movedSequences {
            guard let start = moved.sequence.value.unloggedStart(serial) else { continue }
            ChangeCollector.append(.sequenceStart, moved.position, start, of: moved.table, &current, &log)
        }
    }

    /// Appends how far the transaction has moved sequences.
    func encodeSequenceMoves(into log: inout BSATNWriter) {
        var current: TableRef?
        for moved in state.movedSequences {
            guard let next = moved.sequence.value.unloggedMove(serial) else { continue }
            ChangeCollector.append(.sequence, moved.position, next, of: moved.table, &current, &log)
        }
    }

    /// The log has all positions now.
    @inline(never)
    func noteLoggedSequences() {
        state.hasEncodedSequences = false
        for moved in state.movedSequences { moved.sequence.value.noteLogged() }
        state.movedSequences.removeAll(keepingCapacity: true)
    }

    // MARK: Positions

    /// The next value of each of a table's sequences, in column order.
    package func sequencePositions(of id: TableID) -> [Int128] {
        guard let table = try? table(id) else { return [] }
        return (0..<table.sequenceCount).map { table.sequences[$0].next }
    }

    /// Lets the sequences of a table go on at these values, in column order; one outside of its range is exhausted.
    package func restartSequences(of id: TableID, at values: [Int128]) throws(EngineError) {
        let table = try table(id)
        guard values.count == table.sequenceCount else {
            throw .malformedChanges(
                "table '\(table.schema.name)' has \(table.sequenceCount) sequences, not \(values.count)"
            )
        }
        for (i, value) in values.enumerated() { table.sequences[i].restart(at: value) }
    }

    /// Moves sequences on behind the numbers of a row that did not come by an insert.
    package func advanceSequences(of id: TableID, past image: UnsafeRawBufferPointer) throws(EngineError) {
        let table = try table(id)
        if let row = image.baseAddress { unsafe moveSequences(table, past: row) }
    }

    /// Appends where all sequences of all tables are, as the log keeps it.
    package func encodeSequences(into log: inout BSATNWriter) {
        var current: TableRef?
        for id in tableIDs {
            guard let table = try? table(id) else { continue }
            for i in 0..<table.sequenceCount {
                let next = table.sequences[i].next
                ChangeCollector.append(.sequence, i, next, of: table, &current, &log)
            }
        }
    }
}

extension AlgebraicType {
    var isSignedInteger: Bool {
        switch self {
        case .i8, .i16, .i32, .i64, .i128, .i256: true
        default: false
        }
    }
}
