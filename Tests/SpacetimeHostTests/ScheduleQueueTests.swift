import SpacetimeSATS
import Testing

@testable import SpacetimeHost

@Suite struct ScheduleQueueTests {
    private func at(_ microseconds: Int64) -> Timestamp { Timestamp(microsecondsSinceUnixEpoch: microseconds) }
    private func id(_ key: UInt64) -> TimerID { TimerID(source: 0, key: key) }

    @Test func whatIsDueFirstComesFirstAndEqualTimesInTheOrderOfSetting() {
        var queue = ScheduleQueue()
        queue.update(id(1), .time(at(50)), now: at(0))
        queue.update(id(2), .time(at(20)), now: at(0))
        queue.update(id(3), .time(at(20)), now: at(0))
        queue.update(id(4), .time(at(-5)), now: at(0))
        var order: [UInt64] = []
        while let next = queue.next() {
            order.append(next.id.key)
            queue.remove(next.id)
        }
        #expect(order == [4, 2, 3, 1])
        #expect(queue.count == 0)
    }

    @Test func anUpdateReplacesTheTimerOnlyIfTheScheduleChanged() {
        var queue = ScheduleQueue()
        queue.update(id(1), .interval(.seconds(10)), now: at(0))
        queue.update(id(1), .interval(.seconds(10)), now: at(4_000_000))
        #expect(queue.next()?.timer.due == at(10_000_000))
        queue.update(id(1), .interval(.seconds(3)), now: at(4_000_000))
        #expect(queue.next()?.timer.due == at(7_000_000))
        queue.update(id(1), .time(at(1)), now: at(4_000_000))
        #expect(queue.next()?.timer.due == at(1))
        #expect(queue.count == 1)
    }

    @Test(arguments: [
        // due, interval, now, next, skipped
        (10, 10, 10, 20, 0), (10, 10, 19, 20, 0), (10, 10, 20, 30, 1), (10, 10, 25, 30, 1), (10, 10, 1_000, 1_010, 99),
        // A clock that was moved back
        (10, 10, 3, 20, 0),
        // Negative intervals count by their length
        (10, -10, 10, 20, 0),
    ])
    func intervalsKeepTheirPhaseAndSkipWhatTheyMissed(
        _ due: Int64, _ interval: Int64, _ now: Int64, _ next: Int64, _ skipped: UInt64
    ) {
        let tick = ScheduleQueue.nextTick(after: at(due * 1_000), .milliseconds(interval), now: at(now * 1_000))
        #expect(tick.due == at(next * 1_000))
        #expect(tick.skipped == skipped)
        #expect(tick.due > at(now * 1_000))
    }

    @Test(arguments: [0, 1, -1, 999] as [Int64])
    func tinyIntervalsHaveAFloor(_ microseconds: Int64) {
        let schedule = ScheduleAt.interval(.microseconds(microseconds))
        #expect(ScheduleQueue.firstDue(schedule, now: at(5)) == at(1_005))
    }

    @Test(arguments: [Int64.min, .max])
    func extremeTimesAreSaturatedAndDoNotTrap(_ extreme: Int64) {
        let interval = ScheduleAt.interval(.microseconds(extreme))
        #expect(ScheduleQueue.firstDue(interval, now: at(1)) == at(.max))
        #expect(ScheduleQueue.firstDue(interval, now: at(.max)) == at(.max))
        for due in [Int64.min, 0, .max] {
            for now in [Int64.min, 0, .max] {
                _ = ScheduleQueue.nextTick(after: at(due), .microseconds(1), now: at(now))
                _ = ScheduleQueue.nextTick(after: at(due), .microseconds(extreme), now: at(now))
            }
        }
    }

    /// Against a list that is searched, through many changes of few rows.
    @Test func manyChangesAgreeWithAModel() {
        var random = DeterministicRandom(seed: 7)
        var queue = ScheduleQueue()
        var model: [UInt64: (due: Timestamp, serial: Int)] = [:]
        for step in 0..<20_000 {
            let key = UInt64.random(in: 0..<40, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                queue.remove(id(key))
                model[key] = nil
            default:
                let due = at(Int64.random(in: 0..<1_000, using: &random))
                queue.update(id(key), .time(due), now: at(0))
                if model[key]?.due != due { model[key] = (due, step) }
            }
            let first = model.min { ($0.value.due, $0.value.serial) < ($1.value.due, $1.value.serial) }
            let next = queue.next()
            guard next?.id.key == first?.key, next?.timer.due == first?.value.due, queue.count == model.count else {
                Issue.record("step \(step): \(String(describing: next)) is not \(String(describing: first))")
                return
            }
        }
    }
}
