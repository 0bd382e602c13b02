import Synchronization
import Testing

@testable import SpacetimeDurability

@Suite struct ThreadTests {
    @Test(arguments: [1, 2, 5], [0, 1, 40])
    func eachWorkIsDoneOnce(threads: Int, works: Int) {
        let done = Monitor([Int](repeating: 0, count: works))
        doInParallel(threads: threads, (0..<works).map { work in { done.wake { $0[work] += 1 } } })
        #expect(done.withLock { $0 } == [Int](repeating: 1, count: works))
    }

    /// The worker would run away if nothing held it back: it is done with each piece at once.
    @Test func noPieceIsFinishedTooFarAheadOfTheOneThatIsTaken() throws {
        let line = AssemblyLine<Int>(from: 10, ahead: 3)
        let furthest = Monitor(0)
        let isStarted = line.start {
            for number in 10..<50 as Range<UInt64> {
                guard line.awaitTurn(of: number) else { return }
                furthest.wake { $0 = Int(number) }
                line.put(.success(number == 49 ? nil : Int(number)), number: number)
            }
        }
        try #require(isStarted)
        var taken: [Int] = []
        while let piece = try line.take() {
            taken.append(piece)
            // It may have gone on to the third after the one that is taken next.
            #expect(furthest.withLock { $0 } <= piece + 3)
        }
        line.stop()
        #expect(taken == Array(10..<49))
    }

    @Test func workersThatAreAheadEndWhenNothingIsWantedAnyMore() throws {
        let line = AssemblyLine<Int>(from: 0, ahead: 1)
        let isStarted = line.start {
            for number in 0... as PartialRangeFrom<UInt64> {
                guard line.awaitTurn(of: number) else { return }
                line.put(.success(Int(number)), number: number)
            }
        }
        try #require(isStarted)
        #expect(try line.take() == 0)
        line.stop()
    }
}
