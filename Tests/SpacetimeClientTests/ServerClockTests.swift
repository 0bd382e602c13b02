import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeClient

@Suite struct ServerClockTests {
    /// Whatever the network does, the true time lies within the bounds, and these are as narrow as the quickest answer.
    @Test func theTrueTimeIsWithinTheBounds() throws {
        var dice = RandomValues(seed: freshSeed())
        for _ in 0..<200 {
            var clock = ServerClock()
            let offset = Int64(dice.below(1 << 50)) - (1 << 49)
            // The server's clock is a little fast or slow.
            let partsPerMillion = Int64(dice.below(200)) - 100
            func server(_ local: Int64) -> Int64 { offset + local + local * partsPerMillion / 1_000_000 }
            var now: Int64 = 0
            var quickest = Int64.max
            #expect(clock.time(at: .zero) == nil)
            for _ in 0..<50 {
                now += Int64(dice.below(3_000_000))
                let sent = now
                let there = sent + Int64(dice.below(dice.oneIn(4) ? 2_000 : 80_000))
                let back = there + Int64(dice.below(dice.oneIn(4) ? 2_000 : 80_000))
                clock.add(
                    sent: .microseconds(sent), received: .microseconds(back),
                    server: Timestamp(microsecondsSinceUnixEpoch: server(there)))
                now = back
                quickest = min(quickest, back - sent)
                let time = try #require(clock.time(at: .microseconds(now)))
                let error = abs(time.now.microsecondsSinceUnixEpoch - server(now))
                #expect(error <= time.uncertainty.microseconds)
                // The drift of at most two and a half minutes comes on top.
                #expect(time.uncertainty.microseconds <= quickest / 2 + 200 + 160_000_000 / 5_000)
            }
        }
    }

    @Test func aClockThatIsSetIsBelievedAnew() throws {
        var clock = ServerClock()
        for (second, time) in [(1, 1_000_000_000), (2, 1_001_000_000), (3, 5_000_000_000)] as [(Int64, Int64)] {
            clock.add(
                sent: .seconds(second), received: .seconds(second) + .milliseconds(10),
                server: Timestamp(microsecondsSinceUnixEpoch: time))
        }
        let time = try #require(clock.time(at: .seconds(3)))
        #expect(abs(time.now.microsecondsSinceUnixEpoch - 5_000_000_000) < 20_000)
    }

    @Test func timesThatNoClockShowsAreIgnored() {
        var clock = ServerClock()
        for time in [Int64.min, .max, 1 << 60] {
            clock.add(sent: .zero, received: .seconds(1), server: Timestamp(microsecondsSinceUnixEpoch: time))
        }
        #expect(clock.time(at: .zero) == nil)
    }

    @Test func answersToCallsTellTheTime() throws {
        let bench = try Bench()
        try bench.connect()
        bench.core.now = .seconds(10)
        _ = try bench.core.callReducer("nothing", [])
        try bench.settle()
        bench.now = .seconds(10) + .milliseconds(4)
        bench.server.outbox = [
            .common(
                .reducerResult(
                    requestID: 1, timestamp: Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_000_000),
                    outcome: .committedEmpty))
        ]
        try bench.deliver()
        let time = bench.core.serverClock.time(at: bench.now)
        #expect(time?.uncertainty.microseconds ?? 0 < 2_200)
        #expect(abs((time?.now.microsecondsSinceUnixEpoch ?? 0) - 1_700_000_000_002_000) < 3_000)
    }
}
