import Observation
import SpacetimeClientKit
import SpacetimeTestSupport
import Synchronization
import Testing

/// Rows for user interfaces.
@MainActor @Suite(.timeLimit(.minutes(10))) struct LiveRowsTests {
    /// Waits until something that is observed is so.
    private func wait(until isReached: @escaping @MainActor () -> Bool) async {
        while true {
            let changes = Arrivals<Void>()
            let isDone = withObservationTracking({ isReached() }, onChange: { changes.put(()) })
            if isDone { return }
            _ = try? await changes.next()
        }
    }

    @Test func rowsAreWhatTheQueryHasAndChangesAreObserved() async throws {
        try await withAttic(.inProcess) { @MainActor place in
            let client = try await place.client()
            let owners = LiveRows(Owner.where { $0.id < 10 }, on: client) { $0.fullName < $1.fullName }
            #expect(owners.isLoading && owners.rows.isEmpty)
            for (id, name) in [(1, "Bob"), (2, "Ada"), (30, "Zoe"), (3, "Cy")] as [(UInt32, String)] {
                try await client.call(Attic.welcome, id, name)
            }
            await wait { owners.rows.map(\.fullName) == ["Ada", "Bob", "Cy"] }
            #expect(!owners.isLoading && owners.error == nil)
            try await client.call(Attic.welcome, 2, "Dora")
            await wait { owners.rows.map(\.fullName) == ["Bob", "Cy", "Dora"] }
            try await client.call(Attic.setAway, 1, true)
            await wait { owners.rows.first?.isAway == true }
            await client.disconnect()
            #expect(owners.rows.count == 3)
        }
    }

    @Test func withoutAnOrderUpdatedRowsKeepTheirPlaces() async throws {
        try await withAttic(.inProcess) { @MainActor place in
            let client = try await place.client()
            let things = LiveRows(Thing.all, on: client)
            // There are none, and that is known.
            await wait { !things.isLoading }
            #expect(things.rows.isEmpty)
            for number in 0..<4 as Range<UInt16> {
                let thing = Thing(shelf: "a", place: number, owner: 1, kind: "chair", weight: nil)
                try await client.call(Attic.put, thing)
            }
            await wait { things.rows.map(\.place) == [0, 1, 2, 3] }
            #expect(!things.isLoading)
            let heavy = Thing(shelf: "a", place: 1, owner: 1, kind: "chair", weight: 7)
            try await client.call(Attic.put, heavy)
            await wait { things.rows.map(\.weight) == [nil, 7, nil, nil] }
            try await client.call(Attic.take, "a", 2)
            await wait { things.rows.map(\.place) == [0, 1, 3] }
            await client.disconnect()
        }
    }

    @Test func whatTheServerRefusesIsAnError() async throws {
        try await withAttic(.inProcess) { @MainActor place in
            let client = try await place.client()
            let secrets = LiveRows(Secret.all, on: client)
            await wait { secrets.error != nil }
            #expect((secrets.error as? ClientError)?.code == .subscription)
            await client.disconnect()
        }
    }

    /// A view that is made and not shown watches nothing, and one that has gone does not any more.
    @Test func onlyWhatIsLookedAtIsWatched() async throws {
        try await withAttic(.inProcess) { @MainActor place in
            let client = try await place.client()
            var owners: LiveRows<Owner>? = LiveRows(Owner.all, on: client)
            try await client.call(Attic.welcome, 1, "Ada")
            #expect(client.table(Owner.self).isEmpty)
            await wait { owners?.rows.count == 1 }
            #expect(client.table(Owner.self).count == 1)
            owners = nil
            while !client.table(Owner.self).isEmpty { await Task.yield() }
            await client.disconnect()
        }
    }
}
