import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// A queue in pieces against an array.
@Suite struct PieceQueueTests {
    @Test(arguments: [1, 2, UInt64.random(in: .min ... .max)] as [UInt64])
    func elementsComeOutInTheirOrder(seed: UInt64) {
        print("elementsComeOutInTheirOrder: \(seed)")
        var random = RandomValues(seed: seed)
        var queue = PieceQueue<Int?>()
        var model: [Int?] = []
        var next = 0
        for _ in 0..<400 {
            let isFilling = random.oneIn(2)
            for _ in 0..<random.below(700) {
                if isFilling || random.oneIn(5) {
                    queue.append(next)
                    model.append(next)
                    next += 1
                } else if !model.isEmpty {
                    #expect(queue.removeFirst(leaving: nil) == model.removeFirst())
                }
            }
            #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
            for _ in 0..<min(10, model.count) {
                let position = random.below(model.count)
                #expect(queue[position] == model[position])
                if random.oneIn(4) {
                    queue[position] = -next
                    model[position] = -next
                }
            }
            if random.oneIn(30) {
                queue.removeAll()
                model = []
            }
        }
        while !model.isEmpty { #expect(queue.removeFirst(leaving: nil) == model.removeFirst()) }
        #expect(queue.isEmpty)
    }
}
