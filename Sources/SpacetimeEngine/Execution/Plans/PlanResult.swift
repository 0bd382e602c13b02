import SpacetimeSATS

// Memory safety. Valid images: rows of the run, which are copied if they do not stay to its end, and values of the frame. Own memory:
// the addresses of inputs. Lent buffers: the row that is put together is not written while a sink looks at it.

/// What a run makes of the combinations of rows that it finds: groups, output, different rows, order, and the part that is
/// wanted.
///
/// `@safe`: see above.
@safe
final class PlanResult {
    let plan: CompiledPlan
    /// The values of the aggregates' inputs.
    private let inputs: UnsafeMutablePointer<UnsafeRawPointer?>
    /// Made for each run, and ended with it.
    private(set) var groups: Ref<AggregateGroups>?
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
        /// What the rows that are being sorted have in common, if they come in runs.
        var runKey = KeyBuffer()
        var hasRun = false
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
    var seen: NumberedBytes {
        @inline(__always) _read { yield scratch.value.seen }
        @inline(__always) _modify { yield &scratch.value.seen }
    }
    var sorter: RowSorter {
        @inline(__always) _read { yield scratch.value.sorter }
        @inline(__always) _modify { yield &scratch.value.sorter }
    }
    private var sortKey: KeyBuffer {
        @inline(__always) _read { yield scratch.value.sortKey }
        @inline(__always) _modify { yield &scratch.value.sortKey }
    }
    private var runKey: KeyBuffer {
        @inline(__always) _read { yield scratch.value.runKey }
        @inline(__always) _modify { yield &scratch.value.runKey }
    }
    private var hasRun: Bool {
        @inline(__always) _read { yield scratch.value.hasRun }
        @inline(__always) _modify { yield &scratch.value.hasRun }
    }
    var toSkip: Int {
        @inline(__always) _read { yield scratch.value.toSkip }
        @inline(__always) _modify { yield &scratch.value.toSkip }
    }
    var toShow: Int {
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

    var isOrdered: Bool { plan.order.count > 0 }

    // MARK: Beginning and end

    /// - Parameter isPiece: what comes out is one part of the result, of which others know what is left out of it.
    func begin(_ runner: PlanRunner, isPiece: Bool = false) throws(EngineError) {
        toSkip = try number(plan.offset, runner) ?? 0
        toShow = try number(plan.limit, runner) ?? .max
        if toShow == 0 {
            runner.isOver = true
            return
        }
        let (wanted, overflow) = toSkip.addingReportingOverflow(toShow)
        if isPiece { (toSkip, toShow) = (0, overflow ? .max : wanted) }
        hasRun = false
        let isInOrder = plan.grouping == nil && (!isOrdered || plan.sortedTerms > 0) && !plan.plan.isDistinct
        let batch = isInOrder && !overflow && wanted < ScanState.batchLimit ? max(wanted, 8) : ScanState.batchLimit
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
        // Rows that come in runs may have been enough already.
        if plan.sortedTerms > 0, runner.isOver { return }
        runner.isOver = false
        try unsafe showSorted(runner, sink)
    }

    private func showSorted(_ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        sorter.sort()
        for position in 0..<sorter.count where !runner.isOver {
            try unsafe show(sorter.row(position), sorter.times(position), runner, sink)
        }
    }

    /// Ends a run of rows that are equal in the first terms of the order, if the row at hand is none of them.
    ///
    /// - Parameter end: where the encoding of these terms ends.
    private func beginRun(endingAt end: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        let key = unsafe UnsafeRawBufferPointer(rebasing: sortKey.bytes[..<end])
        if hasRun {
            if unsafe equalBytes(key, runKey.bytes) { return }
            try unsafe showSorted(runner, sink)
            if runner.isOver { return }
            let (wanted, overflow) = toSkip.addingReportingOverflow(toShow)
            sorter.begin(limit: overflow ? .max : wanted)
        }
        runKey.removeAll()
        unsafe runKey.append(key)
        hasRun = true
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
        if plan.isDirect {
            try unsafe putDirectly(times, runner, sink)
        } else if let grouping = plan.grouping {
            try group(times, grouping, runner)
        } else {
            try unsafe put(times, runner, sink)
        }
    }

    /// Puts a row of the output where it belongs.
    private func put(_ times: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        if !isOrdered, !plan.plan.isDistinct { return try unsafe putDirectly(times, runner, sink) }
        try unsafe keep(times, runner, sink)
    }

    @inline(__always)
    private func putDirectly(_ times: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        if plan.rowSlot >= 0 { return try unsafe show(runner.rows[plan.rowSlot], times, runner, sink) }
        try unsafe show(encodedRow(runner), times, runner, sink)
    }

    /// The same for rows that must be different, or in an order.
    @inline(never)
    private func keep(_ times: Int, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) {
        if isOrdered {
            let end = try encodeOrder(runner)
            if plan.sortedTerms > 0 {
                try unsafe beginRun(endingAt: end, runner, sink)
                if runner.isOver { return }
            }
            // Of many rows, most are known by their key not to be among the first ones.
            if unsafe !sorter.mayTake(sortKey.bytes), !plan.plan.isDistinct { return }
        }
        let isStill = plan.rowSlot >= 0 && runner.hasStillRows
        let image: UnsafeRawBufferPointer
        if plan.rowSlot >= 0 {
            unsafe image = runner.rows[plan.rowSlot]
        } else {
            try encode(runner)
            unsafe image = row.bytes
        }
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
    func show(
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
        row.removeAll()
        let isCanonical = plan.plan.isDistinct
        for position in 0..<plan.columns.count {
            let column = plan.columns[position]
            if column.isPlain, !isCanonical,
                let value = unsafe plan.program.find(column.value.operand, in: runner.frame)
            {
                unsafe appendPlain(value, column.size, scratch)
                continue
            }
            let value = try unsafe plan.program.value(column.value, in: runner.frame)
            unsafe append(value, column.value, isCanonical: isCanonical, to: &row)
        }
    }

    @inline(__always)
    private func appendPlain(_ value: UnsafeRawPointer, _ size: Int32, _ scratch: Ref<Scratch>) {
        switch size {
        case 8: unsafe scratch.value.row.append(littleEndian: value.loadUnaligned(as: UInt64.self), 8)
        case 4: unsafe scratch.value.row.append(littleEndian: UInt64(value.loadUnaligned(as: UInt32.self)), 4)
        case OutputColumn.counted:
            let byteCount = unsafe 4 &+ Int(value.loadUnaligned(as: UInt32.self))
            unsafe scratch.value.row.append(value: value, byteCount: byteCount)
        default: unsafe scratch.value.row.append(UnsafeRawBufferPointer(start: value, count: Int(size)))
        }
    }

    /// The same for plain columns only; false if a row is missing.
    @inline(__always)
    private func encodePlain(_ runner: PlanRunner) -> Bool {
        let scratch = scratch
        let addresses = unsafe runner.frame.addresses
        scratch.value.row.removeAll()
        for position in 0..<plan.plainColumns.count {
            let column = plan.plainColumns[position]
            guard let base = unsafe addresses[Int(column.source)] else { return false }
            unsafe appendPlain(base + column.start, column.size, scratch)
        }
        return true
    }

    /// The row that is put together of the rows at hand, where no row needs to be different from others.
    @inline(__always)
    func encodedRow(_ runner: PlanRunner) throws(EngineError) -> UnsafeRawBufferPointer {
        if plan.plainColumns.count == 0 || !encodePlain(runner) { try encode(runner) }
        return unsafe scratch.value.row.bytes
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

    /// Returns where the encoding of the terms ends that rows are in order of already.
    private func encodeOrder(_ runner: PlanRunner) throws(EngineError) -> Int {
        sortKey.removeAll()
        var end = 0
        for position in 0..<plan.order.count {
            let term = plan.order[position]
            let start = sortKey.count
            let value = try unsafe plan.program.value(term.value, in: runner.frame)
            if term.value.isNullable, !term.value.isOption { unsafe sortKey.append(value == nil ? 1 : 0) }
            if let value = unsafe value {
                _ = unsafe plan.program.types.appendKey(term.value.node, at: value, to: &sortKey)
            } else if term.value.isOption {
                // An option of a row that is not there is nil like any other: the tag of its second variant.
                sortKey.append(1)
            }
            // Encodings end themselves, so with all bits turned they order the other way round.
            if term.isDescending { for i in start..<sortKey.count { sortKey[i] = ~sortKey[i] } }
            if position + 1 == plan.sortedTerms { end = sortKey.count }
        }
        return end
    }

    // MARK: Groups

    @inline(never)
    private func group(
        _ times: Int, _ grouping: CompiledGrouping, _ runner: PlanRunner
    ) throws(EngineError) {
        groupKey.removeAll()
        for position in 0..<grouping.keys.count {
            let key = grouping.keys[position]
            let value = try unsafe plan.program.value(key, in: runner.frame)
            unsafe append(value, key, isCanonical: false, to: &groupKey)
        }
        for position in 0..<grouping.inputs.count {
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
    func producedTooMuch() -> EngineError {
        cost.rowsProduced > budget.rowsProduced
            ? .budgetExceeded(what: "rows of the result", limit: budget.rowsProduced)
            : .budgetExceeded(what: "bytes of the result", limit: budget.bytesProduced)
    }
}
