import CAllocationCounter
import SpacetimeEngine

/// Aggregates that are kept up to date while scores change: time for each changed row, which leaves one group and comes into
/// another.
///
/// The limit is the program that one writes by hand: a dictionary of the groups; for the least and the greatest an array of each
/// group's points in order. SQLite asks for both groups anew after each change, with an index on team and points.
struct LiveAggregateBench {
    typealias Reporter = LiveWindowBench.Reporter

    enum Work: String, CaseIterable {
        /// `SELECT team, COUNT(*), SUM(points) … GROUP BY team`
        case sums
        /// `SELECT team, COUNT(*), SUM(points), MIN(points), MAX(points) … GROUP BY team`
        case extremes
        /// `SELECT COUNT(*), SUM(points), MIN(points), MAX(points) …`
        case ungrouped
        /// `SELECT team, SUM(ratio), AVG(ratio) … GROUP BY team`, of floats.
        case floats

        var outputs: [AggregateShape.Output] {
            switch self {
            case .sums: [.init(.count), .init(.sum, of: 0)]
            case .extremes, .ungrouped:
                [.init(.count), .init(.sum, of: 0), .init(.min, of: 0), .init(.max, of: 0)]
            case .floats: [.init(.sum, of: 0), .init(.average, of: 0)]
            }
        }
    }

    let rowCounts: [Int]
    let changes: Int

    func run(_ report: Reporter) throws {
        for count in rowCounts {
            for work in Work.allCases {
                let ours = try measure(work, count, report)
                let hand = work == .floats ? handFloats(count, report) : hand(work, count, report)
                let sqlite = work == .floats ? 0 : try sqlite(work, count, report)
                // Sums of floats drift in the program that adds and subtracts.
                guard work == .floats || ours.early == hand && ours.final == sqlite else {
                    throw BenchError.disagreement("the systems disagree about \(work.rawValue) of \(count) scores")
                }
            }
        }
    }

    /// - Returns: a digest of the result after as many changes as are made by hand, and after all.
    private func measure(
        _ work: Work, _ count: Int, _ report: Reporter
    ) throws -> (early: UInt64, final: UInt64) {
        var scores = Scores(rows: count)
        let live = try LiveAggregate(
            by: work == .ungrouped ? [] : [Scores.team], of: [work == .floats ? Scores.ratio : Scores.points],
            work.outputs, for: scores.schema)
        var filling = PieceTimer()
        filling.measure { scores.forEachImage { live.fill($0) } }
        var timer = PieceTimer()
        var allocations: UInt64 = 0
        var early: UInt64 = 0
        let images = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * Scores.byteCount, alignment: 8)
        defer { images.deallocate() }
        let old = UnsafeMutableRawBufferPointer(rebasing: images[..<Scores.byteCount])
        let new = UnsafeMutableRawBufferPointer(rebasing: images[Scores.byteCount...])
        for number in 0..<changes + changes / 10 {
            let change = scores.changeAny()
            Scores.write(change.old, to: old)
            Scores.write(change.new, to: new)
            // The first tenth warms up.
            if number == changes / 10 { timer = PieceTimer() }
            let before = allocation_counter_read()
            timer.measure {
                live.delete(UnsafeRawBufferPointer(old))
                live.insert(UnsafeRawBufferPointer(new))
                _ = live.finish()
            }
            if number >= changes / 10 { allocations += allocation_counter_read() - before }
            if number + 1 == handChanges(work, count) { early = digest(live, work) }
        }
        report(
            "spacetimekit", work.rawValue,
            [
                ("rows", Double(count)), ("ns_per_change", timer.nanosecondsEach),
                ("allocations_per_change", Double(allocations) / Double(changes)),
                ("bytes_per_row", Double(live.byteCount) / Double(count)),
                ("fill_ns_per_row", filling.nanosecondsEach / Double(count)),
            ])
        return (early, digest(live, work))
    }

    private func digest(_ live: LiveAggregate, _ work: Work) -> UInt64 {
        if work == .floats { return 0 }
        var digest: UInt64 = 0
        live.rows().forEach { row in
            // Behind the team the count; without a team the others are options.
            let start = work == .ungrouped ? 0 : 4
            var values = [row.loadUnaligned(fromByteOffset: start, as: Int64.self)]
            var offset = start + 8 + (work == .ungrouped ? 1 : 0)
            values.append(row.loadUnaligned(fromByteOffset: offset, as: Int64.self))
            offset += 16
            while work != .sums, offset < row.count {
                if work == .ungrouped { offset += 1 }
                values.append(row.loadUnaligned(fromByteOffset: offset, as: Int64.self))
                offset += 8
            }
            let team = work == .ungrouped ? 0 : row.loadUnaligned(as: UInt32.self)
            digest &+= Self.digest(Int64(team), values)
        }
        return digest
    }

    /// Independent of the order of the groups.
    private static func digest(_ team: Int64, _ values: [Int64]) -> UInt64 {
        values.reduce(UInt64(truncatingIfNeeded: team)) { state, value in
            (state ^ UInt64(bitPattern: value)) &* 0x9E37_79B9_7F4A_7C15 ^ state >> 29
        }
    }

    // MARK: Peers

    private struct HandGroup {
        var count = 0
        var sum: Int64 = 0
        var points: [Int64] = []

        mutating func change(_ value: Int64, isRemoval: Bool, keepsPoints: Bool) {
            count += isRemoval ? -1 : 1
            sum &+= isRemoval ? -value : value
            guard keepsPoints else { return }
            var low = 0
            var high = points.count
            while low < high {
                let middle = (low + high) / 2
                if points[middle] < value { low = middle + 1 } else { high = middle }
            }
            if isRemoval { points.remove(at: low) } else { points.insert(value, at: low) }
        }
    }

    /// Fewer changes where each takes long.
    private func handChanges(_ work: Work, _ count: Int) -> Int {
        work == .ungrouped ? max(min(changes, 2_000_000_000 / max(count, 1)), 100) : changes
    }

    private func hand(_ work: Work, _ count: Int, _ report: Reporter) -> UInt64 {
        var scores = Scores(rows: count)
        let keepsPoints = work != .sums
        var groups: [UInt32: HandGroup] = [:]
        for score in scores.all {
            let team = work == .ungrouped ? 0 : score.team
            groups[team, default: HandGroup()].count += 1
            groups[team, default: HandGroup()].sum &+= score.points
            if keepsPoints { groups[team, default: HandGroup()].points.append(score.points) }
        }
        for team in groups.keys { groups[team]?.points.sort() }
        var timer = PieceTimer()
        let isGrouped = work != .ungrouped
        for _ in 0..<handChanges(work, count) {
            let change = scores.changeAny()
            timer.measure {
                groups[isGrouped ? change.old.team : 0, default: HandGroup()]
                    .change(change.old.points, isRemoval: true, keepsPoints: keepsPoints)
                groups[isGrouped ? change.new.team : 0, default: HandGroup()]
                    .change(change.new.points, isRemoval: false, keepsPoints: keepsPoints)
            }
        }
        report("limit", work.rawValue, [("rows", Double(count)), ("ns_per_change", timer.nanosecondsEach)])
        var digest: UInt64 = 0
        for (team, group) in groups where group.count > 0 {
            var values = [Int64(group.count), group.sum]
            if let least = group.points.first, let greatest = group.points.last { values += [least, greatest] }
            digest &+= Self.digest(Int64(team), values)
        }
        return digest
    }

    private func handFloats(_ count: Int, _ report: Reporter) -> UInt64 {
        var scores = Scores(rows: count)
        var groups: [UInt32: (count: Int, sum: Double)] = [:]
        for score in scores.all {
            groups[score.team, default: (0, 0)].count += 1
            groups[score.team, default: (0, 0)].sum += score.ratio
        }
        var timer = PieceTimer()
        for _ in 0..<changes {
            let change = scores.changeAny()
            timer.measure {
                groups[change.old.team, default: (0, 0)].count -= 1
                groups[change.old.team, default: (0, 0)].sum -= change.old.ratio
                groups[change.new.team, default: (0, 0)].count += 1
                groups[change.new.team, default: (0, 0)].sum += change.new.ratio
            }
        }
        report("limit", Work.floats.rawValue, [("rows", Double(count)), ("ns_per_change", timer.nanosecondsEach)])
        return groups.values.reduce(0) { $0 &+ $1.sum.bitPattern }
    }

    private func sqlite(_ work: Work, _ count: Int, _ report: Reporter) throws -> UInt64 {
        var scores = Scores(rows: count)
        let isGrouped = work != .ungrouped
        let sqlite = try scores.makeSQLite(index: isGrouped ? "team, points" : "points")
        let update = try sqlite.prepare("UPDATE score SET team = ?, points = ? WHERE id = ?")
        let functions = "COUNT(*), SUM(points)" + (work == .sums ? "" : ", MIN(points), MAX(points)")
        let select = try sqlite.prepare("SELECT \(functions) FROM score" + (isGrouped ? " WHERE team = ?" : ""))
        func ask(_ team: UInt32) -> [Int64] {
            if isGrouped { select.bind(1, Int64(team)) }
            var values: [Int64] = []
            if select.step() { values = (0..<(work == .sums ? 2 : 4)).map { select.int64($0) } }
            select.reset()
            return values
        }
        var timer = PieceTimer()
        let timed = max(min(changes, 100_000_000 / max(isGrouped ? count / Int(Scores.teamCount) : count, 1)), 10)
        for number in 0..<changes + changes / 10 {
            let change = scores.changeAny()
            update.bind(1, Int64(change.new.team))
            update.bind(2, change.new.points)
            update.bind(3, Int64(change.new.id))
            try update.run()
            if number >= timed { continue }
            timer.measure {
                _ = ask(change.old.team)
                if isGrouped { _ = ask(change.new.team) }
            }
        }
        report("sqlite-memory", work.rawValue, [("rows", Double(count)), ("ns_per_change", timer.nanosecondsEach)])
        var digest: UInt64 = 0
        for team in 0..<(isGrouped ? UInt32(Scores.teamCount) : 1) {
            let values = ask(team)
            if values[0] > 0 { digest &+= Self.digest(Int64(team), values) }
        }
        return digest
    }
}
