import SpacetimeDurability
import SpacetimeEngine

/// A set of queries that a session is about to watch. Its queries are entered, and follow commits; the session is told of
/// nothing yet.
///
/// Mostly that lasts as long as the lock is held. If a query needs to be made ready without the lock it lasts longer, and the
/// session may leave the set meanwhile.
///
/// `Sendable` is unchecked: it is touched with the database's lock held only, but for the list of fillings, which does not
/// change once the lock was released.
final class JoiningSet: @unchecked Sendable {
    let session: Session
    let set: QuerySetID
    /// In the order in which they were asked for.
    private(set) var queries: [LiveQuery] = []
    /// Of each query.
    private(set) var values: [[[UInt8]]] = []
    private(set) var views: [ViewInstance] = []
    /// What was asked for, as the client may ask it.
    let asked: [SessionQuery]
    /// Stages that whoever joins has to make, and those that others are making.
    private var fillings: [(filling: StageFilling, isOwn: Bool)] = []
    /// The session has left the set, or has ended.
    private(set) var isLeft = false
    /// Why a query could not be made ready.
    var problem: DatabaseError?

    init(_ session: Session, _ set: QuerySetID, _ asked: [SessionQuery]) {
        self.session = session
        self.asked = asked
        self.set = set
    }

    // MARK: With the lock held

    func add(_ query: LiveQuery, _ values: [[UInt8]]) {
        query.joiningCount += 1
        queries.append(query)
        self.values.append(values)
    }

    func add(_ view: ViewInstance) {
        view.users += 1
        views.append(view)
    }

    func add(_ filling: StageFilling, isOwn: Bool) {
        filling.addUser()
        fillings.append((filling, isOwn))
    }

    /// Nobody waits for the stages on behalf of this set any more.
    func leave() {
        if isLeft { return }
        isLeft = true
        for (filling, _) in fillings { filling.removeUser() }
    }

    /// The queries are not about to be watched any more: they are, or never will be.
    func end(in live: LiveQueries) {
        for query in queries { query.joiningCount -= 1 }
        live.forgetUnneeded(queries)
    }

    /// Gives back what was entered.
    func abandon(in live: LiveQueries) {
        leave()
        for view in views { view.users -= 1 }
        end(in: live)
    }

    // MARK: Without the lock

    /// True if some queries are not ready yet.
    var isWaiting: Bool { !fillings.isEmpty }

    /// Makes the queries ready, and waits for those that others make ready.
    ///
    /// - Parameter meanwhile: called where others may commit. For tests.
    func fill(_ meanwhile: () -> Void) throws(DatabaseError) {
        // First one's own, so that nobody waits for somebody who waits.
        for (filling, isOwn) in fillings where isOwn { try filling.fill(meanwhile: meanwhile) }
        for (filling, isOwn) in fillings where !isOwn { try filling.wait() }
    }

    /// The same in a task.
    func fill() async throws(DatabaseError) {
        for (filling, isOwn) in fillings where isOwn {
            try await suspendingAside { () throws(DatabaseError) in try filling.fill() }
        }
        for (filling, isOwn) in fillings where !isOwn { try await filling.wait() }
    }
}
