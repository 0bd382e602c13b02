import CrashSweep
import SpacetimeKit
import SpacetimeTesting
import Testing

/// Crash points at every operation of a workload; `bench crash --points N` tries more.
@Suite struct CrashSweepTests {
    @Test func everyDurableCommitSurvivesAndTheRestIsAPrefix() throws {
        let outcome = try CrashSweep(seed: 1, steps: 60).run(points: 1_500)
        #expect(outcome.points == 1_500)
        #expect(outcome.failures.prefix(5) == [])
        #expect(outcome.operations > 100)
        #expect(outcome.recovered > 1_000)
        #expect(outcome.scheduledCalls > 1_000)
    }
}
