import Testing

@testable import SpacetimeServer

/// Which reducers leave the event loops.
@Suite struct ReducerPaceTests {
    private static let millisecond: Int64 = 1_000_000

    @Test func aThreadThatWasSentAwayOnceMakesNoReducerSlow() {
        let pace = ReducerPace(reducerCount: 2)
        pace.note(0, 20 * Self.millisecond)
        #expect(!pace.isSlow(0))
        for _ in 0..<10 { pace.note(0, 5_000) }
        pace.note(0, 20 * Self.millisecond)
        #expect(!pace.isSlow(0))
    }

    @Test func aReducerThatIsSlowAgainAndAgainIsSlowUntilItIsFast() {
        let pace = ReducerPace(reducerCount: 2)
        for _ in 0..<3 { pace.note(1, 3 * Self.millisecond) }
        #expect(pace.isSlow(1))
        #expect(!pace.isSlow(0))
        for _ in 0..<20 { pace.note(1, 5_000) }
        #expect(!pace.isSlow(1))
    }

    @Test func oneCallOfASecondIsEnough() {
        let pace = ReducerPace(reducerCount: 1)
        pace.note(0, 1_000 * Self.millisecond)
        #expect(pace.isSlow(0))
    }
}
