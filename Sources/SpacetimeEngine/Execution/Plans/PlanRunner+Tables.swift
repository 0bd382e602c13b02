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
        case .ranges:
            prepareRanges(step.value.access, state, integer: step.value.access.integer)
            beginKeys(state.value.intervals.count, step, state)
        case .any: try openAny(step, state, datastore, table)
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
        if step.value.access.coveredOffset >= 0, case .positions = selection, let integer = step.value.access.integer {
            state.value.scan.cover(integer, at: step.value.access.coveredOffset)
        }
        state.value.source = .scan
    }

    /// The key of the prefix in BSATN, as an index is asked for it.
    func appendPrefix(_ access: CompiledAccess, _ state: Ref<StepState>) {
        state.value.probe.removeAll()
        for position in 0..<access.prefixCount {
            unsafe appendProbe(plan.parts[access.firstPart &+ position], state.value.operands[position], state)
        }
    }

    private func appendProbe(_ part: CompiledAccess.Part, _ value: UnsafeRawPointer, _ state: Ref<StepState>) {
        if part.tag >= 0 { state.value.probe.append(UInt8(truncatingIfNeeded: part.tag)) }
        let byteCount = unsafe plan.program.types.size(part.value.node, at: value)
        unsafe state.value.probe.append(UnsafeRawBufferPointer(start: value, count: byteCount))
    }

    func selectRange(
        _ access: CompiledAccess, _ state: Ref<StepState>, _ index: Ref<TableIndex>, _ rows: RowsRef
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
    private func encodeBounds(_ access: CompiledAccess, _ state: Ref<StepState>) -> (Bool, Bool) {
        state.value.lower.removeAll()
        state.value.upper.removeAll()
        var operand = 0
        for position in 0..<access.prefixCount {
            unsafe encode(plan.parts[access.firstPart &+ position], state.value.operands[operand], &state.value.lower)
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
        _ access: CompiledAccess, _ state: Ref<StepState>, _ index: Ref<TableIndex>,
        _ integer: KeySpec.Integer
    ) -> TableIndex.Selection {
        let range = CompiledAccess.Interval(
            lower: access.lower, upper: access.upper, lowerIsExcluded: access.lowerIsExcluded,
            upperIsExcluded: access.upperIsExcluded, firstOperand: 0)
        guard let (first, last) = numbers(of: range, state, integer) else { return .none }
        return index.value.selectIntegers(from: first, through: last)
    }

    /// The first and the last number of a range; nil if there is none.
    @inline(__always)
    private func numbers(
        of interval: CompiledAccess.Interval, _ state: Ref<StepState>, _ integer: KeySpec.Integer
    ) -> (first: UInt64, last: UInt64)? {
        var operand = interval.firstOperand
        func number(_ part: CompiledAccess.Part) -> UInt64 {
            defer { operand += 1 }
            // A simple enum is its tag.
            return unsafe part.tag >= 0 ? UInt64(part.tag) : integer.load(state.value.operands[operand])
        }
        var lower: UInt64 = 0
        var upper = integer.maximum
        if let part = interval.lower {
            lower = number(part)
            if interval.lowerIsExcluded {
                if lower == integer.maximum { return nil }
                lower += 1
            }
        }
        if let part = interval.upper {
            upper = number(part)
            if interval.upperIsExcluded {
                if upper == 0 { return nil }
                upper -= 1
            }
        }
        return (lower, upper)
    }

    // MARK: Lists of keys

    /// Notes which keys are to be looked up; ``openKey(_:_:_:_:)`` does one after the other.
    private func prepareKeys(_ step: Ref<CompiledStep>, _ state: Ref<StepState>) {
        beginKeys(list(step.value.access, state).count, step, state)
    }

    private func beginKeys(_ count: Int, _ step: Ref<CompiledStep>, _ state: Ref<StepState>) {
        state.value.keysLeft = count
        state.value.nextKey = step.value.isReversed ? count - 1 : 0
    }

    /// The key that a list's value makes together with the prefix, in BSATN.
    private func appendKey(_ number: Int, _ access: CompiledAccess, _ state: Ref<StepState>) {
        appendPrefix(access, state)
        if access.tag >= 0 { state.value.probe.append(UInt8(truncatingIfNeeded: access.tag)) }
        unsafe state.value.probe.append(list(access, state).element(number))
    }

    /// Begins with the rows of one of the keys, or of one of the ranges.
    func openKey(_ number: Int, _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ datastore: Datastore) {
        state.value.source = .none
        guard let index = state.value.index, let table = state.value.scan.table else { return }
        if step.value.access.kind == .ranges {
            return openRange(state.value.intervals[number], step, state, datastore, index, table)
        }
        appendKey(number, step.value.access, state)
        let given = step.value.access.prefixCount + 1
        if given == index.value.spec.columns.count {
            return unsafe open(index, whole: state.value.probe.bytes, step, state, datastore, table, mayCount: false)
        }
        open(selectPrefix(given, state, index, table.rows), step, state, datastore, table, mayCount: false)
    }

    /// The rows whose leading columns have the values in the probe.
    private func selectPrefix(
        _ given: Int, _ state: Ref<StepState>, _ index: Ref<TableIndex>, _ rows: RowsRef
    ) -> TableIndex.Selection {
        state.value.lower.removeAll()
        unsafe index.value.spec.appendKey(values: state.value.probe.bytes, count: given, to: &state.value.lower)
        let key = unsafe state.value.lower.bytes
        return unsafe index.value.selectBytes(
            lower: key, lowerIsSuccessor: false, upper: key, upperIsSuccessor: true, rows)
    }

    /// The rows with one of the keys of a list.
    func selectKey(
        _ number: Int, _ access: CompiledAccess, _ state: Ref<StepState>, _ index: Ref<TableIndex>, _ rows: RowsRef
    ) -> TableIndex.Selection {
        appendKey(number, access, state)
        let given = access.prefixCount + 1
        if given == index.value.spec.columns.count {
            return unsafe index.value.select(probe: state.value.probe.bytes, rows)
        }
        return selectPrefix(given, state, index, rows)
    }

    // MARK: Several ranges

    /// Notes which ranges are to be looked up, without those that lie in others.
    ///
    /// - Parameter integer: how an index over one integer reads it; nil if its keys are bytes.
    private func prepareRanges(
        _ access: CompiledAccess, _ state: Ref<StepState>, integer: KeySpec.Integer?
    ) {
        state.value.intervals.removeAll()
        for number in 0..<access.intervalCount {
            let interval = plan.intervals[access.firstInterval &+ number]
            if let integer {
                guard let (first, last) = numbers(of: interval, state, integer) else { continue }
                state.value.intervals.add(from: first, through: last, source: number)
                continue
            }
            let (isAbove, isThrough) = encodeEnds(interval, access, state)
            state.value.intervals.add(
                from: &state.value.lower, isAbove: isAbove, to: &state.value.upper, isThrough: isThrough,
                source: number)
        }
        if integer == nil { state.value.intervals.joinKeys() } else { state.value.intervals.joinNumbers() }
    }

    /// Encodes both ends of a range with the prefix in front. Returns what ``encodeBounds(_:_:)`` does.
    private func encodeEnds(
        _ interval: CompiledAccess.Interval, _ access: CompiledAccess, _ state: Ref<StepState>
    ) -> (Bool, Bool) {
        state.value.lower.removeAll()
        state.value.upper.removeAll()
        for position in 0..<access.prefixCount {
            unsafe encode(plan.parts[access.firstPart &+ position], state.value.operands[position], &state.value.lower)
        }
        unsafe state.value.upper.append(state.value.lower.bytes)
        var operand = interval.firstOperand
        if let lower = interval.lower {
            unsafe encode(lower, state.value.operands[operand], &state.value.lower)
            operand &+= 1
        }
        if let upper = interval.upper { unsafe encode(upper, state.value.operands[operand], &state.value.upper) }
        return (interval.lowerIsExcluded, !interval.upperIsExcluded)
    }

    private func openRange(
        _ entry: KeyIntervals.Entry, _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ datastore: Datastore,
        _ index: Ref<TableIndex>, _ table: TableRef
    ) {
        if !index.value.isOrdered {
            // Such an index is asked for whole keys.
            let interval = plan.intervals[step.value.access.firstInterval &+ entry.source]
            appendPrefix(step.value.access, state)
            if let part = interval.lower {
                unsafe appendProbe(part, state.value.operands[interval.firstOperand], state)
            }
            return unsafe open(index, whole: state.value.probe.bytes, step, state, datastore, table, mayCount: false)
        }
        let selection: TableIndex.Selection
        if step.value.access.integer != nil {
            selection = index.value.selectIntegers(from: entry.first, through: entry.last)
        } else {
            selection = unsafe index.value.selectBytes(
                lower: state.value.intervals.lower(entry), lowerIsSuccessor: false,
                upper: state.value.intervals.upper(entry), upperIsSuccessor: entry.isOpen, table.rows)
        }
        open(selection, step, state, datastore, table, mayCount: false)
    }

    // MARK: In a snapshot

    func openTable(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ snapshot: DatastoreSnapshot, mayCount: Bool
    ) throws(EngineError) {
        guard let table = state.value.snapshotTable else { return }
        let isReversed = step.value.isReversed
        if step.value.access.kind == .table || step.value.access.kind == .any {
            if mayCount, step.value.access.kind == .table {
                state.value.found = table.count
            } else {
                openPages(table, state, isReversed: isReversed)
            }
            return
        }
        let columns = step.value.index?.columns ?? []
        let key = SnapshotIndexes.Key(table: step.value.table, columns: columns.map(\.index))
        state.value.snapshotIndex = snapshot.indexes.index(key, of: table)
        guard let index = state.value.snapshotIndex else {
            return try openUnsorted(step, state, table, columns)
        }
        if step.value.access.kind == .keys { return prepareKeys(step, state) }
        if step.value.access.kind == .ranges {
            prepareRanges(step.value.access, state, integer: nil)
            return beginKeys(state.value.intervals.count, step, state)
        }
        // A key is a range of which nothing but the prefix is given.
        let (isAbove, isThrough) = encodeBounds(step.value.access, state)
        openSorted(index, state, isAbove: isAbove, isThrough: isThrough, isReversed: isReversed)
        if mayCount, case .sorted(let first, let end) = state.value.source {
            state.value.found = abs(end - first)
            state.value.source = .none
        }
    }

    private func openPages(_ table: DatastoreSnapshot.Table, _ state: Ref<StepState>, isReversed: Bool) {
        let pages = state.value.piece ?? 0..<table.pages.count
        state.value.pages = pages
        state.value.source =
            isReversed
            ? .pagesBackward(page: pages.upperBound - 1, unit: .max) : .pages(page: pages.lowerBound, unit: 0)
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
        if step.value.access.kind == .ranges {
            let entry = state.value.intervals[number]
            state.value.lower.removeAll()
            state.value.upper.removeAll()
            unsafe state.value.lower.append(state.value.intervals.lower(entry))
            unsafe state.value.upper.append(state.value.intervals.upper(entry))
            return openSorted(index, state, isAbove: false, isThrough: entry.isOpen, isReversed: step.value.isReversed)
        }
        let access = step.value.access
        state.value.lower.removeAll()
        for position in 0..<access.prefixCount {
            unsafe encode(plan.parts[access.firstPart &+ position], state.value.operands[position], &state.value.lower)
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
