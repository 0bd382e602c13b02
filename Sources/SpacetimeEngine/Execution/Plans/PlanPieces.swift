import Synchronization

// Memory safety. Valid images: rows are copied while their piece is made, and handed to the sink for the call.

/// A run over a snapshot, taken apart into pieces that can be done at the same time: each goes through some pages of the
/// table.
///
/// Whoever runs the plan takes what was made of the pieces in their order, so that the result is that of one run: the same rows
/// in the same order, the same cost, the same errors. A piece in which something ends that run (a limit is reached, a budget is
/// exceeded, a number does not fit) is not taken, but done once more at its place.
///
/// ```text
/// let pieces = PlanPieces(plan, over: snapshot)
/// pieces.make(3, binding: values, budget)                       // on some thread
/// runner.run(over: pieces, taking: { number in … }) { row, times in … }
/// ```
package struct PlanPieces: Sendable {
    let plan: CompiledPlan
    let snapshot: DatastoreSnapshot
    /// Of each piece. Where the scan goes backward the last pages come first.
    let pages: [Range<Int>]
    private let copies = PlanCopies()

    package var count: Int { pages.count }

    /// Pages of a piece: a mebibyte of rows, which are looked at in some tenths of a millisecond.
    package static let pageCount = 16

    /// - Parameters:
    ///   - pageCount: pages of a piece.
    ///   - least: with fewer pieces it does not pay.
    /// - Returns: nil if it does not pay, or if the plan does not go through one whole table.
    package init?(
        _ plan: CompiledPlan, over snapshot: DatastoreSnapshot, pageCount: Int = Self.pageCount, least: Int = 4
    ) {
        guard plan.canBeTakenApart, let table = snapshot.table(plan.steps[0].table) else { return nil }
        let all = table.pages.count
        guard all > pageCount * (least - 1) else { return nil }
        let pages = stride(from: 0, to: all, by: pageCount).map { $0..<min($0 + pageCount, all) }
        self.pages = plan.steps[0].isReversed ? pages.reversed() : pages
        self.plan = plan
        self.snapshot = snapshot
    }

    /// Does one of the pieces, on any thread.
    ///
    /// - Parameter budget: that of the whole run. More bytes than ``byteLimit`` are not kept of one piece.
    package func make(_ number: Int, binding values: [[UInt8]], _ budget: QueryBudget) -> PlanPiece {
        var budget = budget
        budget.bytesProduced = min(budget.bytesProduced, Self.byteLimit)
        let own = copies.take(plan, snapshot)
        defer { copies.giveBack(own) }
        let piece = PlanPiece(PlanRunner(own))
        // What the closure looks at for each row must belong to this thread, too.
        let isDirect = own.isDirect
        piece.run { runner throws(EngineError) in
            try runner.bind(values)
            try unsafe runner.run(onPiece: pages[number], of: snapshot, budget: budget) { row, _ in
                // Of one table each is there once.
                if isDirect { unsafe piece.append(row) }
            }
        }
        return piece
    }

    private static let byteLimit = 1 << 24
}

/// Copies of a plan, one for each thread that makes pieces at a time. Running a plan counts references to it for each row, and threads
/// that do so on one object hold up each other: two of them would take twice as long as one.
private final class PlanCopies: Sendable {
    private let free = Mutex<[CompiledPlan]>([])

    func take(_ plan: CompiledPlan, _ snapshot: DatastoreSnapshot) -> CompiledPlan {
        if let copy = free.withLock({ $0.popLast() }) { return copy }
        // A plan that goes through one table looks nothing up.
        let tables = PlanTables(table: { snapshot.schema(of: $0) }, index: { _ in nil })
        return (try? CompiledPlan(plan.plan, tables)) ?? plan
    }

    func giveBack(_ copy: CompiledPlan) { free.withLock { $0.append(copy) } }
}

/// What one of the ``PlanPieces`` came to.
///
/// `Sendable` is unchecked: one thread makes it, and hands it to one other, which takes it.
package final class PlanPiece: @unchecked Sendable {
    /// Has groups, different rows and sorted ones in its result.
    let runner: PlanRunner
    /// Rows that are shown as they are found.
    fileprivate var rows = RowBatch()
    /// It did not come to its end.
    private(set) var hasFailed = false

    fileprivate init(_ runner: PlanRunner) { self.runner = runner }

    fileprivate func run(_ body: (PlanRunner) throws(EngineError) -> Void) {
        do throws(EngineError) { try body(runner) } catch { hasFailed = true }
    }

    fileprivate func append(_ row: UnsafeRawBufferPointer) { unsafe rows.append(row) }
}

extension CompiledPlan {
    /// Whether the rows of the only table can be gone through in parts, and nothing in the result says that they were.
    ///
    /// In joins each piece would make hash tables of its own; and how many rows are looked at would depend on when the snapshot
    /// gets its indexes.
    fileprivate var canBeTakenApart: Bool {
        guard steps.count == 1, steps[0].access.kind == .table, steps[0].source == .table, !steps[0].isHashed,
            !steps[0].isOuter, !steps[0].takesFirst, sortedTerms == 0
        else { return false }
        if let grouping {
            // Groups by keys took two threads as long as one, or longer.
            if grouping.shape.isGrouped || grouping.shape.columns.contains(where: \.isDistinct) { return false }
            if !steps[0].isCounted { return true }
            // How many rows there are is known without a look at them; and what is added up as often as there are rows is counted
            // as looking at them.
            return !steps[0].isUnfiltered && !grouping.shape.columns.contains { $0.sumKind != .none }
        }
        // Which rows are different is not known before those of earlier pieces are there, nor how many of them are wanted.
        if plan.isDistinct, order.count == 0, limit != nil { return false }
        return !steps[0].isCounted
    }
}

extension PlanResult {
    /// Takes what a piece came to, behind all that is there.
    ///
    /// - Returns: false if it has to be done once more, because something ends in it.
    func take(_ piece: PlanPiece, _ runner: PlanRunner, _ sink: PlanRunner.Sink) throws(EngineError) -> Bool {
        let cost = piece.runner.cost
        guard !piece.hasFailed, cost.rowsExamined <= runner.budget.rowsExamined - runner.cost.rowsExamined,
            fits(piece, runner)
        else { return false }
        runner.cost.seeks &+= cost.seeks
        try runner.countExamined(cost.rowsExamined)
        if plan.isDirect {
            try unsafe showRows(of: piece, runner, sink)
        } else if let groups, let others = piece.runner.result.groups {
            groups.value.add(others.value)
        } else if isOrdered {
            sort(piece.runner.result)
        } else {
            try unsafe showNew(piece.runner.result, runner, sink)
        }
        return true
    }

    /// Whether nothing ends with the rows that the piece shows.
    private func fits(_ piece: PlanPiece, _ runner: PlanRunner) -> Bool {
        // Nothing is shown before all rows were seen.
        if isOrdered || plan.grouping != nil { return true }
        let (found, produced, budget) = (piece.runner.cost, runner.cost, runner.budget)
        // All of them are left out.
        if plan.isDirect, found.rowsProduced <= toSkip { return true }
        if plan.isDirect, toSkip > 0 || found.rowsProduced >= toShow { return false }
        return found.rowsProduced <= budget.rowsProduced - produced.rowsProduced
            && found.bytesProduced <= budget.bytesProduced - produced.bytesProduced
    }

    private func showRows(
        of piece: PlanPiece, _ runner: PlanRunner, _ sink: PlanRunner.Sink
    ) throws(EngineError) {
        if toSkip > 0 {
            toSkip -= piece.rows.count
            return
        }
        try unsafe piece.rows.forEach { row throws(EngineError) in
            // By whoever gets the rows.
            if !runner.isOver { try unsafe show(row, 1, runner, sink) }
        }
    }

    /// Different rows, in the order in which they were found.
    private func showNew(
        _ other: PlanResult, _ runner: PlanRunner, _ sink: PlanRunner.Sink
    ) throws(EngineError) {
        for number in 0..<other.seen.count where !runner.isOver {
            let row = unsafe other.seen[number]
            if unsafe seen.enter(row).isNew { try unsafe show(row, 1, runner, sink) }
        }
    }

    private func sort(_ other: PlanResult) {
        for position in 0..<other.sorter.count {
            let (key, row) = unsafe (other.sorter.key(position), other.sorter.row(position))
            if unsafe !sorter.mayTake(key) { continue }
            if plan.plan.isDistinct, unsafe !seen.enter(row).isNew { continue }
            unsafe sorter.take(key, row, isStill: false, other.sorter.times(position))
        }
    }
}
