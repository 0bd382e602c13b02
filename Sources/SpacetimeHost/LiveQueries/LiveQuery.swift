import SpacetimeEngine

/// One distinct query with everybody who subscribed to it: evaluated once per commit. Guarded by the database's lock.
///
/// There may be a million of them, so what queries share is in their template, and what few need is apart.
final class LiveQuery {
    struct Subscriber {
        let session: Session
        let set: QuerySetID
        /// Position of the query in the set.
        let position: UInt32
    }

    let template: LiveTemplate
    /// What a changed row must have in the template's key fields; nil if there is no such key.
    let key: QueryKey?
    /// The values of the template's parameters, packed. Kept only where the keys do not say them all, and here only if not among
    /// the areas.
    let values: [UInt8]
    /// What few queries have; nil if this one has none of it.
    private let extra: Extra?
    /// Its entry among the areas, if it is found by where rows lie; otherwise ``noArea``.
    var areaEntry = LiveQuery.noArea
    /// Its changes in the commit that is being observed, by their position there; -1 if it has none.
    var changes: Int32 = -1
    /// Clients that are about to watch it; and one more while its history is kept for those that come back.
    var joiningCount: Int32 = 0
    /// Changes with the rows of the query.
    var version: UInt32 = 0
    /// Most queries have one subscriber.
    private var firstSubscriber: Subscriber?
    private var otherSubscribers: [Subscriber] = []
    /// What is done with the rows that meet the conditions; nil if nothing is, or nobody has asked for the rows yet.
    var stage: LiveStageState?
    /// The rows that the query begins with, as long as they are its rows.
    var firstRows: SharedDelta?
    /// How many changed rows were tested for it.
    var rowsExamined: UInt64 = 0
    /// How many rows went out, each counted once, whoever got it, and their bytes.
    var rowsProduced: UInt64 = 0
    var bytesProduced: UInt64 = 0

    init(_ template: LiveTemplate, keys: [QueryKey], values: [UInt8], rest: CompiledPredicate?) {
        self.template = template
        key = keys.first
        extra = keys.count > 1 || rest != nil ? Extra(otherKeys: Array(keys.dropFirst()), rest: rest) : nil
        self.values = values
    }

    /// One that has a key and nothing else.
    init(_ template: LiveTemplate, key: QueryKey) {
        self.template = template
        self.key = key
        extra = nil
        values = []
    }

    private final class Extra {
        let otherKeys: [QueryKey]
        let rest: CompiledPredicate?

        init(otherKeys: [QueryKey], rest: CompiledPredicate?) {
            self.otherKeys = otherKeys
            self.rest = rest
        }
    }

    static let noArea = UInt32.max

    /// Of a query that asks for one of several keys: the others.
    private var otherKeys: [QueryKey] { extra?.otherKeys ?? [] }
    /// What the rows must meet besides; nil if nothing, or if the template tests it.
    var rest: CompiledPredicate? { extra?.rest }

    /// The key at a position: the first one, or one of the others.
    @inline(__always)
    func hasKey(_ position: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        position == 0 ? key?.isEqual(to: bytes) ?? false : otherKeys[Int(position) - 1].isEqual(to: bytes)
    }

    /// Calls `body` with each key and its position.
    func forEachKey(_ body: (UInt32, QueryKey) -> Void) {
        guard let key else { return }
        body(0, key)
        for (position, key) in otherKeys.enumerated() { body(UInt32(position + 1), key) }
    }

    func asksFor(_ keys: [QueryKey], _ values: [UInt8]) -> Bool {
        key == keys.first && otherKeys.elementsEqual(keys.dropFirst()) && self.values == values
    }

    // MARK: Subscribers

    var isWatched: Bool { firstSubscriber != nil }
    /// False if it may be forgotten.
    var isNeeded: Bool { firstSubscriber != nil || joiningCount > 0 }

    func forEachSubscriber(_ body: (Subscriber) -> Void) {
        guard let firstSubscriber else { return }
        body(firstSubscriber)
        for subscriber in otherSubscribers { body(subscriber) }
    }

    func add(_ subscriber: Subscriber) {
        if firstSubscriber == nil { firstSubscriber = subscriber } else { otherSubscribers.append(subscriber) }
    }

    func remove(_ session: Session, _ set: QuerySetID) {
        otherSubscribers.removeAll { $0.session === session && $0.set == set }
        guard let first = firstSubscriber, first.session === session, first.set == set else { return }
        firstSubscriber = otherSubscribers.isEmpty ? nil : otherSubscribers.removeFirst()
    }
}
