import SpacetimeSATS

// Memory safety. Valid images: rows of the run, which are copied if they do not stay to its end, and values of the frame. Own memory:
// the addresses of inputs. Lent buffers: the row that is put together is not written while a sink looks at it.

/// What a run makes of the combinations of rows that it finds: groups, output, different rows, order, and the part that is
/// wanted.
///
/// `@safe`: see above.
@safe
final class PlanResult {
    private let plan: CompiledPlan
    /// The values of the aggregates' inputs.
    private let inputs: UnsafeMutablePointer<UnsafeRawPointer?>
    /// Made for each run, and ended with it.
    private var groups: Ref<AggregateGroups>?
    /// Behind a pointer, so that accesses need no run-time exclusivity checks.
    private let scratch = Ref(Scratch())

    /// What changes with each row.
    private struct Scratch: ~Copyable {
        /// The row that is put together.
        var row = KeyBuffer()
        var groupKey = KeyBuffer()
        var seen = NumberedBytes()
        var sorter = RowSorter()
        var sortKey = KeyBuffer()
        /// Rows still to be left out, and then still to be shown.
        var toSkip = 0
        var toShow = 0
    }

    private var row: KeyBuffer {
        @inline(__always) _read { yield scratch.value.row }
        @inline(__always) _modify { yield &scratch.value.row }
    }
    private var groupKey: KeyBuffer {
        @inline(__always) _read { yield scratch.value.groupKey }
        @inline(__always) _modify { yield &scratch.value.groupKey }
    }
    private var seen: NumberedBytes {
        @inline(__always) _read { yield scratch.value.seen }
        @inline(__always) _modify { yield &scratch.value.seen }
    }
    private var sorter: RowSorter {
        @inline(__always) _read { yield scratch.value.sorter }
        @inline(__always) _modify { yield &scratch.value.sorter }
    }
    private var sortKey: KeyBuffer {
        @inline(__always) _read { yield scratch.value.sortKey }
        @inline(__always) _modify { yield &scratch.value.sortKey }
    }
    private var toSkip: Int {
        @inline(__always) _read { yield scratch.value.toSkip }
        @inline(__always) _modify { yield &scratch.value.toSkip }
    }
    private var toShow: Int {
        @inline(__always) _read { yield scratch.value.toShow }
        @inline(__always) _modify { yield &scratch.value.toShow }
    }

    init(_ plan: CompiledPlan) {
        self.plan = plan
        hasSums = plan.grouping?.shape.columns.contains { $0.sumKind != .none } ?? false
        let inputCount = plan.grouping?.inputs.count ?? 0
        unsafe inputs = .allocate(capacity: max(inputCount, 1))
        unsafe inputs.initialize(repeating: nil, count: max(inputCount, 1))
    }

    deinit {
        unsafe inputs.deallocate()
        groups?.destroy()
        scratch.destroy()
    }

    /// Memory for what was seen before.
    var byteCount: Int { seen.byteCount + sorter.byteCount + (groups?.value.byteCount ?? 0) }

    private let hasSums: Bool
    private static let timesAtOnce = 4_096

    private var isOrdered: Bool { !plan.order.isEmpty }

    // MARK: Beginning and end

    func begin(_ runner: PlanRunner) throws(EngineError) {
        toSkip = try number(plan.offset, runner) ?? 0
        toShow = try number(plan.limit, runner) ?? .max
        if toShow == 0 {
            runner.isOver = true
            return
        }
        let (wanted, overflow) = toSkip.addingReportingOverflow(toShow)
        let isDirect = plan.grouping == nil && !isOrdered && !plan.plan.isDistinct
        let batch = isDirect && !overflow && wanted < ScanState.batchLimit ? max(wanted, 8) : ScanState.batchLimit
        for position in 0..<plan.steps.count { runner.states.reference(to: position).value.scan.batchTarget = batch }
        if let grouping = plan.grouping {
            groups?.destroy()
            groups = Ref(AggregateGroups(grouping.shape))
        }
        sorter.begin(limit: overflow ? .max : wanted)
    }

    private func number(_ value: PlanValue?, _ runner: PlanRunner) throws(EngineError) -> Int? {
        guard let value, let address = try unsafe plan.program.value(value, in: runner.frame) else { return nil }
        return unsafe Int(clamping: address.loadUnaligned(as: UInt64.self))
    }

    /// Shows what could not be shown before all rows were seen.
    func end(_ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        if let groups { try unsafe endGroups(groups, runner, sink) }
        guard isOrdered else { return }
        runner.isOver = false
        sorter.sort()
        for position in 0..<sorter.count where !runner.isOver {
            try unsafe show(sorter.row(position), sorter.times(position), runner, sink)
        }
    }

    func close() {
        groups?.destroy()
        groups = nil
        if plan.plan.isDistinct { seen.removeAll() }
        if isOrdered { sorter.removeAll() }
    }

    // MARK: Combinations

    /// Takes the combination at hand, which counts so many times.
    @inline(__always)
    func take(_ times: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        if let grouping = plan.grouping {
            try group(times, grouping, runner)
        } else {
            try unsafe put(times, runner, sink)
        }
    }

    /// Puts a row of the output where it belongs.
    private func put(_ times: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        if !isOrdered, !plan.plan.isDistinct {
            if case .row(let slot) = plan.output { return try unsafe show(runner.rows[slot], times, runner, sink) }
            try encode(runner)
            return try unsafe show(row.bytes, times, runner, sink)
        }
        try unsafe keep(times, runner, sink)
    }

    /// The same for rows that must be different, or in an order.
    @inline(never)
    private func keep(_ times: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        if isOrdered {
            try encodeOrder(runner)
            // Of many rows, most are known by their key not to be among the first ones.
            if unsafe !sorter.mayTake(sortKey.bytes), !plan.plan.isDistinct { return }
        }
        var isStill = false
        if case .row = plan.output { isStill = runner.hasStillRows } else { try encode(runner) }
        let image: UnsafeRawBufferPointer
        if case .row(let slot) = plan.output { unsafe image = runner.rows[slot] } else { unsafe image = row.bytes }
        var times = times
        if plan.plan.isDistinct {
            guard unsafe seen.enter(image).isNew else { return }
            times = 1
        }
        if isOrdered {
            unsafe sorter.take(sortKey.bytes, image, isStill: isStill, times)
        } else {
            try unsafe show(image, times, runner, sink)
        }
    }

    /// Hands out a row, unless it is one of those to be left out.
    @inline(__always)
    private func show(
        _ image: UnsafeRawBufferPointer, _ times: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink
    ) throws(EngineError) {
        var times = times
        if toSkip > 0 {
            let skipped = min(toSkip, times)
            toSkip &-= skipped
            times &-= skipped
            if times == 0 { return }
        }
        if times >= toShow {
            times = toShow
            runner.isOver = true
        }
        toShow &-= times
        try runner.countProduced(times, byteCount: image.count)
        unsafe sink(image, times)
    }

    // MARK: Encoding

    private func encode(_ runner: PlanRunner) throws(EngineError) {
        guard case .columns(let columns) = plan.output else { return }
        row.removeAll()
        for position in columns.indices {
            let column = columns[position]
            let value = try unsafe plan.program.value(column, in: runner.frame)
            unsafe append(value, column, isCanonical: plan.plan.isDistinct, to: &row)
        }
    }

    /// Appends a value, as an option if it may be missing.
    @inline(__always)
    private func append(
        _ value: UnsafeRawPointer?, _ column: PlanValue, isCanonical: Bool, to row: inout KeyBuffer
    ) {
        guard let value = unsafe value else { return row.append(1) }
        if column.isNullable, !column.isOption { row.append(0) }
        if isCanonical {
            unsafe plan.program.types.appendCanonical(column.node, at: value, to: &row)
        } else {
            let byteCount = unsafe plan.program.types.size(column.node, at: value)
            unsafe row.append(UnsafeRawBufferPointer(start: value, count: byteCount))
        }
    }

    private func encodeOrder(_ runner: PlanRunner) throws(EngineError) {
        sortKey.removeAll()
        for term in plan.order {
            let start = sortKey.count
            let value = try unsafe plan.program.value(term.value, in: runner.frame)
            if term.value.isNullable { unsafe sortKey.append(value == nil ? 1 : 0) }
            if let value = unsafe value {
                _ = unsafe plan.program.types.appendKey(term.value.node, at: value, to: &sortKey)
            }
            // Encodings end themselves, so with all bits turned they order the other way round.
            if term.isDescending { for i in start..<sortKey.count { sortKey[i] = ~sortKey[i] } }
        }
    }

    // MARK: Groups

    @inline(never)
    private func group(
        _ times: Int, _ grouping: CompiledGrouping, _ runner: PlanRunner
    ) throws(EngineError) {
        groupKey.removeAll()
        for position in grouping.keys.indices {
            let key = grouping.keys[position]
            let value = try unsafe plan.program.value(key, in: runner.frame)
            unsafe append(value, key, isCanonical: false, to: &groupKey)
        }
        for position in grouping.inputs.indices {
            unsafe inputs[position] = try plan.program.value(grouping.inputs[position], in: runner.frame)
        }
        let values = unsafe UnsafeBufferPointer(start: UnsafePointer(inputs), count: grouping.inputs.count)
        guard let groups else { return }
        let group = unsafe groups.value.group(groupKey.bytes)
        // So many that they could not be counted.
        if times == .max { throw .arithmeticOverflow(operation: "count", byteCount: 8) }
        var left = times
        while left > 0 {
            // Sums are added to one by one, which must not take longer than the caller allows.
            let some = hasSums ? min(left, Self.timesAtOnce) : left
            if left < times { try runner.countExamined(some) }
            unsafe groups.value.add(values, to: group, times: some)
            left &-= some
        }
    }

    private func endGroups(
        _ groups: Ref<AggregateGroups>, _ runner: PlanRunner, _ sink: PlanRunner.Sink
    ) throws(EngineError) {
        guard let grouping = plan.grouping else { return }
        runner.isOver = false
        var result = KeyBuffer()
        for group in 0..<groups.value.bound where !runner.isOver {
            guard groups.value.isPresent(group) else { continue }
            result.removeAll()
            groups.value.appendResult(of: group, to: &result)
            unsafe setGroup(result.bytes, grouping, runner)
            if try plan.program.holds(grouping.conditions, in: runner.frame) { try unsafe put(1, runner, sink) }
        }
    }

    /// Puts keys and aggregates of a group where expressions find them.
    private func setGroup(_ result: UnsafeRawBufferPointer, _ grouping: CompiledGrouping, _ runner: PlanRunner) {
        // Without keys and aggregates there is nothing to be found.
        guard var address = result.baseAddress else { return }
        for (number, column) in grouping.columns.enumerated() {
            let position = plan.frame.firstKey + number
            if column.isWrapped {
                let isThere = unsafe address.load(as: UInt8.self) == 0
                unsafe runner.frame.addresses[position] = isThere ? address + 1 : nil
            } else {
                unsafe runner.frame.addresses[position] = address
            }
            unsafe address += plan.program.types.size(column.node, at: address)
        }
    }
}

extension PlanRunner {
    @inline(__always)
    func countProduced(_ times: Int, byteCount: Int) throws(EngineError) {
        let (rows, overflow) = cost.rowsProduced.addingReportingOverflow(times)
        cost.rowsProduced = overflow ? .max : rows
        let (bytes, isTooLong) = times.multipliedReportingOverflow(by: byteCount)
        let (sum, isTooMuch) = cost.bytesProduced.addingReportingOverflow(bytes)
        cost.bytesProduced = isTooLong || isTooMuch ? .max : sum
        if cost.rowsProduced > budget.rowsProduced || cost.bytesProduced > budget.bytesProduced {
            throw producedTooMuch()
        }
    }

    @inline(never)
    private func producedTooMuch() -> EngineError {
        cost.rowsProduced > budget.rowsProduced
            ? .budgetExceeded(what: "rows of the result", limit: budget.rowsProduced)
            : .budgetExceeded(what: "bytes of the result", limit: budget.bytesProduced)
    }
}
