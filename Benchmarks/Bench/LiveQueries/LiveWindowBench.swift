import CAllocationCounter
import SpacetimeEngine

/// A live top ten, `ORDER BY points DESC LIMIT 10`, while scores change: time for each changed row, which leaves the order at
/// one place and comes into it at another.
///
/// The limit is the program that one writes by hand: an array of all scores in order, in which it searches and moves what lies
/// behind. SQLite asks anew after each change, with an index on the points.
struct LiveWindowBench {
    typealias Reporter = (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void

    enum Work: String, CaseIterable {
        /// Any row changes: it is hardly ever among the first.
        case any
        /// The first row changes: the window changes each time.
        case first
    }

    enum Kept: String, CaseIterable {
        /// The structure keeps all rows.
        case all = "spacetimekit"
        /// It keeps the first ones, and follows an index.
        case index = "spacetimekit-index"
    }

    let rowCounts: [Int]
    let changes: Int
    private static let limit = 10

    func run(_ report: Reporter) throws {
        for count in rowCounts {
            for work in Work.allCases {
                let results = try Kept.allCases.map { try measure($0, count, work, report) }
                let hand = hand(count, work, report)
                let sqlite = try sqlite(count, work, report)
                guard results.allSatisfy({ $0.early == hand && $0.final == sqlite }) else {
                    throw BenchError.disagreement(
                        "the systems disagree about the first \(Self.limit) of \(count) scores")
                }
            }
        }
    }

    /// - Returns: the points in the window after as many changes as are made by hand, and after all.
    private func measure(
        _ kept: Kept, _ count: Int, _ work: Work, _ report: Reporter
    ) throws -> (early: [Int64], final: [Int64]) {
        var scores = Scores(rows: count)
        let (datastore, table) = kept == .index ? try scores.makeDatastore() : (Datastore(), TableID(0))
        let indexes = kept == .index ? datastore.indexIDs(of: table) : []
        let windows = try LiveWindows(
            by: [.init(Scores.points, isDescending: true)], for: scores.schema,
            following: kept == .index ? .init(indexes[1]) : nil)
        var filling = PieceTimer()
        let window = try filling.measure {
            if kept == .all { scores.forEachImage { windows.fill($0) } }
            return try windows.add(offset: 0, limit: Self.limit, in: datastore)
        }
        var timer = PieceTimer()
        var allocations: UInt64 = 0
        var told = 0
        var early: [Int64] = []
        let images = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * Scores.byteCount, alignment: 8)
        defer { images.deallocate() }
        let old = UnsafeMutableRawBufferPointer(rebasing: images[..<Scores.byteCount])
        let new = UnsafeMutableRawBufferPointer(rebasing: images[Scores.byteCount...])
        for number in 0..<changes + changes / 10 {
            let change = work == .any ? scores.changeAny() : scores.change(Int(first(of: window, windows)))
            Scores.write(change.old, to: old)
            Scores.write(change.new, to: new)
            if kept == .index {
                datastore.begin()
                try datastore.update(indexes[0], row: new)
                _ = datastore.commit()
            }
            // The first tenth warms up.
            if number == changes / 10 { timer = PieceTimer() }
            let before = allocation_counter_read()
            try timer.measure {
                windows.delete(UnsafeRawBufferPointer(old))
                windows.insert(UnsafeRawBufferPointer(new))
                told += try windows.finish(in: datastore).count
            }
            if number >= changes / 10 { allocations += allocation_counter_read() - before }
            if number + 1 == handChanges(count) { early = points(of: window, windows) }
        }
        report(
            kept.rawValue, work.rawValue,
            [
                ("rows", Double(count)), ("ns_per_change", timer.nanosecondsEach),
                ("allocations_per_change", Double(allocations) / Double(changes)), ("told", Double(told)),
                ("kept_rows", Double(windows.keptCount)), ("bytes_per_row", Double(windows.byteCount) / Double(count)),
                ("fill_ns_per_row", filling.nanosecondsEach / Double(count)),
            ])
        return (early, points(of: window, windows))
    }

    private func points(of window: LiveWindows.ID, _ windows: LiveWindows) -> [Int64] {
        var points: [Int64] = []
        windows.rows(of: window).forEach { points.append($0.loadUnaligned(fromByteOffset: 12, as: Int64.self)) }
        return points
    }

    private func first(of window: LiveWindows.ID, _ windows: LiveWindows) -> UInt64 {
        var id: UInt64 = 0
        var isFirst = true
        windows.rows(of: window).forEach { row in
            if isFirst { id = row.loadUnaligned(as: UInt64.self) }
            isFirst = false
        }
        return id
    }

    // MARK: Peers

    /// Fewer changes where each takes long.
    private func handChanges(_ count: Int) -> Int { max(min(changes, 2_000_000_000 / max(count, 1)), 100) }

    private func hand(_ count: Int, _ work: Work, _ report: Reporter) -> [Int64] {
        struct Place {
            var points: Int64
            var id: UInt64
        }
        var scores = Scores(rows: count)
        var places = scores.all.map { Place(points: $0.points, id: $0.id) }.sorted { $0.points > $1.points }
        func search(_ points: Int64) -> Int {
            var low = 0
            var high = places.count
            while low < high {
                let middle = (low + high) / 2
                if places[middle].points > points { low = middle + 1 } else { high = middle }
            }
            return low
        }
        var timer = PieceTimer()
        for _ in 0..<handChanges(count) {
            let change = work == .any ? scores.changeAny() : scores.change(Int(places[0].id))
            timer.measure {
                var place = search(change.old.points)
                while places[place].id != change.old.id { place += 1 }
                places.remove(at: place)
                places.insert(Place(points: change.new.points, id: change.new.id), at: search(change.new.points))
            }
        }
        report("limit", work.rawValue, [("rows", Double(count)), ("ns_per_change", timer.nanosecondsEach)])
        return places.prefix(Self.limit).map(\.points)
    }

    private func sqlite(_ count: Int, _ work: Work, _ report: Reporter) throws -> [Int64] {
        var scores = Scores(rows: count)
        let sqlite = try scores.makeSQLite(index: "points")
        let update = try sqlite.prepare("UPDATE score SET team = ?, points = ? WHERE id = ?")
        let select = try sqlite.prepare("SELECT id, points FROM score ORDER BY points DESC LIMIT \(Self.limit)")
        var timer = PieceTimer()
        var top: [(id: Int64, points: Int64)] = []
        func ask() {
            top.removeAll(keepingCapacity: true)
            while select.step() { top.append((select.int64(0), select.int64(1))) }
            select.reset()
        }
        ask()
        for _ in 0..<changes + changes / 10 {
            let change = work == .any ? scores.changeAny() : scores.change(Int(top[0].id))
            update.bind(1, Int64(change.new.team))
            update.bind(2, change.new.points)
            update.bind(3, Int64(change.new.id))
            try update.run()
            timer.measure(ask)
        }
        report("sqlite-memory", work.rawValue, [("rows", Double(count)), ("ns_per_change", timer.nanosecondsEach)])
        return top.map(\.points)
    }
}
