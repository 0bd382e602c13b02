import SpacetimeClientKit
import SpacetimeTestSupport
import Synchronization
import Testing

/// What programs do with a client: the same calls have the same outcomes in process and over a socket.
@Suite(.timeLimit(.minutes(10))) struct BothTransportsTests {
    private static let chair = Thing(shelf: "a", place: 1, owner: 1, kind: "chair", weight: 4.5)
    private static let table = Thing(shelf: "a", place: 2, owner: 1, kind: "table", weight: nil)
    private static let lamp = Thing(shelf: "b", place: 1, owner: 2, kind: "lamp", weight: 150)

    private static func fill(_ client: DatabaseClient) async throws {
        try await client.call(Attic.welcome, 1, "Ada")
        try await client.call(Attic.welcome, 2, "Bob O'Neil")
        for thing in [chair, table, lamp] { try await client.call(Attic.put, thing) }
    }

    @Test(arguments: Carrier.allCases)
    func aCallReturnsWhenTheCacheHasItsRows(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            let client = try await place.client()
            try await client.subscribe(Owner.all, Thing.where { $0.owner == 1 })
            try await Self.fill(client)
            #expect(client.table(Owner.self).count == 2)
            #expect(try Set(client.table(Thing.self).rows()) == [Self.chair, Self.table])
            try await client.call(Attic.take, "a", 2)
            #expect(try client.table(Thing.self).rows() == [Self.chair])
            #expect(try await client.call(Attic.countThings, 2) == 1)
            await client.disconnect()
            #expect(client.state == .ended(nil))
        }
    }

    @Test(arguments: Carrier.allCases)
    func whatTheModuleThrowsIsThrown(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            let client = try await place.client()
            let refused = await thrown { try await client.call(Attic.welcome, 1, "") }
            #expect(refused as? SenderError == SenderError("an owner needs a name"))
            // A violation that the reducer does not catch is its own error, too.
            try await client.call(Attic.welcome, 1, "Ada")
            let taken = await thrown { try await client.call(Attic.welcome, 2, "Ada") }
            #expect(taken is SenderError)
            let hidden = await thrown { try await client.subscribe(Secret.all) }
            #expect((hidden as? ClientError)?.code == .subscription)
            let wordless = await thrown { try await client.subscribe(Owner.all.select { $0.fullName }) }
            #expect((wordless as? DatabaseError)?.code == .notPossible)
            let told = Arrivals<String>()
            try client.post(Attic.welcome, 3, "") { outcome in
                do { try outcome.get() } catch { told.put("\(error)") }
            }
            #expect(try await told.next() == "an owner needs a name")
            await client.disconnect()
            let ended = await thrown { try await client.call(Attic.welcome, 3, "Eve") }
            #expect((ended as? ClientError)?.code == .disconnected)
        }
    }

    @Test(arguments: Carrier.allCases)
    func rowsAreFoundByKeysAndConditions(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            let client = try await place.client()
            try await client.subscribe(Owner.all, Thing.all)
            try await Self.fill(client)
            let owners = client.table(Owner.self)
            let things = client.table(Thing.self)
            #expect(try owners.find(1)?.fullName == "Ada")
            #expect(try owners.find(9) == nil)
            #expect(try owners.first { $0.fullName == "Bob O'Neil" }?.id == 2)
            #expect(try things.find("a", 2) == Self.table)
            #expect(try things.find("a", 3) == nil)
            #expect(try things.rows { $0.owner == 1 && $0.kind == "chair" } == [Self.chair])
            #expect(try things.count { $0.owner == 1 } == 2)
            #expect(try things.rows { $0.weight == nil } == [Self.table])
            #expect(try things.rows { $0.weight > 4 && $0.kind.hasPrefix("l") } == [Self.lamp])
            #expect(try Set(things.rows(Thing.where { $0.shelf == "a" || $0.kind == "lamp" })).count == 3)
            #expect(try things.rows(Thing.all).count == 3)
            // What is asked of the server once is the same.
            #expect(try await Set(client.query(Thing.where { $0.shelf == "a" })) == [Self.chair, Self.table])
            let owning = Owner.all.leftSemijoin(Thing.self) { $0.id == $1.owner }
            #expect(try await client.query(owning).map(\.id).sorted() == [1, 2])
            await client.disconnect()
        }
    }

    @Test(arguments: Carrier.allCases)
    func callbacksTellWhatOthersDo(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            let ada = try await place.client("ada")
            let bob = try await place.client("bob")
            let told = Arrivals<String>()
            ada.onInsert(Owner.self) { told.put("+\($0.fullName)") }
            ada.onUpdate(Owner.self) { told.put("\($0.isAway)>\($1.isAway)") }
            ada.onDelete(Thing.self) { told.put("-\($0.kind)") }
            ada.onInsert(Noise.self) { told.put("noise \($0.volume)") }
            try await ada.subscribe(Owner.all, Thing.all, Noise.all)
            try await bob.call(Attic.welcome, 1, "Ada")
            #expect(try await told.next() == "+Ada")
            try await bob.call(Attic.setAway, 1, true)
            #expect(try await told.next() == "false>true")
            try await bob.call(Attic.put, Self.table)
            #expect(try await told.next() == "noise 2")
            try await bob.call(Attic.take, "a", 2)
            #expect(try await told.next() == "-table")
            #expect(ada.table(Noise.self).isEmpty)
            await bob.disconnect()
            await ada.disconnect()
        }
    }

    @Test(arguments: Carrier.allCases)
    func aRowIsThereForAsLongAsOneQueryDeliversIt(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            let client = try await place.client()
            try await Self.fill(client)
            let all = try await client.subscribe(Thing.all, Thing.where { $0.owner == 1 })
            let owned = try await client.subscribe(Thing.where { $0.owner == 1 })
            #expect(client.table(Thing.self).count == 3)
            try await all.unsubscribe()
            #expect(try Set(client.table(Thing.self).rows()) == [Self.chair, Self.table])
            try await client.call(Attic.take, "a", 1)
            #expect(try client.table(Thing.self).rows() == [Self.table])
            try await owned.unsubscribe()
            #expect(client.table(Thing.self).isEmpty)
            await client.disconnect()
        }
    }

    @Test(arguments: Carrier.allCases)
    func windowsViewsAndSemijoinsAreFollowed(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            let client = try await place.client()
            try await Self.fill(client)
            try await client.subscribe(
                Owner.all.orderBy { $0.id.descending }.limit(1), Attic.heavyThings(),
                Thing.all.leftSemijoin(Owner.where { $0.isAway }) { $0.owner == $1.id })
            #expect(try client.table(Owner.self).rows().map(\.id) == [2])
            #expect(try client.table(Thing.self, in: "heavyThings").rows() == [Self.lamp])
            #expect(client.table(Thing.self).isEmpty)
            try await client.call(Attic.setAway, 1, true)
            #expect(client.table(Thing.self).count == 2)
            try await client.call(Attic.welcome, 3, "Eve")
            #expect(try client.table(Owner.self).rows().map(\.id) == [3])
            var light = Self.lamp
            light.weight = 1
            try await client.call(Attic.put, light)
            #expect(client.table(Thing.self, in: "heavyThings").isEmpty)
            await client.disconnect()
        }
    }

    @Test(arguments: Carrier.allCases)
    func aSequenceHasTheRowsOfItsQueryOnly(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            let client = try await place.client()
            try await Self.fill(client)
            try await client.subscribe(Owner.all)
            var present = client.changes(of: Owner.where { !$0.isAway && $0.id < 5 }).makeAsyncIterator()
            #expect(try await present.next()?.inserted.map { $0.id }.sorted() == [1, 2])
            try await client.call(Attic.welcome, 9, "Zoe")
            try await client.call(Attic.setAway, 1, true)
            #expect(try await present.next()?.deleted.map { $0.id } == [1])
            try await client.call(Attic.welcome, 2, "Robert")
            #expect(try await present.next()?.updated.map { $0.new.fullName } == ["Robert"])
            try await client.call(Attic.setAway, 1, false)
            #expect(try await present.next()?.inserted.map { $0.id } == [1])
            await client.disconnect()
            #expect(try await present.next() == nil)
        }
    }

    @Test(arguments: Carrier.allCases)
    func onATickAndOnlyThereTheCacheChanges(_ carrier: Carrier) async throws {
        try await withAttic(carrier) { place in
            var options = ClientOptions()
            options.delivery = .onFrameTick
            let client = try await place.client("ada", options)
            let subscription = try client.beginSubscribing(Owner.all)
            let isDone = Mutex(false)
            try client.post(Attic.welcome, 1, "Ada") { _ in isDone.withLock { $0 = true } }
            while !isDone.withLock({ $0 }) {
                let before = client.table(Owner.self).count
                await Task.yield()
                #expect(client.table(Owner.self).count == before)
                client.frameTick()
            }
            #expect(subscription.state == .active)
            #expect(client.table(Owner.self).count == 1)
            await client.disconnect()
        }
    }

    /// Whatever clients do, each has in the end what the database has of its queries.
    @Test(arguments: Carrier.allCases)
    func cachesAreWhatTheDatabaseHas(_ carrier: Carrier) async throws {
        let seed = freshSeed("cachesAreWhatTheDatabaseHas \(carrier)")
        try await withAttic(carrier) { place in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<3 as Range<UInt64> {
                    group.addTask {
                        let client = try await place.client("\(number)")
                        try await Self.work(client, seed &+ number)
                        // A call of one's own comes behind everything before it.
                        try await client.call(Attic.welcome, UInt32(100 + number), "last \(number)")
                        await client.disconnect()
                    }
                }
                try await group.waitForAll()
            }
            let client = try await place.client("judge")
            try await client.subscribe(Owner.all, Thing.where { $0.weight > 2 })
            let (owners, things) = try await place.database.read { db in
                (Set(db.owner.rows), Set(db.thing.where { $0.weight > 2 }))
            }
            #expect(try Set(client.table(Owner.self).rows()) == owners)
            #expect(try Set(client.table(Thing.self).rows()) == things)
            await client.disconnect()
        }
    }

    /// Random calls and subscriptions; behind each call the cache has what the client's own queries find at the server.
    private static func work(_ client: DatabaseClient, _ seed: UInt64) async throws {
        var dice = RandomValues(seed: seed)
        var watched: [UInt32: ClientSubscription] = [:]
        for _ in 0..<60 {
            let owner = UInt32(dice.below(4))
            switch dice.below(8) {
            case 0:
                if let subscription = watched.removeValue(forKey: owner) {
                    try await subscription.unsubscribe()
                } else {
                    watched[owner] = try await client.subscribe(Thing.where { $0.owner == owner })
                }
            case 1: try? await client.call(Attic.take, dice.oneIn(2) ? "a" : "b", UInt16(dice.below(4)))
            case 2: try? await client.call(Attic.welcome, owner, "\(dice.below(9))")
            default:
                try await client.call(
                    Attic.put,
                    Thing(
                        shelf: dice.oneIn(2) ? "a" : "b", place: UInt16(dice.below(4)), owner: owner,
                        kind: "\(dice.below(3))",
                        weight: dice.oneIn(3) ? nil : Double(dice.below(5))))
            }
            let owners = Set(watched.keys)
            #expect(try client.table(Thing.self).rows().allSatisfy { owners.contains($0.owner) })
        }
        for subscription in watched.values { try await subscription.unsubscribe() }
        #expect(client.table(Thing.self).isEmpty)
    }
}
