import SpacetimeEngine
import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// Changes that wait to be followed, taken out in slices of any size.
@Suite struct ChangeQueueTests {
    private static func changes(_ deletes: [Int], _ inserts: [Int]) -> RowChanges {
        var changes = RowChanges()
        for row in deletes { "\(row)".utf8.map(\.self).withUnsafeBytes { changes.deletes.append($0) } }
        for row in inserts { "\(row)".utf8.map(\.self).withUnsafeBytes { changes.inserts.append($0) } }
        return changes
    }

    private static func weights(_ bag: borrowing RowBag) -> [String: Int] {
        var weights: [String: Int] = [:]
        bag.forEach { row, weight in weights[String(decoding: row, as: UTF8.self)] = weight }
        return weights
    }

    /// Rows are those of a set, so that a slice in the wrong order would take out what is not there.
    @Test func slicesAddUpToAllOfItInOrder() {
        var random = RandomValues(seed: freshSeed())
        for _ in 0..<40 {
            var queue = ChangeQueue()
            var present: Set<Int> = []
            var followed: Set<String> = []
            var (added, taken) = (0, 0)
            for _ in 0..<random.below(2_000) {
                let deletes = present.sorted().filter { _ in random.oneIn(4) }
                let inserts = (0..<20).filter { !present.contains($0) && random.oneIn(8) }
                present.subtract(deletes)
                present.formUnion(inserts)
                queue.append(Self.changes(deletes, inserts))
                added += deletes.count + inserts.count
                #expect(queue.rowCount == added - taken)
                while random.oneIn(2) { taken += Self.follow(&queue, random.below(9), &followed) }
            }
            while !queue.isEmpty { taken += Self.follow(&queue, 1 + random.below(300), &followed) }
            #expect(taken == added)
            #expect(followed == Set(present.map(String.init)))
        }
    }

    private static func follow(_ queue: inout ChangeQueue, _ limit: Int, _ followed: inout Set<String>) -> Int {
        let before = queue.rowCount
        var bag = RowBag()
        queue.take(limit, into: &bag)
        for (row, weight) in weights(bag) {
            #expect(abs(weight) == 1 && followed.contains(row) == (weight < 0), "\(row) came \(weight) times")
            if weight < 0 { followed.remove(row) } else { followed.insert(row) }
        }
        #expect(before - queue.rowCount == min(limit, before))
        return before - queue.rowCount
    }

    @Test func aSumForgetsWhatHasCancelledOut() {
        var bag = RowBag()
        for row in 0..<100 { "\(row)".utf8.map(\.self).withUnsafeBytes { bag.add($0, 1) } }
        for row in 3..<100 { "\(row)".utf8.map(\.self).withUnsafeBytes { bag.add($0, -1) } }
        "x".utf8.map(\.self).withUnsafeBytes { bag.add($0, -2) }
        #expect(bag.count == 101)
        bag.dropCancelled()
        #expect(bag.count == 4)
        #expect(Self.weights(bag) == ["0": 1, "1": 1, "2": 1, "x": -2])
    }
}
