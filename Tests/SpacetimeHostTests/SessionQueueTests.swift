import Testing

@testable import SpacetimeHost

/// What is on its way to one client, whichever of the two kinds of entries it is kept as.
@Suite struct SessionQueueTests {
    /// What a queue is to hold: entries by their numbers, or places that wait for theirs.
    private struct Model {
        struct Entry {
            var number: UInt64?
            var place: SessionQueue.Place?
            var isAlike = false
        }

        let queue: SessionQueue
        let limit: Int
        var entries: [Entry] = []
        var next: UInt64 = 0

        func reply(_ number: UInt64) -> SessionEvent { .reply(SessionReply(bytes: [], offset: TxOffset(number))) }

        func update(_ number: UInt64) -> SessionUpdate {
            SessionUpdate(offset: TxOffset(number), call: nil, changes: [])
        }

        mutating func append(_ entry: Entry, _ result: SessionQueue.Appended) {
            #expect((result == .queued) == (entries.count < limit))
            if result == .queued { entries.append(entry) }
        }

        mutating func appendOwn() { append(Entry(number: next), queue.append(reply(next))) }

        mutating func appendAlike() {
            let (result, isFirst) = queue.append(AlikeUpdate(update(next)))
            #expect(isFirst == entries.isEmpty)
            append(Entry(number: next, isAlike: true), result)
        }

        mutating func reserve() {
            let (place, result) = queue.reserve()
            append(Entry(place: place), result)
        }

        mutating func fill(_ random: inout DeterministicRandom) {
            let open = entries.indices.filter { entries[$0].number == nil }
            guard !open.isEmpty, let place = entries[open[Int(random.next() % UInt64(open.count))]].place else {
                return
            }
            queue.fill(place, with: reply(next))
            for position in open where entries[position].place == place { entries[position].number = next }
        }

        mutating func coalesce() {
            let isUpdate = entries.last?.isAlike == true
            #expect(queue.coalesce(update(next)) == isUpdate)
            if isUpdate { entries[entries.count - 1].number = next }
        }

        mutating func pop() {
            let event = queue.nextAvailable()
            guard let first = entries.first, let number = first.number else {
                #expect(event == nil)
                return
            }
            entries.removeFirst()
            #expect(event?.offset?.rawValue == number)
            if case .update? = event { #expect(first.isAlike) } else { #expect(!first.isAlike) }
        }
    }

    @Test(arguments: [1, 2, 3, UInt64.random(in: .min ... .max)])
    func eventsComeOutInTheOrderInWhichTheyWereQueued(seed: UInt64) {
        var random = DeterministicRandom(seed: seed)
        var model = Model(queue: SessionQueue(limit: 300), limit: 300)
        for step in 0..<20_000 as Range<UInt64> {
            model.next = step
            // Sometimes more comes than goes, and sometimes less.
            switch random.next() % (step / 1_000 % 2 == 0 ? 11 : 22) {
            case 0...2: model.appendOwn()
            case 3...6: model.appendAlike()
            case 7: model.reserve()
            case 8: model.fill(&random)
            case 9: model.coalesce()
            default: model.pop()
            }
            #expect(model.queue.count == model.entries.count)
        }
        model.queue.finish(.complete)
        #expect(model.queue.append(AlikeUpdate(model.update(0))).result == .closed)
        while !model.entries.isEmpty {
            model.fill(&random)
            model.pop()
        }
        guard case .ended(.complete)? = model.queue.nextAvailable() else {
            Issue.record("the last event is not the end")
            return
        }
        #expect(model.queue.nextAvailable() == nil && model.queue.count == 0)
    }
}
