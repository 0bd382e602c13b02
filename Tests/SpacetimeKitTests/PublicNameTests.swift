import Foundation
import Observation
import SpacetimeKit
import Synchronization
import Testing

/// Uses the public names of the product in a file that imports what people import beside it: it compiles, or a name
/// hides somebody else's.
struct PublicNameTests {
    @Observable final class RoomModel {
        var messages: [Message] = []
        @ObservationIgnored var observer: QueryObserver?
    }

    @Test func observableModelsWorkInTheSameFile() throws {
        let db = try openChat()
        try db.call(Chat.send, "lobby", "hello")
        let model = RoomModel()
        let changed = Flag()
        withObservationTracking {
            _ = model.messages
        } onChange: {
            changed.set()
        }
        model.observer = try db.subscribe(Message.all) { _ in }
        #expect(!changed.isSet)
        model.messages = try db.read { db in Array(db.message.rows) }
        #expect(changed.isSet)
        model.observer?.cancel()
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
