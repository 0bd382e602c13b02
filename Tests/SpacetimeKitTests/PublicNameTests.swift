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

    /// Every public name that people write, where a type is looked up, beside the modules above.
    @Test func namesNeedNoModuleBeforeThem() {
        let types: [Any.Type] = [
            Database<Chat>.self, Connection<Chat>.self, DatabaseSnapshot<Chat>.self, DatabaseOptions.self, Storage.self,
            StorageOptions.self, CommitLevel.self, TxOffset.self, ExchangeFormat.self, ImportMode.self,
            MemoryReport.self, ReplayReport.self, ScheduleReport.self, LiveQueryReport.self, SubscriptionCost.self,
            PlannedMigration.self,
            Module.self, Table.self, Tables<Message>.self, Reducers.self, ModulePart.self, ModuleBuilder.self,
            ModuleContent.self,
            ModuleView<Chat, Message>.self, ParameterizedModuleView<Chat, Message, String>.self, RowRules.self,
            RowRule.self, RowRuleBuilder.self, RowQuery<Message>.self,
            Reducer<Chat, String>.self, AnyFunction<Chat>.self, ReducerAccess.self, ReducerLifecycle.self,
            TableDefinition.self, ColumnDefinition.self, IndexDefinition.self, TableOption.self, IndexAlgorithm.self,
            Migration.self, OldTables.self, NewTables.self,
            Column<Message, String>.self, Condition<Message>.self, Query<Message>.self, Rows<Message>.self,
            QueryWindow<Message>.self, ResultQuery<String>.self, ValueQuery<UInt64>.self, Joined<Message, Message>.self,
            Grouped<Message, String>.self, GroupValue<Message, String>.self,
            Index<Message, String>.self, UniqueIndex<Message, UInt64>.self,
            CompositeIndex<Message, KeyColumns2<String, Timestamp>>.self,
            UniqueCompositeIndex<Message, KeyColumns3<String, Timestamp, UInt8>>.self, InsertOutcome<Message>.self,
            ConflictResolution.self, Subscription<Message>.self, QueryObserver.self, Change<Message>.self,
            DatabaseError.self, SenderError.self, Identity.self, ConnectionId.self, Timestamp.self, TimeDuration.self,
            Uuid.self, ScheduleAt.self, UInt256.self, Int256.self, AlgebraicType.self, AlgebraicValue.self,
            ProductType.self, SumType.self, Typespace.self, TypespaceBuilder.self, JSON.self, BSATNError.self,
            BLAKE3.self, Keccak256.self, Hexadecimal.self, SystemClock.self, VirtualClock.self, SystemDisk.self,
            DiskError.self, StorageError.self,
        ]
        for type in types { #expect(String(reflecting: type).hasPrefix("Spacetime")) }
    }

    @Test func theNamesOfOthersStayTheirs() throws {
        let large: Predicate<Int> = .true
        #expect(try large.evaluate(1))
        let types: [Any.Type] = [
            Predicate<Int>.self, UUID.self, Date.self, Data.self, URL.self, IndexSet.self, Operation.self,
            SortDescriptor<Int>.self, ObservationRegistrar.self, Issue.self, Tag.self, Comment.self,
        ]
        for type in types { #expect(!String(reflecting: type).hasPrefix("Spacetime")) }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
