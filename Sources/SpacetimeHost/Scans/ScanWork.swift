import SpacetimeDurability
package import SpacetimeEngine
import Synchronization

/// How long scans of snapshots are shared between threads.
package struct ScanSharing: Sendable {
    var helpers: ScanHelpers
    /// Pages of a piece.
    var pageCount: Int
    /// With fewer pieces a scan is done by its own thread alone.
    var leastPieces: Int

    package init(helpers: ScanHelpers = .shared, pageCount: Int = PlanPieces.pageCount, leastPieces: Int = 4) {
        self.helpers = helpers
        self.pageCount = pageCount
        self.leastPieces = leastPieces
    }
}

/// Pieces of a scan that are made by several threads, and taken in their order by the one that asks for the scan.
///
/// That one goes on at its own pace: it makes the piece that it needs next itself, unless a helper is at it; then it makes a later
/// one meanwhile; and if there is none it waits for a moment, and makes the piece, too. So helpers make a scan shorter, and never
/// longer: not if they are busy elsewhere, and not if a busy machine lets them wait.
final class ScanWork<Piece: Sendable>: HelpedWork {
    private struct State {
        /// Pieces that are taken.
        var taken = 0
        /// Pieces that somebody makes or has made.
        var claimed = 0
        var made: [Int: Piece] = [:]
        var isOver = false
    }

    private let count: Int
    private let helpers: ScanHelpers
    private let make: @Sendable (_ number: Int, _ isOver: @escaping @Sendable () -> Bool) -> Piece
    private let state = Monitor(State())
    private let isOver = Atomic(false)

    /// So many pieces may be made before the one that is wanted next, which bounds the memory for what is in them.
    private var lead: Int { 8 * (helpers.count + 1) }
    /// For so long a helper is waited for.
    private static var patience: Duration { .milliseconds(2) }

    /// - Parameters:
    ///   - count: how many pieces there are.
    ///   - make: makes a piece, on any thread. What it comes to does not matter once `isOver` says true.
    init(
        _ count: Int, _ helpers: ScanHelpers,
        _ make: @escaping @Sendable (_ number: Int, _ isOver: @escaping @Sendable () -> Bool) -> Piece
    ) {
        self.count = count
        self.helpers = helpers
        self.make = make
    }

    /// Whoever asked does not want any more.
    func end() {
        state.wake { state in
            state.isOver = true
            state.made = [:]
        }
        // Who stops because of it finds nothing else to begin with.
        isOver.store(true, ordering: .releasing)
        helpers.dismiss(from: self)
    }

    /// What somebody else has made of a piece; nil if it is to be done by the caller. To be asked for each piece in order, when
    /// those before it have been dealt with.
    func take(_ number: Int) -> Piece? {
        // The first is done alone: a scan that ends in it needs no help.
        if number == 1 { helpers.ask(count - 1, toHelp: self) }
        let end = ContinuousClock.now + Self.patience
        while true {
            var (piece, own, isCallers): (Piece?, Int?, Bool) = (nil, nil, false)
            state.wake { $0.taken = number }
            state.wait { state -> Waiting in
                if let made = state.made.removeValue(forKey: number) {
                    piece = made
                } else if state.claimed <= number {
                    state.claimed = number + 1
                    isCallers = true
                } else if state.claimed < min(count, number + lead) {
                    own = state.claimed
                    state.claimed += 1
                } else if ContinuousClock.now < end {
                    return .atMost(1_000_000)
                } else {
                    isCallers = true
                }
                return .over
            }
            if isCallers { return nil }
            if let piece { return piece }
            if let own { makePiece(own) }
        }
    }

    func help() {
        while let number = claim() { makePiece(number) }
    }

    private func claim() -> Int? {
        var number: Int?
        state.wait { state -> Bool in
            if state.isOver || state.claimed >= count { return true }
            if state.claimed >= state.taken + lead { return false }
            number = state.claimed
            state.claimed += 1
            return true
        }
        return number
    }

    private func makePiece(_ number: Int) {
        let piece = make(number) { [self] in isOver.load(ordering: .acquiring) }
        state.wake { state in
            // The caller has lost patience, or wants nothing any more.
            if number >= state.taken, !state.isOver { state.made[number] = piece }
        }
    }
}

extension PlanRunner {
    /// Runs over a snapshot, with the help of other threads if that pays. The values of the parameters are bound.
    ///
    /// - Parameters:
    ///   - values: the same, for the others.
    ///   - shouldStop: asked now and then by each thread; true ends the query.
    package func run(
        over snapshot: DatastoreSnapshot, binding values: [[UInt8]], budget: QueryBudget,
        shouldStop: (@Sendable () -> Bool)?, _ sharing: ScanSharing = ScanSharing(), _ sink: Sink
    ) throws(EngineError) {
        var budget = budget
        budget.shouldStop = shouldStop
        guard sharing.helpers.count > 0,
            let pieces = PlanPieces(plan, over: snapshot, pageCount: sharing.pageCount, least: sharing.leastPieces)
        else { return try run(over: snapshot, budget: budget, sink) }
        // A piece may do as much as the whole.
        let (examined, produced) = (budget.rowsExamined, budget.rowsProduced)
        let (bytes, kept) = (budget.bytesProduced, budget.bytesKept)
        let work = ScanWork(pieces.count, sharing.helpers) { number, isOver in
            let budget = QueryBudget(
                rowsExamined: examined, rowsProduced: produced, bytesProduced: bytes, bytesKept: kept,
                shouldStop: { isOver() || shouldStop?() == true })
            return pieces.make(number, binding: values, budget)
        }
        defer { work.end() }
        try run(over: pieces, budget: budget, taking: work.take, sink)
    }
}
