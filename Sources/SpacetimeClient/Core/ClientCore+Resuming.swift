import SpacetimeProtocol
import SpacetimeSATS

// Going on where the last connection was.
//
// A server that can do it names its history behind the greeting, and the commit that the client's rows are at behind each frame.
// Both are kept for each set. On the next connection to the same history the client asks for what has changed since, and applies it
// to the rows that it has.
//
// The cache counts how many queries deliver a row, and not which. So the rows of one set cannot be told from those of the others, and
// either all sets whose rows are there go on, or all begin anew. Which of the two it is, the server's answers tell: until all of
// them are there, nothing that comes is applied.
extension ClientCore {
    /// A commit at which the rows of a set are.
    struct Point: Hashable {
        let history: UInt128
        let offset: UInt64
    }

    /// Asks to go on, until it is known whether that is possible.
    struct Resumption {
        /// The sets that go on if they can, and are not answered yet.
        var awaited: Set<UInt32>
        /// Those that the server goes on with.
        var resumed: [UInt32] = []
        /// Whether one of them has come anew, or not at all.
        var isRefused = false
        /// Everything that the server has said meanwhile.
        var held: [V3.ServerMessage] = []
    }

    // MARK: Where the rows are

    /// The module was replaced, or this is the first name: offsets that were told before are worth nothing from now on.
    mutating func take(history name: UInt128) {
        history = name
        reached = nil
    }

    /// The rows of all sets that were answered on this connection are as they were behind this commit.
    mutating func take(reached offset: UInt64) throws(Violation) {
        guard let history else { throw Violation("an offset came, of no history") }
        reached = Point(history: history, offset: offset)
        reachedCount += 1
    }

    /// The connection is gone: notes at which commit it has left the rows of each set.
    mutating func notePoints() {
        // What is seen is still what the connection before has left.
        if isCatchingUp { return }
        for number in setOrder {
            guard let set = sets[number], set.state == .active else { continue }
            sets[number]?.point = set.reachedCount < reachedCount ? reached : nil
        }
    }

    /// A set's rows are what is seen from now on, of a commit that will be told.
    mutating func show(_ number: UInt32) {
        sets[number]?.isShown = true
        sets[number]?.point = nil
        sets[number]?.reachedCount = reachedCount
    }

    /// Whether the server may go on where all sets are whose rows are seen.
    private var canResume: Bool {
        guard let history, !hasStrays else { return false }
        let shown = sets.values.filter(\.isShown)
        return !shown.isEmpty && shown.allSatisfy { $0.point?.history == history }
    }

    // MARK: Asking

    /// The server has greeted, and said whether it can go on: asks for what is to be watched.
    mutating func begin() {
        isBeginning = false
        if isReturning, canResume {
            resume()
        } else {
            for number in setOrder where sets[number]?.isLeftOver == true { forget(number, nil) }
            // What is seen until all first rows have come is what the last connection has left.
            isCatchingUp = isReturning
            var messages: [V3.ClientMessage] = []
            for number in setOrder { messages.append(.common(subscribeMessage(for: number))) }
            sendFirst(messages)
            catchUp()
        }
    }

    private mutating func resume() {
        var messages: [V3.ClientMessage] = []
        var asked: Set<UInt32> = []
        for number in setOrder {
            guard let set = sets[number] else { continue }
            let message = subscribeMessage(for: number)
            guard set.isShown, let point = set.point, case .subscribe(let request, let wireID, let queries) = message
            else {
                messages.append(.common(message))
                continue
            }
            asked.insert(number)
            messages.append(
                .subscribeSince(
                    V3.SubscribeSince(
                        requestID: request, querySetID: wireID, history: point.history, offset: point.offset,
                        queries: queries)))
            // Which rows are of this set alone, the server tells when it is left.
            if set.isLeaving { messages.append(.common(unsubscribeMessage(for: number))) }
        }
        resumption = Resumption(awaited: asked)
        sendFirst(messages)
    }

    // MARK: Being answered

    /// Keeps a message until it is known whether all sets go on.
    mutating func hold(_ message: V3.ServerMessage) throws {
        resumption?.held.append(message)
        switch message {
        case .resumed(let request, let wireID, _):
            if let number = awaited(request, wireID) { resumption?.resumed.append(number) }
        case .common(.subscribeApplied(let request, let wireID, _)),
            .common(.subscriptionError(.some(let request), let wireID, _)):
            if awaited(request, wireID) != nil { resumption?.isRefused = true }
        default: break
        }
        guard let known = resumption, known.awaited.isEmpty else { return }
        resumption = nil
        if known.isRefused {
            isCatchingUp = true
            beginAnew(known.resumed)
        } else {
            try applyMissed(known.held)
        }
        for message in known.held {
            // Another one may have ended the connection.
            guard isOpen else { return }
            try handle(message)
        }
        catchUp()
    }

    /// The set whose answer is this one, if it is one that was to go on.
    private mutating func awaited(_ request: UInt32, _ wireID: UInt32) -> UInt32? {
        guard let number = setsByWireID[wireID], requests[request] == .subscribe(number) else { return nil }
        return resumption?.awaited.remove(number)
    }

    /// Applies what all sets have missed, as one: a row that went from one query into another has not changed.
    private mutating func applyMissed(_ held: [V3.ServerMessage]) throws {
        var missed: [V2.QuerySetUpdate] = []
        for case .resumed(_, let wireID, let changes) in held {
            guard changes.allSatisfy({ $0.querySetID == wireID }) else {
                throw Violation("what has changed in set \(wireID) names others")
            }
            missed += changes
        }
        report(try cache.apply(missed, in: .current))
    }

    /// Leaves the sets that could have gone on, and joins them anew.
    private mutating func beginAnew(_ numbers: [UInt32]) {
        var messages: [V3.ClientMessage] = []
        for number in numbers {
            guard let set = sets[number] else { continue }
            setsByWireID[set.wireID] = nil
            abandoned.insert(set.wireID)
            firstRowsAwaited -= 1
            if set.isLeaving {
                // The server was told that already.
                for (request, kind) in requests where kind == .unsubscribe(number) {
                    requests[request] = .abandon(set.wireID)
                }
                forget(number, nil)
            } else {
                let request = makeRequest(.abandon(set.wireID))
                messages.append(
                    .common(.unsubscribe(requestID: request, querySetID: set.wireID, wantsRows: false)))
                messages.append(.common(subscribeMessage(for: number)))
            }
        }
        send(messages)
    }

    /// A set goes on; its changes were applied already.
    mutating func resumed(_ request: UInt32, _ wireID: UInt32) throws {
        if abandoned.contains(wireID) { return requests[request] = nil }
        guard let number = setsByWireID[wireID], sets[number]?.state == .pending, sets[number]?.isShown == true else {
            throw Violation("set \(wireID) was resumed, which nobody has asked for")
        }
        try expect(request, .subscribe(number))
        didSubscribe(request, number)
    }
}
