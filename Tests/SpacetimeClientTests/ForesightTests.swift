import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeClient

/// Runs the calls of the model of a server on the rows that a client has: also such that the server will refuse.
private final class ItemPredictor: RowPredictor {
    private let rows = Mutex<[[UInt8]: Item]>([:])

    func follow(_ changes: [CacheDifference]) {
        for change in changes where change.table == "item" {
            rows.withLock { rows in
                for row in 0..<change.deleted.count {
                    #expect(rows.removeValue(forKey: change.deleted[row]) != nil, "a row went that was not there")
                }
                for row in 0..<change.inserted.count {
                    let bytes = change.inserted[row]
                    #expect(rows.updateValue(try! Item(bsatn: bytes), forKey: bytes) == nil, "a row came twice")
                }
            }
        }
    }

    func predict(_ calls: [PredictedCall]) -> [CacheDifference] {
        let before = rows.withLock { Set($0.values) }
        var after = before
        for call in calls {
            guard let item = try? Item(bsatn: call.arguments) else { continue }
            after = after.filter { $0.id != item.id }
            after.insert(item)
        }
        var difference = CacheDifference(table: "item")
        for item in after.subtracting(before).sorted(by: { $0.id < $1.id }) {
            item.bsatn().withUnsafeBytes { difference.inserted.append($0) }
        }
        for item in before.subtracting(after).sorted(by: { $0.id < $1.id }) {
            item.bsatn().withUnsafeBytes { difference.deleted.append($0) }
        }
        return difference.isEmpty ? [] : [difference]
    }
}

/// What is foreseen is seen at once, and gone when the outcome is known.
@Suite struct ForesightTests {
    private static let now = Timestamp(microsecondsSinceUnixEpoch: 0)

    private func bench(_ resuming: ModelServer.Resuming = .always, seed: UInt64 = 1) throws -> Bench {
        let bench = try Bench(seed: seed)
        bench.server.resuming = resuming
        for id in 0..<4 as Range<UInt32> { bench.server.items[id] = Item(id: id, owner: id % 2, text: "a") }
        try bench.connect()
        bench.core.cache.foresee(by: ItemPredictor())
        return bench
    }

    @Test func aCallIsSeenUntilTheServersRowsAreThere() throws {
        let bench = try bench()
        _ = try bench.core.subscribe([ItemQuery.all.text])
        try bench.settle()
        try bench.deliverAll()
        bench.events = []
        let item = Item(id: 1, owner: 0, text: "mine")
        let number = try bench.core.predict("put", item.bsatn(), at: Self.now)
        try bench.settle()
        #expect(bench.mirror.contains(item) && bench.mirror.count == 4)
        // An update, as it is when the server does it.
        guard case .changed(let changes)? = bench.events.first else { throw Unexpected() }
        #expect(changes.first?.updated.new.count == 1)
        bench.events = []
        try bench.deliverAll()
        // The server has done the same: nothing is told but that.
        #expect(bench.events == [.finished(number, .returned([]))])
        #expect(bench.mirror.contains(item) && bench.mirror.count == 4)
    }

    @Test func whatIsRefusedIsTakenBack() throws {
        let bench = try bench()
        _ = try bench.core.subscribe([ItemQuery.all.text])
        try bench.settle()
        try bench.deliverAll()
        let before = bench.mirror
        let first = Item(id: 1, owner: 0, text: "refused")
        let second = Item(id: 1, owner: 1, text: "accepted")
        let third = Item(id: 2, owner: 1, text: "refused, too")
        _ = try bench.core.predict("refuse", first.bsatn(), at: Self.now)
        _ = try bench.core.predict("put", second.bsatn(), at: Self.now)
        _ = try bench.core.predict("refuse", third.bsatn(), at: Self.now)
        try bench.settle()
        #expect(bench.mirror.isSuperset(of: [second, third]) && !bench.mirror.contains(first))
        try bench.deliver()
        #expect(bench.mirror.isSuperset(of: [second, third]))
        try bench.deliver()
        #expect(bench.mirror.isSuperset(of: [second, third]))
        try bench.deliver()
        #expect(bench.mirror == before.filter { $0.id != 1 }.union([second]))
    }

    /// A row of somebody else comes, and what is under way is run on it again.
    @Test func whatOthersDoIsUnderWhatIsForeseen() throws {
        let bench = try bench()
        _ = try bench.core.subscribe([ItemQuery.all.text])
        try bench.settle()
        try bench.deliverAll()
        let mine = Item(id: 9, owner: 0, text: "mine")
        _ = try bench.core.predict("refuse", mine.bsatn(), at: Self.now)
        // Not sent yet, as far as the server knows.
        let theirs = Item(id: 9, owner: 1, text: "theirs")
        bench.server.outbox = []
        bench.server.say(.common(.transactionUpdate(bench.server.change(9, to: theirs, noise: nil))))
        try bench.settle()
        try bench.deliver()
        #expect(bench.mirror.contains(mine) && !bench.mirror.contains(theirs))
        try bench.deliverAll()
        #expect(bench.mirror.contains(theirs) && !bench.mirror.contains(mine))
    }

    @Test func whatIsLostIsTakenBackAndWhatWaitsIsNot() throws {
        let bench = try bench()
        _ = try bench.core.subscribe([ItemQuery.all.text])
        try bench.settle()
        try bench.deliverAll()
        let lost = Item(id: 7, owner: 0, text: "lost")
        let waiting = Item(id: 8, owner: 0, text: "waiting")
        _ = try bench.core.predict("refuse", lost.bsatn(), at: Self.now)
        try bench.settle()
        #expect(bench.mirror.contains(lost))
        try bench.cut()
        #expect(!bench.mirror.contains(lost))
        _ = try bench.core.predict("put", waiting.bsatn(), at: Self.now)
        try bench.settle()
        #expect(bench.mirror.contains(waiting))
        try bench.wait()
        #expect(bench.mirror.contains(waiting))
        try bench.deliverAll()
        #expect(bench.mirror.contains(waiting) && bench.mirror.count == 5)
    }

    /// After all results are in, the cache has the server's rows, whatever was foreseen, lost, refused or came in between; and what is
    /// told is what is seen, at each moment.
    @Test(arguments: ModelServer.Resuming.allCases)
    func whenAllOutcomesAreKnownTheCacheHasTheServersRows(_ resuming: ModelServer.Resuming) throws {
        let first = freshSeed("whenAllOutcomesAreKnownTheCacheHasTheServersRows \(resuming)")
        for seed in [1, 2, 3, 4, 5] + (0..<20).map({ first &+ $0 }) {
            var dice = RandomValues(seed: seed)
            let bench = try bench(resuming, seed: seed)
            var wanted: [UInt32: ItemQuery] = [:]
            for _ in 0..<150 {
                switch dice.below(10) {
                case 0:
                    let query = dice.oneIn(3) ? ItemQuery.all : .owner(UInt32(dice.below(3)))
                    wanted[try bench.core.subscribe([query.text])] = query
                case 1:
                    guard let number = wanted.keys.sorted().last else { break }
                    wanted[number] = nil
                    bench.core.unsubscribe(number)
                case 2...4:
                    let item = Item(
                        id: UInt32(dice.below(8)), owner: UInt32(dice.below(3)), text: "\(dice.below(3))")
                    let name = dice.oneIn(3) ? "refuse" : "put"
                    _ = try bench.core.predict(name, item.bsatn(), at: Self.now)
                case 5: bench.server.changeForOthers(&dice)
                case 6 where dice.oneIn(4):
                    try bench.cut()
                    for _ in 0..<dice.below(3) { bench.server.changeForOthers(&dice) }
                    if dice.oneIn(2) { try bench.wait() }
                case 7: try bench.wait()
                default: try bench.deliver(1 + dice.below(2))
                }
                try bench.settle()
            }
            while !bench.isOpen || !bench.server.outbox.isEmpty {
                try bench.deliverAll()
                try bench.wait()
            }
            let queries = Set(wanted.values)
            let expected = Set(bench.server.items.values.filter { item in queries.contains { $0.matches(item) } })
            let rows = try bench.cached()
            try #require(rows == expected, "seed \(seed)")
        }
    }
}
