import SpacetimeSATS

// Memory safety. Valid images, still pages: nothing is written while a plan runs.

/// Steps that find their rows in a hash table.
extension PlanRunner {
    /// Puts the rows of a step into its hash table: once for a run.
    func buildHash(_ position: Int, _ ground: Ground) throws(EngineError) {
        let step = plan.steps.reference(to: position)
        let state = states.reference(to: position)
        state.value.hash.removeAll()
        try openAccess(step, state, ground)
        while try refill(step, state, ground) {
            for i in 0..<state.value.filled {
                let row = unsafe state.value.batch[i]
                guard let start = row.baseAddress, let hash = unsafe hash(of: start, step) else { continue }
                unsafe state.value.hash.append(hasStillRows ? row : state.value.kept.keep(row), hash)
            }
        }
        state.value.hash.link()
        state.value.keysLeft = 0
        state.value.needsTest = false
        state.value.needsFilter = false
        state.value.skipsInserted = false
        state.value.hasDeletedToShow = false
    }

    /// Nil if one of the fields is missing, which equals nothing.
    private func hash(of row: UnsafeRawPointer, _ step: Ref<CompiledStep>) -> UInt64? {
        var state: UInt64 = 0
        for number in step.value.hashKeys.indices {
            let key = step.value.hashKeys[number]
            guard let field = unsafe plan.program.hops.find(key.field.field, in: row, plan.program.types) else {
                return nil
            }
            state = unsafe mix(field, key, into: state)
        }
        return state
    }

    @inline(__always)
    private func mix(_ value: UnsafeRawPointer, _ key: CompiledStep.HashKey, into state: UInt64) -> UInt64 {
        if let integer = key.integer {
            return unsafe (state ^ integer.load(value)) &* 0x9E37_79B9_7F4A_7C15 ^ state &>> 29
        }
        return unsafe plan.program.types.hash(key.field.field.node, at: value, into: state)
    }

    // MARK: Deleted rows

    /// Begins with the deleted rows that may have the key at hand, instead of with all of them: where a commit deletes many
    /// rows of both sides of a join.
    func openDeleted(_ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ deleted: PlanChanges.Images) {
        if !state.value.hasDeletedHash {
            for number in 0..<deleted.count {
                let row = unsafe deleted[number]
                guard let start = row.baseAddress, let hash = unsafe keyHash(of: start, step) else { continue }
                unsafe state.value.deletedHash.append(row, hash)
            }
            state.value.deletedHash.link()
            state.value.hasDeletedHash = true
        }
        var hash: UInt64 = 0
        for number in 0..<step.value.access.prefixCount {
            let node = plan.parts[step.value.access.firstPart &+ number].value.node
            hash = unsafe plan.program.types.hash(node, at: state.value.operands[number], into: hash)
        }
        state.value.wanted = hash
        let first = state.value.deletedHash.first(hash)
        state.value.source = first == 0 ? .none : .deletedChain(first)
    }

    /// Nil if the row has another case in one of the columns.
    private func keyHash(of row: UnsafeRawPointer, _ step: Ref<CompiledStep>) -> UInt64? {
        var state: UInt64 = 0
        for number in 0..<step.value.access.prefixCount {
            let part = plan.parts[step.value.access.firstPart &+ number]
            guard var column = unsafe plan.program.hops.find(part.column.field, in: row, plan.program.types) else {
                return nil
            }
            if part.tag >= 0 {
                guard unsafe Int32(column.load(as: UInt8.self)) == part.tag else { return nil }
                unsafe column += 1
            }
            state = unsafe plan.program.types.hash(part.value.node, at: column, into: state)
        }
        return state
    }

    // MARK: Probing

    /// Looks up the values that are at hand.
    func probe(_ step: Ref<CompiledStep>, _ state: Ref<StepState>) throws(EngineError) {
        try countSeek()
        state.value.source = .none
        state.value.filled = 0
        state.value.position = 0
        unsafe state.value.operands.removeAll()
        var hash: UInt64 = 0
        for number in step.value.hashKeys.indices {
            guard let value = try unsafe plan.program.value(step.value.hashKeys[number].value, in: frame) else {
                return
            }
            unsafe state.value.operands.append(value)
            hash = unsafe mix(value, step.value.hashKeys[number], into: hash)
        }
        state.value.wanted = hash
        let first = state.value.hash.first(hash)
        if first != 0 { state.value.source = .chain(first) }
    }

    /// Takes rows of the hash table that have the wanted values, from an entry on.
    func refill(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, from first: UInt32
    ) throws(EngineError) -> Int {
        var place = first
        var count = 0
        while place != 0 {
            let entry = state.value.hash[place]
            place = entry.next
            guard entry.hash == state.value.wanted, let start = unsafe entry.row.baseAddress,
                unsafe isWanted(start, step, state)
            else { continue }
            unsafe state.value.batch[count] = entry.row
            count &+= 1
            if count == ScanState.batchLimit { break }
        }
        state.value.source = place == 0 ? .none : .chain(place)
        return count
    }

    private func isWanted(_ row: UnsafeRawPointer, _ step: Ref<CompiledStep>, _ state: Ref<StepState>) -> Bool {
        for number in step.value.hashKeys.indices {
            let key = step.value.hashKeys[number]
            // Rows without the field are not in the table.
            guard let field = unsafe plan.program.hops.find(key.field.field, in: row, plan.program.types) else {
                return false
            }
            let value = unsafe state.value.operands[number]
            if let integer = key.integer {
                if unsafe integer.load(field) != integer.load(value) { return false }
            } else if unsafe plan.program.types.compare(key.field.field.node, field, value) != 0 {
                return false
            }
        }
        return true
    }
}
