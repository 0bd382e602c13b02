import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost
@testable import SpacetimeKit

@SpacetimeType
private struct Address: Hashable {
    var owner: Identity
    var box: String
}

@Table(.public)
private struct Parcel: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var recipient: Identity
    var carrier: Identity?
    var from: Address
    var weight: UInt32
    var isOpen: Bool
}

@Table
private struct Proxy {
    @Indexed var identity: Identity
    @Indexed var of: Identity
    var until: UInt32
}

/// Of no module.
@Table
private struct Crate {
    @PrimaryKey var weight: UInt32
}

/// Rules as queries: what they become, and whom they let see what.
@Suite struct RowRuleBuilderTests {
    private static func texts(@RowRuleBuilder _ rules: (borrowing RuleSender) -> [RowRule]) throws -> [String] {
        try RowRules(rules).list.map { try $0.text() }
    }

    @Test func rulesBecomeTexts() throws {
        let isStrict = true
        let texts = try Self.texts { sender in
            Parcel.where { $0.recipient == sender && !($0.weight > 7) }
            Parcel.where { $0.carrier == sender || sender == $0.from.owner }
            Parcel.where { $0.carrier != sender && sender != $0.recipient }
            "SELECT * FROM parcel WHERE is_open"
            Parcel.all.leftSemijoin(Proxy.where { $0.identity == sender }) { $0.recipient == $1.of }
            if isStrict { Parcel.where { $0.weight == 0 } }
            for weight in [1, 2] as [UInt32] { Parcel.where { $0.recipient == sender && $0.weight == weight } }
        }
        #expect(
            texts == [
                #"SELECT * FROM "parcel" WHERE "parcel"."recipient" = :sender AND "parcel"."weight" <= 7"#,
                #"SELECT * FROM "parcel" WHERE "parcel"."carrier" = :sender OR "parcel"."from"."owner" = :sender"#,
                #"SELECT * FROM "parcel" WHERE ("parcel"."carrier" <> :sender OR "parcel"."carrier" IS NULL)"#
                    + #" AND "parcel"."recipient" <> :sender"#,
                "SELECT * FROM parcel WHERE is_open",
                #"SELECT "t0".* FROM "parcel" AS "t0" JOIN "proxy" AS "t1" ON "t0"."recipient" = "t1"."of""#
                    + #" WHERE "t1"."identity" = :sender"#,
                #"SELECT * FROM "parcel" WHERE "parcel"."weight" = 0"#,
                #"SELECT * FROM "parcel" WHERE "parcel"."recipient" = :sender AND "parcel"."weight" = 1"#,
                #"SELECT * FROM "parcel" WHERE "parcel"."recipient" = :sender AND "parcel"."weight" = 2"#,
            ])
    }

    private static func module(@RowRuleBuilder _ rules: (borrowing RuleSender) -> [RowRule]) -> Module {
        let rules = RowRules(rules)
        return Module("post") {
            Table(Parcel.self)
            Table(Proxy.self)
            Reducer("send") {
                (context: borrowing ReducerContext, recipient: Identity, carrier: Identity?, owner: Identity) in
                try context.table(Parcel.self).insert(
                    Parcel(
                        id: 0, recipient: recipient, carrier: carrier, from: Address(owner: owner, box: "b"), weight: 1,
                        isOpen: false))
            }
            Reducer("trust") { (context: borrowing ReducerContext, identity: Identity) in
                try context.table(Proxy.self).insert(Proxy(identity: identity, of: context.sender, until: 9))
            }
            rules
        }
    }

    @Test func eachSeesWhatItsRulesAdmit() throws {
        let db = try Database.open(
            .inMemory,
            module: Self.module { sender in
                Parcel.where { $0.recipient == sender }
                Parcel.where { $0.carrier == sender || $0.from.owner == sender }
                Parcel.all.leftSemijoin(Proxy.where { $0.identity == sender && $0.until > 5 }) { $0.recipient == $1.of }
            })
        let (ada, bob, cid) = (try db.connect(as: "ada"), try db.connect(as: "bob"), try db.connect(as: "cid"))
        let seen = try [ada, bob, cid].map { try $0.subscribe(Parcel.all, onChange: { _ in }) }
        func ids(_ client: Connection<DynamicModule>) throws -> [UInt64] {
            try client.sql("SELECT id FROM parcel ORDER BY id").values(of: "id", as: UInt64.self)
        }
        _ = try db.call("send", arguments: ada.identity.bsatn() + Identity?.none.bsatn() + bob.identity.bsatn())
        _ = try db.call(
            "send", arguments: bob.identity.bsatn() + Identity?(cid.identity).bsatn() + bob.identity.bsatn())
        #expect(try [ids(ada), ids(bob), ids(cid)] == [[1], [1, 2], [2]])
        _ = try ada.call("trust", arguments: cid.identity.bsatn())
        #expect(try [ids(ada), ids(bob), ids(cid)] == [[1], [1, 2], [1, 2]])
        #expect(try db.sql("SELECT id FROM parcel").count == 2)
        withExtendedLifetime(seen) {}
    }

    @Test func whatCannotBeARuleIsRefusedWithItsTable() {
        func refusal(@RowRuleBuilder _ rules: (borrowing RuleSender) -> [RowRule]) -> DatabaseError? {
            #expect(throws: DatabaseError.self) {
                try Database.open(.inMemory, module: Self.module(rules))
            }
        }
        // A private table, a table that the module does not have, rules that need each other.
        let hidden = refusal { sender in Proxy.where { $0.identity == sender } }
        #expect(hidden?.code == .invalidModule && hidden?.message.contains("a rule guards a public table") == true)
        let unknown = refusal { _ in Parcel.all.leftSemijoin(Crate.self) { $0.weight == $1.weight } }
        #expect(unknown?.code == .invalidModule && unknown?.message.contains("crate") == true)
        let view = refusal { _ in Query<Parcel>(_QueryDraft(Parcel.self, of: ViewCall(name: "parcels"))) }
        #expect(view?.code == .invalidModule && view?.message.contains("'Parcel'") == true)
    }

    /// A condition that was smuggled out of its rule asks for a sender that nobody knows.
    @Test func theSenderOfARuleIsKnownInRulesOnly() throws {
        var smuggled: Query<Parcel>?
        _ = RowRules { (sender: borrowing RuleSender) -> [RowRule] in
            smuggled = Parcel.where { $0.recipient == sender }
            return []
        }
        let query = try #require(smuggled)
        let db = try Database.open(.inMemory, module: Self.module { _ in "SELECT * FROM parcel" })
        for error in [
            #expect(throws: DatabaseError.self) { try db.subscribe(query) },
            #expect(throws: DatabaseError.self) { try db.snapshot().rows(query.orderBy { $0.id }) },
            #expect(throws: DatabaseError.self) { try db.explain(query) },
        ] { #expect(error?.code == .invalidQuery && error?.message.contains("known in rules only") == true) }
        #expect(throws: DatabaseError.self) { try db.read { try $0.rows(query) } }
        #expect(throws: DatabaseError.self) { try db.snapshot().rows(query) }
    }
}
