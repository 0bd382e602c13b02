import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeClient

/// What a client has after its connection was lost is what a fresh one has, and what it tells is only what has changed.
@Suite struct ReconnectTests {
    /// Random requests and transactions of others, a cut before each message in turn, and the same again afterwards.
    @discardableResult
    private func run(
        seed: UInt64, steps: Int, cutAfter: Int, every period: Int = .max, _ resuming: ModelServer.Resuming = .always
    ) throws -> ModelServer {
        var dice = RandomValues(seed: seed)
        let bench = try Bench(seed: seed)
        bench.server.resuming = resuming
        try bench.connect()
        var wanted: [UInt32: [ItemQuery]] = [:]
        var messages = 0
        for _ in 0..<steps {
            try act(bench, &dice, &wanted)
            if !bench.server.outbox.isEmpty, !dice.oneIn(3) {
                if messages >= cutAfter, (messages - cutAfter) % period == 0 {
                    try bench.cut()
                    if dice.oneIn(8) { bench.server.restart() }
                    // The world goes on meanwhile.
                    for _ in 0..<dice.below(4) { bench.server.changeForOthers(&dice) }
                    if dice.oneIn(2) { try bench.wait() }
                } else {
                    try bench.deliver(dice.oneIn(4) ? 2 : 1)
                }
                messages += 1
            }
        }
        while !bench.isOpen || !bench.server.outbox.isEmpty {
            try bench.deliverAll()
            try bench.wait()
        }
        try expectFresh(bench, wanted)
        return bench.server
    }

    private func act(
        _ bench: Bench, _ dice: inout RandomValues, _ wanted: inout [UInt32: [ItemQuery]]
    ) throws {
        switch dice.below(8) {
        case 0:
            let queries = (0..<1 + dice.below(2)).map { _ -> ItemQuery in
                switch dice.below(4) {
                case 0: .all
                case 1: .noise
                default: .owner(UInt32(dice.below(3)))
                }
            }
            wanted[try bench.core.subscribe(queries.map(\.text))] = queries
        case 1:
            guard let number = wanted.keys.sorted().last else { return }
            wanted[number] = nil
            bench.core.unsubscribe(number)
        case 2:
            let item = Item(id: UInt32(dice.below(8)), owner: UInt32(dice.below(3)), text: "\(dice.below(3))")
            _ = try bench.core.callReducer("put", item.bsatn())
        case 3: _ = try bench.core.subscribe(["SELECT nonsense"])
        default: bench.server.changeForOthers(&dice)
        }
        try bench.settle()
    }

    /// The cache has the rows and the counts of a client that has just connected and wants the same.
    private func expectFresh(_ bench: Bench, _ wanted: [UInt32: [ItemQuery]]) throws {
        let fresh = try Bench(seed: 99)
        fresh.server.items = bench.server.items
        try fresh.connect()
        for number in wanted.keys.sorted() { _ = try fresh.core.subscribe((wanted[number] ?? []).map(\.text)) }
        try fresh.settle()
        try fresh.deliverAll()
        let (rows, expected) = (try bench.cached(), try fresh.cached())
        #expect(rows == expected)
        for row in rows { #expect(bench.references(row) == fresh.references(row), "\(row)") }
    }

    @Test(arguments: ModelServer.Resuming.allCases)
    func aCutAtEachMessageLeavesTheCacheOfAFreshClient(_ resuming: ModelServer.Resuming) throws {
        let seed = freshSeed("aCutAtEachMessageLeavesTheCacheOfAFreshClient \(resuming)")
        for cut in 0..<60 { try run(seed: seed &+ UInt64(cut % 5), steps: 120, cutAfter: cut, resuming) }
    }

    /// Cuts may come while a connection before is not up to date yet, and while it is asked whether it can go on.
    @Test(arguments: ModelServer.Resuming.allCases)
    func cutsInARowLeaveTheCacheOfAFreshClient(_ resuming: ModelServer.Resuming) throws {
        let seed = freshSeed("cutsInARowLeaveTheCacheOfAFreshClient \(resuming)")
        var (resumed, renewed) = (0, 0)
        for number in 0..<60 {
            let server = try run(
                seed: seed &+ UInt64(number), steps: 200, cutAfter: number % 7, every: 1 + number % 6, resuming)
            resumed += server.resumed
            renewed += server.renewed
        }
        switch resuming {
        case .unknown: #expect(resumed == 0 && renewed == 0)
        // Where the server knows what has changed, nothing is loaded again.
        case .always: #expect(resumed > 0 && renewed == 0)
        case .sometimes: #expect(resumed > 0 && renewed > 0)
        case .never: #expect(resumed == 0 && renewed > 0)
        }
    }

    @Test func whatIsGoneOnWithIsNotLoadedAgain() throws {
        let bench = try Bench()
        for id in 0..<5 as Range<UInt32> { bench.server.items[id] = Item(id: id, owner: 0, text: "a") }
        try bench.connect()
        for owner in 0..<2 as Range<UInt32> { _ = try bench.core.subscribe([ItemQuery.owner(owner).text]) }
        try bench.settle()
        try bench.deliverAll()
        try bench.cut()
        // It goes from one query into the other, and is the same row but for that.
        bench.server.items[0]?.owner = 1
        bench.server.items[1] = nil
        bench.events = []
        try bench.wait()
        try bench.deliverAll()
        #expect(bench.server.resumed == 2 && bench.server.renewed == 0)
        let changes = bench.events.compactMap { if case .changed(let changes) = $0 { changes } else { nil } }
        #expect(changes.count == 1)
        let told = try RowChanges<Item>(try #require(changes.first?.first))
        #expect(told.deleted.map(\.id) == [1])
        #expect(told.updated.map { $0.new.owner } == [1])
        #expect(told.inserted.isEmpty)
    }

    /// The rows of a set that was given up without a connection are not known by themselves: the server tells which they are.
    @Test func whatWasGivenUpMeanwhileGoesWithoutLoadingTheRestAgain() throws {
        let bench = try Bench()
        for id in 0..<5 as Range<UInt32> { bench.server.items[id] = Item(id: id, owner: id % 2, text: "a") }
        try bench.connect()
        let all = try bench.core.subscribe([ItemQuery.all.text])
        _ = try bench.core.subscribe([ItemQuery.owner(0).text])
        try bench.settle()
        try bench.deliverAll()
        try bench.cut()
        bench.core.unsubscribe(all)
        try bench.settle()
        #expect(bench.events.contains(.unsubscribed(all, nil)))
        #expect(bench.mirror.count == 5)
        try bench.wait()
        try bench.deliverAll()
        #expect(bench.server.resumed == 2 && bench.server.renewed == 0)
        #expect(bench.mirror.map(\.id).sorted() == [0, 2, 4])
        #expect(bench.events.count { $0 == .unsubscribed(all, nil) } == 1)
    }

    /// A message that may not be may have come of something wrong before: the next connection trusts nothing.
    @Test func behindAViolationEverythingBeginsAnew() throws {
        let bench = try Bench()
        bench.server.items[0] = Item(id: 0, owner: 0, text: "a")
        try bench.connect()
        _ = try bench.core.subscribe([ItemQuery.all.text])
        try bench.settle()
        try bench.deliverAll()
        bench.core.received(bench.core.connection, [0, 99], now: bench.now)
        try bench.settle()
        try bench.wait()
        try bench.deliverAll()
        #expect(bench.server.resumed == 0 && bench.mirror.count == 1)
        // And the one behind it goes on again.
        try bench.cut()
        try bench.wait()
        try bench.deliverAll()
        #expect(bench.server.resumed == 1)
    }

    @Test func withoutACutTheCacheIsThatOfAFreshClient() throws {
        let seed = freshSeed()
        for number in 0..<20 { try run(seed: seed &+ UInt64(number), steps: 150, cutAfter: .max) }
    }

    @Test func onlyRealDifferencesAreTold() throws {
        let bench = try Bench()
        for id in 0..<5 as Range<UInt32> { bench.server.items[id] = Item(id: id, owner: 0, text: "a") }
        try bench.connect()
        _ = try bench.core.subscribe([ItemQuery.all.text])
        try bench.settle()
        try bench.deliverAll()
        #expect(bench.mirror.count == 5)

        try bench.cut()
        #expect(bench.mirror.count == 5)
        bench.server.items[0] = nil
        bench.server.items[1]?.text = "b"
        bench.server.items[7] = Item(id: 7, owner: 1, text: "c")
        bench.events = []
        try bench.wait()
        try bench.deliverAll()
        let changes = bench.events.compactMap { if case .changed(let changes) = $0 { changes } else { nil } }
        #expect(changes.count == 1)
        let told = try RowChanges<Item>(try #require(changes.first?.first))
        #expect(told.inserted.map(\.id) == [7])
        #expect(told.deleted.map(\.id) == [0])
        #expect(told.updated.map { $0.new.text } == ["b"])
    }

    @Test func nothingIsTakenAwayUntilAllFirstRowsHaveCome() throws {
        let bench = try Bench()
        for id in 0..<4 as Range<UInt32> { bench.server.items[id] = Item(id: id, owner: id % 2, text: "a") }
        try bench.connect()
        for owner in 0..<2 as Range<UInt32> { _ = try bench.core.subscribe([ItemQuery.owner(owner).text]) }
        try bench.settle()
        try bench.deliverAll()
        try bench.cut()
        bench.server.items = [:]
        try bench.wait()
        // The greeting, and the rows of the first of two sets.
        try bench.deliver()
        try bench.deliver()
        #expect(bench.mirror.count == 4)
        try bench.deliver()
        #expect(bench.mirror.isEmpty)
    }

    @Test func callsUnderWayFailAndThoseThatWaitAreSent() throws {
        let bench = try Bench()
        try bench.connect()
        let lost = try bench.core.callReducer("nothing", [])
        try bench.settle()
        try bench.cut()
        guard case .failed(let error) = bench.outcomes[lost] else { throw Unexpected() }
        #expect(error.code == .connectionLost)
        let waiting = try bench.core.callReducer("nothing", [])
        try bench.settle()
        #expect(bench.outcomes[waiting] == nil)
        try bench.wait()
        try bench.deliverAll()
        #expect(bench.outcomes[waiting] == .returned([]))
    }

    @Test func attemptsAreMadeMoreAndMoreSlowlyAndGiveUp() throws {
        let bench = try Bench { options in
            options.reconnection = ClientOptions.Reconnection(
                firstDelay: .seconds(1), longestDelay: .seconds(4), attemptLimit: 5)
        }
        try bench.connect()
        var delays: [Duration] = []
        for _ in 0..<5 {
            try bench.cut()
            guard case .waiting(let until) = bench.phase else { throw Unexpected() }
            delays.append(until - bench.now)
            // It greets, and is lost again at once: that does not count as having worked.
            try bench.wait()
            try bench.deliver()
        }
        for (delay, longest) in zip(delays, [1, 2, 4, 4, 4]) {
            #expect(delay >= Duration.seconds(longest) / 2 && delay <= Duration.seconds(longest))
        }
        #expect(Set(delays).count == delays.count, "there is no jitter")
        try bench.cut()
        #expect(bench.phase == .ended)
    }

    @Test func aConnectionThatLastedMakesTheNextAttemptQuickAgain() throws {
        let bench = try Bench()
        try bench.connect()
        for _ in 0..<4 {
            try bench.cut()
            try bench.wait()
            try bench.deliver()
        }
        bench.now += Backoff.settled
        try bench.cut()
        guard case .waiting(let until) = bench.phase else { throw Unexpected() }
        #expect(until - bench.now <= .seconds(1))
    }
}

struct Unexpected: Error {}
