import SpacetimeKit

/// A row of fixed size, with a key that is not generated and two columns that are unique together.
///
/// Conforms by hand: what to write where macros cannot be used, and in the form in which they write it.
struct Account: Equatable {
    var id: UInt64
    var owner: UInt32
    var slot: UInt32
    var balance: Int64
}

extension Account: SpacetimeKit.TableRow {
    static var tableDefinition: SpacetimeKit.TableDefinition {
        .init(
            name: "Account", access: .private, isEvent: false,
            columns: [
                .init("id"), .init("owner"), .init("slot"),
                .init("balance", default: Int64(0)),
            ],
            primaryKey: [0], uniqueConstraints: [[0], [1, 2]], autoIncrement: [],
            indexes: [
                .init(columns: [0], algorithm: .hash, accessor: "id"),
                .init(columns: [1, 2], algorithm: .btree, accessor: "bySlot"),
            ])
    }
    static func algebraicType(in types: inout SpacetimeKit.TypespaceBuilder) -> SpacetimeKit.AlgebraicType {
        types.declare(Self.self, name: "Account") { types in
            .product(
                .init([
                    ("id", UInt64.algebraicType(in: &types)), ("owner", UInt32.algebraicType(in: &types)),
                    ("slot", UInt32.algebraicType(in: &types)), ("balance", Int64.algebraicType(in: &types)),
                ]))
        }
    }
    static var bsatnFixedSize: Int? {
        SpacetimeKit._fixedSize(
            UInt64.bsatnFixedSize, UInt32.bsatnFixedSize, UInt32.bsatnFixedSize, Int64.bsatnFixedSize)
    }
    init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
        self.id = try UInt64(from: &reader)
        self.owner = try UInt32(from: &reader)
        self.slot = try UInt32(from: &reader)
        self.balance = try Int64(from: &reader)
    }
    func encode(to writer: inout SpacetimeKit.BSATNWriter) {
        self.id.encode(to: &writer)
        self.owner.encode(to: &writer)
        self.slot.encode(to: &writer)
        self.balance.encode(to: &writer)
    }
    struct Columns: Sendable {
        init() {}
        var id: SpacetimeKit.Column<Account, UInt64> { .init(0) }
        var owner: SpacetimeKit.Column<Account, UInt32> { .init(1) }
        var slot: SpacetimeKit.Column<Account, UInt32> { .init(2) }
        var balance: SpacetimeKit.Column<Account, Int64> { .init(3) }
    }
    struct Handle: SpacetimeKit.TableHandle {
        typealias Row = Account
        let _spacetimeReference: SpacetimeKit.TableReference
        init(_spacetimeReference reference: SpacetimeKit.TableReference) { _spacetimeReference = reference }
        var id: SpacetimeKit.UniqueIndex<Account, UInt64> { .init(_spacetimeReference, index: 0) }
        var bySlot: SpacetimeKit.UniqueCompositeIndex<Account, SpacetimeKit.KeyColumns2<UInt32, UInt32>> {
            .init(_spacetimeReference, index: 1)
        }
    }
}

extension Account: SpacetimeKit.KeyedTableRow {
    typealias PrimaryKey = UInt64
    static var _spacetimePrimaryKeyIndex: Int { 0 }
}
