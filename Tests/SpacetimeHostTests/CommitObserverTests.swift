import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization
import Testing

@testable import SpacetimeHost

/// Those who follow commits hear of them in the order of the list, each at its moment.
@Suite struct CommitObserverTests {
    private final class Observer: CommitObserver {
        let name: String
        let log: Log
        weak var runner: TransactionRunner?

        init(_ name: String, _ log: Log) {
            self.name = name
            self.log = log
        }

        func prepare(_ datastore: Datastore) {
            log.note("\(name) prepares, \(datastore.isInTransaction ? "inside" : "outside")")
        }

        func observe(_ commit: Commit) -> Bool {
            let changes = commit.changes?.tables.map { "-\($0.deletes.count)+\($0.inserts.count)" } ?? ["nothing"]
            log.note(
                "\(name) observes \(commit.offset) \(commit.kind) #\(commit.reducer ?? -1) "
                    + "by \(commit.caller.identity.number.low) at \(commit.timestamp.microsecondsSinceUnixEpoch): "
                    + changes.joined(separator: " "))
            return name == "second"
        }

        func deliver() { log.note("\(name) delivers, \(runner?.isHeldByCurrentThread == true ? "locked" : "free")") }

        func end(_ reason: SubscriptionEnd) { log.note("\(name) ends") }
    }

    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        func note(_ line: String) { lines.withLock { $0.append(line) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }; return lines
            }
        }
    }

    /// A runner with two observers, and what they follow.
    private func make(_ log: Log) throws -> (TransactionRunner, FollowedTables, TableID) {
        var options = OpeningOptions(name: "test")
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 7))
        let opening = try Opening(ByteModule.items(), options)
        let datastore = Datastore()
        let catalog = try Catalog(
            opening, from: Opening.Origin(identity: .zero, owner: Identity(number: 5)), in: datastore, history: 0)
        let state = StateBlocks.take(
            TransactionState(owner: catalog.owner, scratch: Scratch(), tableMap: catalog.tableMap))
        let observers = [Observer("first", log), Observer("second", log)]
        let runner = TransactionRunner(
            state, datastore, catalog, module: opening.module, clock: options.clock,
            durability: Durability(nil, sink: nil), log: ModuleLog(options.log, clock: options.clock),
            observers: observers, onAfterRollbackFailure: nil)
        for observer in observers { observer.runner = runner }
        try runner.create(callingInit: true)
        return (runner, FollowedTables(datastore, state), catalog.tableMap.table(at: 0))
    }

    private func add(_ runner: TransactionRunner, _ name: String) throws {
        try runner.call("add", arguments: name.bsatn(), as: Caller(identity: Identity(number: 6)))
    }

    @Test func aCommitIsToldInOrderAndDeliveredWithoutTheLock() throws {
        let log = Log()
        let (runner, followed, items) = try make(log)
        followed.follow(items)
        try add(runner, "apple")
        #expect(
            log.take() == [
                "first prepares, inside", "second prepares, inside",
                "first observes 1 reducer #0 by 6 at 7: -0+1", "second observes 1 reducer #0 by 6 at 7: -0+1",
                "first delivers, free", "second delivers, free",
            ])
    }

    @Test func nobodyHearsOfTablesThatNobodyFollows() throws {
        let log = Log()
        let (runner, followed, items) = try make(log)
        #expect(runner.state.duties == [])
        try add(runner, "apple")
        followed.follow(items)
        followed.follow(items)
        followed.unfollow(items)
        #expect(runner.state.duties == [.observe])
        followed.unfollow(items)
        #expect(runner.state.duties == [])
        try add(runner, "pear")
        #expect(log.take().allSatisfy { $0.hasSuffix("delivers, free") })
    }

    @Test func whatWasUndoneIsToldToNobody() throws {
        let log = Log()
        let (runner, followed, items) = try make(log)
        followed.follow(items)
        try add(runner, "apple")
        _ = log.take()
        #expect(throws: SenderError.self) {
            try runner.call("fail", arguments: [], as: Caller(identity: Identity(number: 6)))
        }
        #expect(log.take() == ["first delivers, free", "second delivers, free"])
    }

    @Test func theEndIsToldToAll() throws {
        let log = Log()
        let (runner, _, _) = try make(log)
        try runner.acquire()
        runner.refuseWrites(DatabaseError(.closed, "closed"), telling: .complete)
        runner.release()
        #expect(log.take() == ["first ends", "second ends"])
        let error = #expect(throws: DatabaseError.self) { try add(runner, "apple") }
        #expect(error?.code == .closed)
    }
}
