import SpacetimeKit
import SpacetimeSATS

@Table(.public) struct Customer {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var name: String
    var nickname: String?
    var joined: Timestamp
}

@Table(.public) struct Purchase {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var customerId: UInt64
    var price: Double
    var state: PurchaseState
}

@Table struct Secret {
    @PrimaryKey var id: UInt32
    var text: String
}

@SpacetimeType enum PurchaseState {
    case open, paid
}

/// What commands are tried on.
@Module enum Shop {
    static let tables = Tables(Customer.self, Purchase.self, Secret.self)

    @Reducer static func addCustomer(
        _ context: borrowing Context, name: String, nickname: String?
    ) throws {
        guard !name.isEmpty else { throw SenderError("a customer needs a name") }
        guard !name.hasPrefix("\u{1B}") else { throw SenderError("\(name) is no name") }
        try context.db.customer.insert(
            Customer(id: 0, name: name, nickname: nickname, joined: Timestamp(microsecondsSinceUnixEpoch: 0)))
        context.log.info("\(name) is a customer")
    }

    @Reducer static func buy(
        _ context: borrowing Context, customerId: UInt64, price: Double, state: PurchaseState
    ) throws {
        try context.db.purchase.insert(Purchase(id: 0, customerId: customerId, price: price, state: state))
    }

    @Reducer static func hide(_ context: borrowing Context, text: String) throws {
        try context.db.secret.insert(Secret(id: 1, text: text))
        context.log.error("hidden:\nall of it")
    }

    @Procedure static func double(_ context: ProcedureContext, number: Int32) async throws -> Int64 {
        Int64(number) * 2
    }

    @Procedure static func greet(_ context: ProcedureContext, name: String?) async throws -> String? {
        name.map { "Hello \($0)" }
    }
}
