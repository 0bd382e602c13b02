import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images, still pages: nothing is written while a plan runs. Checked bytes: operands are fields of
// rows, or were validated as values of their types. Living ids: those of an index lead to rows.

/// Combining the rows of the steps, and finding those of one step.
extension PlanRunner {
    /// Goes through all combinations of rows: a loop over the rows of one step for each combination of those before.
    func combine(_ ground: Ground, _ sink: Sink) throws(EngineError) {
        let last = plan.steps.count - 1
        // Nobody goes down for one row: it is looked up beside the row of the step before.
        var beside = -1
        if plan.endsInPoint, case .datastore = ground { beside = last - 1 }
        var depth = 0
        try open(0, times: 1, ground)
        while depth >= 0, !isOver {
            let step = plan.steps.reference(to: depth)
            let state = states.reference(to: depth)
            let times = try next(step, state, ground)
            if times == 0 {
                depth &-= 1
            } else if depth == beside {
                let point = plan.steps.reference(to: last)
                if let row = try unsafe pointRow(point, states.reference(to: last)) {
                    unsafe setRow(point.value.slot, row)
                    try unsafe result.take(times, self, sink)
                }
            } else if depth == last {
                try unsafe result.take(times, self, sink)
            } else {
                depth &+= 1
                try open(depth, times: times, ground)
            }
        }
    }

    /// Goes on to the next row of a step that fits, and puts it where expressions find it.
    ///
    /// - Returns: how often the combination counts; 0 if there is none.
    @inline(__always)
    private func next(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ ground: Ground
    ) throws(EngineError) -> Int {
        while !state.value.isOver {
            if state.value.position == state.value.filled {
                if state.value.isLastBatch { return try end(step, state) }
                if try !refill(step, state, ground) { return try end(step, state) }
            }
            let row = unsafe state.value.batch[state.value.position]
            state.value.position &+= 1
            unsafe setRow(step.value.slot, row)
            if !step.value.conditions.isAlways, try !plan.program.holds(step.value.conditions, in: frame) { continue }
            state.value.found &+= 1
            if step.value.isCounted {
                if step.value.isExistence || step.value.takesFirst { return try end(step, state) }
                continue
            }
            if step.value.takesFirst || state.value.isLastBatch { state.value.isOver = true }
            if try plan.program.holds(step.value.laterConditions, in: frame) {
                return state.value.times
            }
        }
        return 0
    }

    /// What remains to be done when all rows of a step were shown.
    private func end(_ step: Ref<CompiledStep>, _ state: Ref<StepState>) throws(EngineError) -> Int {
        state.value.isOver = true
        var found = state.value.found
        if !step.value.isCounted {
            if found > 0 || !step.value.isOuter { return 0 }
            clearRow(step.value.slot)
            found = 1
        } else if found == 0 {
            if !step.value.isOuter { return 0 }
            found = 1
        } else if step.value.isExistence {
            found = 1
        }
        if try !plan.program.holds(step.value.laterConditions, in: frame) { return 0 }
        let (times, overflow) = state.value.times.multipliedReportingOverflow(by: found)
        return overflow ? .max : times
    }

    @inline(__always)
    func setRow(_ slot: Int, _ row: UnsafeRawBufferPointer) {
        // A row without bytes has no address, and nothing of it is read; the constants have one.
        unsafe frame.addresses[slot] = row.baseAddress ?? UnsafeRawPointer(plan.program.constants.base)
        unsafe rows[slot] = row
    }

    private func clearRow(_ slot: Int) {
        unsafe frame.addresses[slot] = nil
        unsafe rows[slot] = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    // MARK: Rows of one step

    /// Begins with the rows of a step.
    private func open(_ depth: Int, times: Int, _ ground: Ground) throws(EngineError) {
        let step = plan.steps.reference(to: depth)
        let state = states.reference(to: depth)
        state.value.times = times
        state.value.found = 0
        state.value.isOver = false
        if step.value.isHashed {
            try probe(step, state)
        } else if step.value.isPoint, case .datastore = ground {
            try openPoint(step, state)
        } else {
            try openAccess(step, state, ground, countsOnly: step.value.isCounted && step.value.isUnfiltered)
        }
    }

    /// Finds the one row of a step that has one at most.
    private func openPoint(_ step: Ref<CompiledStep>, _ state: Ref<StepState>) throws(EngineError) {
        state.value.filled = 0
        state.value.position = 0
        state.value.isLastBatch = true
        guard let image = try unsafe pointRow(step, state) else { return }
        unsafe state.value.batch[0] = image
        state.value.filled = 1
        if let filter = state.value.filter { unsafe state.value.filled = filter.filter(state.value.batch, 1) }
    }

    /// Looks up the row of such a step; nil if there is none.
    @inline(__always)
    private func pointRow(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>
    ) throws(EngineError) -> UnsafeRawBufferPointer? {
        try countSeek()
        let part = plan.parts.reference(to: step.value.access.firstPart)
        guard let index = state.value.index, let table = state.value.scan.table,
            let probe = try unsafe plan.program.value(part.value.value, in: frame)
        else { return nil }
        let image: UnsafeRawBufferPointer
        if let integer = step.value.access.integer {
            let key = unsafe integer.load(probe)
            if let last = unsafe state.value.lastRow, state.value.lastKey == key {
                unsafe image = last
            } else {
                guard let row = unsafe index.value.find(integerProbe: probe, in: table.rows) else { return nil }
                unsafe image = table.storage.image(row)
                state.value.lastKey = key
                unsafe state.value.lastRow = image
            }
        } else {
            let byteCount = unsafe plan.program.types.size(part.value.value.node, at: probe)
            guard let row = unsafe index.value.find(probe: probe, byteCount: byteCount, in: table.rows) else {
                return nil
            }
            unsafe image = table.storage.image(row)
        }
        try countExamined(1)
        return unsafe image
    }

    /// Begins with the rows of an access.
    ///
    /// - Parameter countsOnly: if it can be said at once how many there are, they are found without looking at them.
    func openAccess(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ ground: Ground, countsOnly: Bool = false
    ) throws(EngineError) {
        state.value.source = .none
        state.value.filled = 0
        state.value.position = 0
        state.value.needsTest = false
        state.value.needsFilter = state.value.filter != nil
        state.value.hasDeletedToShow = false
        state.value.skipsInserted = false
        state.value.keysLeft = 0
        if step.value.access.kind != .table {
            try countSeek()
            guard try findOperands(step.value.access, state) else { return }
        }
        if step.value.source == .changes {
            guard let images = state.value.inserted else { return }
            state.value.needsTest = step.value.access.kind != .table
            state.value.source = .images(images, next: 0)
            return
        }
        if step.value.source == .tableBefore {
            state.value.skipsInserted = state.value.inserted != nil
            state.value.hasDeletedToShow = state.value.deleted != nil
        }
        let mayCount = countsOnly && !state.value.skipsInserted && !state.value.hasDeletedToShow
        switch ground {
        case .datastore(let datastore): try openTable(step, state, datastore, mayCount: mayCount)
        case .snapshot(let snapshot): try openTable(step, state, snapshot, mayCount: mayCount)
        case .rows: break
        }
    }

    /// Works out what is looked for; false if something is missing, which equals nothing.
    func findOperands(
        _ access: CompiledAccess, _ state: Ref<StepState>
    ) throws(EngineError) -> Bool {
        unsafe state.value.operands.removeAll()
        for position in 0..<access.prefixCount {
            guard let value = try unsafe plan.program.value(plan.parts[access.firstPart &+ position].value, in: frame)
            else {
                return false
            }
            unsafe state.value.operands.append(value)
        }
        if let lower = access.lower {
            guard let value = try unsafe plan.program.value(lower.value, in: frame) else { return false }
            unsafe state.value.operands.append(value)
        }
        if let upper = access.upper {
            guard let value = try unsafe plan.program.value(upper.value, in: frame) else { return false }
            unsafe state.value.operands.append(value)
        }
        for number in 0..<access.intervalCount {
            let interval = plan.intervals[access.firstInterval &+ number]
            if let lower = interval.lower {
                guard let value = try unsafe plan.program.value(lower.value, in: frame) else { return false }
                unsafe state.value.operands.append(value)
            }
            if let upper = interval.upper {
                guard let value = try unsafe plan.program.value(upper.value, in: frame) else { return false }
                unsafe state.value.operands.append(value)
            }
        }
        return true
    }

    /// Finds the next rows that meet the step's filter; false if there are none.
    @inline(never)
    func refill(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ ground: Ground
    ) throws(EngineError) -> Bool {
        while true {
            var count: Int
            var isNew = true
            switch state.value.source {
            case .scan: count = state.value.scan.refill()
            case .list:
                isNew = false
                count = state.value.refillOther()
            case .chain(let place): count = try refill(step, state, from: place)
            default: count = state.value.refillOther()
            }
            if count == 0 {
                if try advance(step, state, ground) { continue }
                return false
            }
            if isNew { try countExamined(count) }
            if state.value.skipsInserted { count = state.value.dropInserted(count) }
            if state.value.needsTest { count = keepTested(step.value.access, state, count) }
            if state.value.needsFilter, let filter = state.value.filter {
                count = unsafe filter.filter(state.value.batch, count)
            }
            if count > 0 {
                state.value.filled = count
                state.value.position = 0
                if step.value.fedStep >= 0, count > 1, case .datastore = ground { prefetchFed(step, state) }
                return true
            }
        }
    }

    /// Asks for what a later step will look up for each of the rows at hand. It would wait twice for each of them: for the slot
    /// of the index, and for the row.
    @inline(never)
    private func prefetchFed(_ step: Ref<CompiledStep>, _ state: Ref<StepState>) {
        let fed = plan.steps.reference(to: step.value.fedStep)
        let target = states.reference(to: step.value.fedStep)
        guard let index = target.value.index, let rows = target.value.scan.table?.rows,
            let integer = fed.value.access.integer, index.value.structure == .hash
        else { return }
        let start = plan.parts[fed.value.access.firstPart].value.operand.field.start
        let seed = index.value.seed
        var hashes = InlineArray<64, UInt32>(repeating: 0)
        var count = 0
        var last: UInt64?
        for i in 0..<state.value.filled {
            guard let row = unsafe state.value.batch[i].baseAddress else { continue }
            let key = unsafe integer.load(row + start)
            // Rows often come in order of it.
            if key == last { continue }
            last = key
            hashes[count] = hashInteger(key, seed: seed)
            index.value.hash.prefetch(hashes[count])
            count &+= 1
        }
        for i in 0..<count {
            // Equal hashes are nearly always equal keys.
            if let row = index.value.hash.find(hashes[i], { _ in true }) { rows.storage.prefetch(row) }
        }
    }

    /// Goes on to what follows when one source of rows is used up; false if nothing does.
    private func advance(
        _ step: Ref<CompiledStep>, _ state: Ref<StepState>, _ ground: Ground
    ) throws(EngineError) -> Bool {
        if state.value.keysLeft > 0 {
            let key = state.value.nextKey
            state.value.keysLeft &-= 1
            state.value.nextKey &+= step.value.isReversed ? -1 : 1
            try countSeek()
            switch ground {
            case .datastore(let datastore): openKey(key, step, state, datastore)
            case .snapshot: openKey(key, step, state)
            case .rows: break
            }
            return true
        }
        guard state.value.hasDeletedToShow, let deleted = state.value.deleted else { return false }
        state.value.hasDeletedToShow = false
        state.value.skipsInserted = false
        state.value.needsTest = step.value.access.kind != .table
        state.value.needsFilter = state.value.filter != nil
        state.value.source = .images(deleted, next: 0)
        if step.value.access.kind == .key, deleted.count > Self.linearLimit { openDeleted(step, state, deleted) }
        return true
    }

    /// More deleted rows than that are looked for by a hash of the key.
    private static let linearLimit = 16

    // MARK: Testing rows against the access

    /// Keeps the rows in the batch that the access would have found.
    func keepTested(_ access: CompiledAccess, _ state: Ref<StepState>, _ count: Int) -> Int {
        var kept = 0
        for i in 0..<count {
            let row = unsafe state.value.batch[i]
            guard let start = row.baseAddress, unsafe isFound(start, by: access, state) else { continue }
            unsafe state.value.batch[kept] = row
            kept &+= 1
        }
        return kept
    }

    /// Whether a row lies where the access looks.
    private func isFound(
        _ row: UnsafeRawPointer, by access: CompiledAccess, _ state: Ref<StepState>
    ) -> Bool {
        var operand = 0
        for position in 0..<access.prefixCount {
            let order = unsafe compare(row, plan.parts[access.firstPart &+ position], state.value.operands[operand])
            if order != 0 { return false }
            operand &+= 1
        }
        switch access.kind {
        // Rows that one of several look-ups finds are tested for the condition that these came from.
        case .table, .key, .any: return true
        case .keys: return unsafe isListed(row, access, state)
        case .ranges:
            for number in 0..<access.intervalCount
            where unsafe isInside(row, plan.intervals[access.firstInterval &+ number], state) {
                return true
            }
            return false
        case .range:
            return unsafe isInside(
                row,
                CompiledAccess.Interval(
                    lower: access.lower, upper: access.upper, lowerIsExcluded: access.lowerIsExcluded,
                    upperIsExcluded: access.upperIsExcluded, firstOperand: operand), state)
        }
    }

    private func isInside(
        _ row: UnsafeRawPointer, _ interval: CompiledAccess.Interval, _ state: Ref<StepState>
    ) -> Bool {
        var operand = interval.firstOperand
        if let lower = interval.lower {
            let order = unsafe compare(row, lower, state.value.operands[operand])
            if order < 0 || order == 0 && interval.lowerIsExcluded { return false }
            operand &+= 1
        }
        if let upper = interval.upper {
            let order = unsafe compare(row, upper, state.value.operands[operand])
            if order > 0 || order == 0 && interval.upperIsExcluded { return false }
        }
        return true
    }

    /// How the column of a row lies to a value, which may be the payload of a variant.
    private func compare(
        _ row: UnsafeRawPointer, _ part: CompiledAccess.Part, _ value: UnsafeRawPointer
    ) -> Int {
        // Columns are in every row.
        guard var column = unsafe plan.program.hops.find(part.column.field, in: row, plan.program.types) else {
            return 1
        }
        if part.tag >= 0 {
            let tag = unsafe Int32(column.load(as: UInt8.self))
            if tag != part.tag { return tag < part.tag ? -1 : 1 }
            unsafe column += 1
        }
        return unsafe plan.program.types.compare(part.value.node, column, value)
    }

    private func isListed(
        _ row: UnsafeRawPointer, _ access: CompiledAccess, _ state: Ref<StepState>
    ) -> Bool {
        guard let next = access.next,
            var column = unsafe plan.program.hops.find(next.field, in: row, plan.program.types)
        else { return false }
        if access.tag >= 0 {
            guard unsafe Int32(column.load(as: UInt8.self)) == access.tag else { return false }
            unsafe column += 1
        }
        let (node, value) = unsafe (access.listNode, column)
        return unsafe list(access, state).contains {
            unsafe plan.program.types.compare(node, $0.baseAddress.unsafelyUnwrapped, value)
        }
    }

    /// The keys of a list, in key order.
    func list(_ access: CompiledAccess, _ state: Ref<StepState>) -> ConstantList {
        if let list = state.value.list {
            return unsafe ConstantList(base: list.block.base, count: state.value.listCount)
        }
        return unsafe ConstantList(base: plan.program.constants.base + access.listPlace, count: access.listCount)
    }
}
