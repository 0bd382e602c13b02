import SpacetimeSATS
import SpacetimeSchema

// Memory safety. As in the file on steps: operands are values of the columns of their index, so keys that are put together
// of them are such as were validated.

/// Finding rows in the tables of a datastore and of a snapshot.
extension PlanRunner {
    // MARK: In a datastore

    func openTable(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ datastore: Datastore, mayCount: Bool
    ) throws(EngineError) {
        guard let table = state.value.scan.table else { return }
        let window = ScanWindow(isReversed: step.value.isReversed)
        switch step.value.access.kind {
        case .table:
            if mayCount {
                state.value.found = table.count
                return
            }
            if let test = integerTest(step, state) {
                try countExamined(table.count)
                state.value.found = table.storage.count(test)
                return
            }
            state.value.scan.restart(
                window.isReversed ? ScanState.pagesFromTheBack(table.rows) : .pages(page: 0, unit: 0))
            state.value.source = .scan
        case .key:
            guard let index = state.value.index else { return }
            appendPrefix(step.value.access, state)
            unsafe open(index, whole: state.value.probe.bytes, step, state, datastore, table, mayCount: mayCount)
        case .range:
            guard let index = state.value.index else { return }
            let selection = selectRange(step.value.access, state, index, table.rows)
            open(selection, step, state, datastore, table, mayCount: mayCount)
        case .keys: prepareKeys(step, state)
        }
    }

    /// The comparison that rows are counted by, if it is nothing but that: there is a faster loop for it.
    private func integerTest(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>
    ) -> CompiledPredicate.IntegerTest? {
        guard step.value.isCounted, !step.value.isExistence, !step.value.takesFirst, !step.value.isHashed,
            step.value.conditions.isAlways, step.value.source == .table
        else { return nil }
        return state.value.filter?.integerTest
    }

    /// The rows with a key of all columns of an index.
    private func open(
        _ index: Ref<TableIndex>, whole probe: UnsafeRawBufferPointer, _ step: Ref<CompiledStep>,
        _ state: Ref<StepState>, _ datastore: Datastore, _ table: TableRef, mayCount: Bool
    ) {
        if index.value.isUnique, let start = probe.baseAddress,
            unsafe !index.value.exemptsNil || !index.value.spec.hasNil(probe: start)
        {
            let row = unsafe index.value.find(probe: start, byteCount: probe.count, in: table.rows)
            guard let row else { return }
            if mayCount {
                state.value.found = 1
                return
            }
            unsafe state.value.batch[0] = table.storage.image(row)
            state.value.source = .single
        } else {
            let selection = unsafe index.value.select(probe: probe, table.rows)
            open(selection, step, state, datastore, table, mayCount: mayCount)
        }
    }

    private func open(
        _ selection: TableIndex.Selection, _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ datastore: Datastore,
        _ table: TableRef, mayCount: Bool
    ) {
        if mayCount {
            state.value.found = datastore.count(selection, state.value.indexPosition, table)
            return
        }
        let window = ScanWindow(isReversed: step.value.isReversed)
        state.value.scan.restart(datastore.source(selection, state.value.indexPosition, table, window))
        state.value.source = .scan
    }

    /// The key of the prefix in BSATN, as an index is asked for it.
    private func appendPrefix(_ access: borrowing CompiledAccess, _ state: Ref<StepState>) {
        state.value.probe.removeAll()
        for position in access.prefix.indices {
            let part = access.prefix[position]
            if part.tag >= 0 { state.value.probe.append(UInt8(truncatingIfNeeded: part.tag)) }
            let value = unsafe state.value.operands[position]
            let byteCount = unsafe plan.program.types.size(part.value.node, at: value)
            unsafe state.value.probe.append(UnsafeRawBufferPointer(start: value, count: byteCount))
        }
    }

    private func selectRange(
        _ access: borrowing CompiledAccess, _ state: Ref<StepState>, _ index: Ref<TableIndex>, _ rows: RowsRef
    ) -> TableIndex.Selection {
        if let integer = access.integer { return selectIntegers(access, state, index, integer) }
        let (lowerIsSuccessor, upperIsSuccessor) = encodeBounds(access, state)
        return unsafe index.value.selectBytes(
            lower: state.value.lower.bytes, lowerIsSuccessor: lowerIsSuccessor, upper: state.value.upper.bytes,
            upperIsSuccessor: upperIsSuccessor, rows)
    }

    /// Encodes both ends of a range.
    ///
    /// - Returns: for each end, whether it lies behind all keys that begin with those bytes instead of before them.
    private func encodeBounds(_ access: borrowing CompiledAccess, _ state: Ref<StepState>) -> (Bool, Bool) {
        state.value.lower.removeAll()
        state.value.upper.removeAll()
        var operand = 0
        for position in access.prefix.indices {
            unsafe encode(access.prefix[position], state.value.operands[operand], &state.value.lower)
            operand &+= 1
        }
        unsafe state.value.upper.append(state.value.lower.bytes)
        if let lower = access.lower {
            unsafe encode(lower, state.value.operands[operand], &state.value.lower)
            operand &+= 1
        }
        if let upper = access.upper { unsafe encode(upper, state.value.operands[operand], &state.value.upper) }
        return (access.lowerIsExcluded, !access.upperIsExcluded)
    }

    private func encode(_ part: CompiledAccess.Part, _ value: UnsafeRawPointer, _ key: inout KeyBuffer) {
        if part.tag >= 0 { key.append(UInt8(truncatingIfNeeded: part.tag)) }
        _ = unsafe plan.program.types.appendKey(part.value.node, at: value, to: &key)
    }

    private func selectIntegers(
        _ access: borrowing CompiledAccess, _ state: Ref<StepState>, _ index: Ref<TableIndex>,
        _ integer: KeySpec.Integer
    ) -> TableIndex.Selection {
        var operand = 0
        func number(_ part: CompiledAccess.Part) -> UInt64 {
            defer { operand += 1 }
            // A simple enum is its tag.
            return unsafe part.tag >= 0 ? UInt64(part.tag) : integer.load(state.value.operands[operand])
        }
        var lower: UInt64 = 0
        var upper = integer.maximum
        if let part = access.lower {
            lower = number(part)
            if access.lowerIsExcluded {
                if lower == integer.maximum { return .none }
                lower += 1
            }
        }
        if let part = access.upper {
            upper = number(part)
            if access.upperIsExcluded {
                if upper == 0 { return .none }
                upper -= 1
            }
        }
        return index.value.selectIntegers(from: lower, through: upper)
    }

    // MARK: Lists of keys

    /// Notes which keys are to be looked up; ``openKey(_:_:_:_:)`` does one after the other.
    private func prepareKeys(_ step: Ref<CompiledStep>, _ state: Ref<StepState>) {
        let count = list(step.value.access, state).count
        state.value.keysLeft = count
        state.value.nextKey = step.value.isReversed ? count - 1 : 0
    }

    /// The key that a list's value makes together with the prefix, in BSATN.
    private func appendKey(_ number: Int, _ access: borrowing CompiledAccess, _ state: Ref<StepState>) {
        appendPrefix(access, state)
        if access.tag >= 0 { state.value.probe.append(UInt8(truncatingIfNeeded: access.tag)) }
        unsafe state.value.probe.append(list(access, state).element(number))
    }

    /// Begins with the rows of one of the keys.
    func openKey(_ number: Int, _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ datastore: Datastore) {
        state.value.source = .none
        guard let index = state.value.index, let table = state.value.scan.table else { return }
        appendKey(number, step.value.access, state)
        let given = step.value.access.prefix.count + 1
        if given == index.value.spec.columns.count {
            return unsafe open(index, whole: state.value.probe.bytes, step, state, datastore, table, mayCount: false)
        }
        state.value.lower.removeAll()
        unsafe index.value.spec.appendKey(values: state.value.probe.bytes, count: given, to: &state.value.lower)
        let key = unsafe state.value.lower.bytes
        let selection = unsafe index.value.selectBytes(
            lower: key, lowerIsSuccessor: false, upper: key, upperIsSuccessor: true, table.rows)
        open(selection, step, state, datastore, table, mayCount: false)
    }

    // MARK: In a snapshot

    func openTable(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ snapshot: DatastoreSnapshot, mayCount: Bool
    ) throws(EngineError) {
        guard let table = state.value.snapshotTable else { return }
        let isReversed = step.value.isReversed
        if step.value.access.kind == .table {
            if mayCount {
                state.value.found = table.count
            } else {
                openPages(table, state, isReversed: isReversed)
            }
            return
        }
        let columns = step.value.access.schema?.columns ?? []
        let key = SnapshotIndexes.Key(table: step.value.table, columns: columns.map(\.index))
        state.value.snapshotIndex = snapshot.indexes.index(key, of: table)
        guard let index = state.value.snapshotIndex else {
            return try openUnsorted(step, state, table, columns)
        }
        if step.value.access.kind == .keys { return prepareKeys(step, state) }
        // A key is a range of which nothing but the prefix is given.
        let (isAbove, isThrough) = encodeBounds(step.value.access, state)
        openSorted(index, state, isAbove: isAbove, isThrough: isThrough, isReversed: isReversed)
        if mayCount, case .sorted(let first, let end) = state.value.source {
            state.value.found = abs(end - first)
            state.value.source = .none
        }
    }

    private func openPages(_ table: DatastoreSnapshot.Table, _ state: Ref<StepState>, isReversed: Bool) {
        state.value.source =
            isReversed ? .pagesBackward(page: table.pages.count - 1, unit: .max) : .pages(page: 0, unit: 0)
    }

    private func openSorted(
        _ index: SnapshotIndex, _ state: Ref<StepState>, isAbove: Bool, isThrough: Bool, isReversed: Bool
    ) {
        let places = index.places(
            from: &state.value.lower, isAbove: isAbove, to: &state.value.upper, isThrough: isThrough)
        state.value.source =
            places.isEmpty
            ? .none
            : isReversed
                ? .sorted(first: places.upperBound, end: places.lowerBound)
                : .sorted(first: places.lowerBound, end: places.upperBound)
    }

    /// Begins with the rows of one of the keys, in an index of the snapshot.
    func openKey(_ number: Int, _ step: Ref<CompiledStep>, _ state: Ref<StepState>) {
        state.value.source = .none
        guard let index = state.value.snapshotIndex else { return }
        let access = step.value.access
        state.value.lower.removeAll()
        for position in access.prefix.indices {
            unsafe encode(access.prefix[position], state.value.operands[position], &state.value.lower)
        }
        if access.tag >= 0 { state.value.lower.append(UInt8(truncatingIfNeeded: access.tag)) }
        // A value without bytes has no key either, and its place in the list is an address.
        if let value = unsafe list(access, state).element(number).baseAddress {
            _ = unsafe plan.program.types.appendKey(access.listNode, at: value, to: &state.value.lower)
        }
        state.value.upper.removeAll()
        unsafe state.value.upper.append(state.value.lower.bytes)
        openSorted(index, state, isAbove: false, isThrough: true, isReversed: step.value.isReversed)
    }

    /// Looks at all rows. Those of ranges and lists are sorted as the index would have them, on which plans rely.
    private func openUnsorted(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ table: DatastoreSnapshot.Table, _ columns: [ColumnID]
    ) throws(EngineError) {
        openPages(table, state, isReversed: false)
        state.value.needsTest = true
        if step.value.access.kind == .key { return }
        let (skipsInserted, hasDeletedToShow) = (state.value.skipsInserted, state.value.hasDeletedToShow)
        state.value.skipsInserted = false
        state.value.hasDeletedToShow = false
        var rows: [UnsafeRawBufferPointer] = unsafe []
        // Of an earlier beginning of the step.
        state.value.kept.removeAll()
        while try refillUnsorted(step, state) {
            for i in 0..<state.value.filled { unsafe rows.append(state.value.kept.keep(state.value.batch[i])) }
            if state.value.kept.byteCount > budget.bytesKept {
                throw .budgetExceeded(what: "bytes to keep", limit: budget.bytesKept)
            }
        }
        unsafe rows = try RowOrder(columns.map { FieldPath($0) }, for: step.value.schema).sorted(rows)
        if step.value.isReversed { unsafe rows.reverse() }
        state.value.filled = 0
        state.value.position = 0
        state.value.needsTest = false
        state.value.needsFilter = false
        state.value.skipsInserted = skipsInserted
        state.value.hasDeletedToShow = hasDeletedToShow
        unsafe state.value.source = .list(rows, next: 0)
    }

    /// The pages hold all rows, so nothing else is opened.
    private func refillUnsorted(_ step: Ref<CompiledStep>, _ state: Ref<StepState>) throws(EngineError) -> Bool {
        while true {
            var count = state.value.refillOther()
            if count == 0 { return false }
            try countExamined(count)
            count = keepTested(step.value.access, state, count)
            if let filter = state.value.filter { count = unsafe filter.filter(state.value.batch, count) }
            if count > 0 {
                state.value.filled = count
                return true
            }
        }
    }
}
