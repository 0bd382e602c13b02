import SpacetimeKit

@SpacetimeType struct Spot: Equatable {
    var x: Int16
    var label: String?
}
@SpacetimeType enum Payment: Equatable { case cash, card(UInt32), credit(days: UInt8, note: String?) }
@SpacetimeType enum Size: Equatable { case small, large }
extension Size: OrderedColumnValue {}

@Table(.public) struct Sale: Equatable {
    @PrimaryKey @Indexed(.btree) var id: UInt32
    @Indexed var shop: UInt32
    @Indexed var buyer: UInt32?
    var amount: Int32
    /// Quarters, whose sums are exact.
    var price: Double
    @Indexed var day: UInt16
    var tip: Int16?
    var note: String?
    var paid: Bool
    var spot: Spot
    var payment: Payment
    var size: Size
}

@Table(.public) struct Shop: Equatable {
    @PrimaryKey var id: UInt32
    var name: String
    @Indexed var city: String
    var owner: UInt32?
    var isOpen: Bool
}

@Table(.public) struct Customer: Equatable {
    @PrimaryKey var id: UInt32
    @Indexed var name: String
    var friend: UInt32?
}

/// A key of two columns.
@Table(.public, .primaryKey(\.shop, \.customer)) struct Visit: Equatable {
    var shop: UInt32
    @Indexed var customer: UInt32
    var count: UInt16
}

@Table struct Secret: Equatable {
    @PrimaryKey var shop: UInt32
}

@Module enum Market {
    static let tables = Tables(
        Sale.self, Shop.self, Customer.self, Visit.self, Secret.self, also: Table(Sale.self, name: "old_sale"))

    struct Content {
        var sales: [Sale] = []
        var oldSales: [Sale] = []
        var shops: [Shop] = []
        var customers: [Customer] = []
        var visits: [Visit] = []

        init(seed: UInt64) {
            var random = DeterministicRandom(seed: seed)
            func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
            func maybe(_ limit: Int) -> UInt32? { below(4) == 0 ? nil : UInt32(below(limit)) }
            func sale(_ id: Int) -> Sale {
                let label = below(3) == 0 ? nil : "l\(below(3))"
                let payment: Payment =
                    switch below(3) {
                    case 0: .cash
                    case 1: .card(UInt32(below(5)))
                    default: .credit(days: UInt8(below(4)), note: below(2) == 0 ? nil : "n\(below(3))")
                    }
                return Sale(
                    id: UInt32(id), shop: UInt32(below(9)), buyer: maybe(8), amount: Int32(below(40) - 20),
                    price: Double(below(60) - 20) / 4, day: UInt16(below(12)),
                    tip: below(3) == 0 ? nil : Int16(below(9) - 4), note: below(2) == 0 ? nil : "note \(below(4))",
                    paid: below(2) == 0, spot: Spot(x: Int16(below(7) - 3), label: label), payment: payment,
                    size: below(3) == 0 ? .large : .small)
            }
            sales = (0..<60 + below(20)).map(sale)
            oldSales = (0..<10).map(sale)
            shops = (0..<7).map {
                Shop(
                    id: UInt32($0), name: "shop \(below(5))", city: ["Aachen", "Bonn", "Celle"][below(3)],
                    owner: maybe(8), isOpen: below(3) > 0)
            }
            customers = (0..<7).map {
                Customer(id: UInt32($0), name: ["Ada", "Bob", "Adele"][below(3)], friend: maybe(8))
            }
            for shop in 0..<8 {
                for customer in 0..<8 where below(3) == 0 {
                    visits.append(Visit(shop: UInt32(shop), customer: UInt32(customer), count: UInt16(below(5))))
                }
            }
        }
    }

    @Reducer static func fill(_ context: borrowing Context, seed: UInt64) throws {
        let content = Content(seed: seed)
        try context.db.sale.insert(contentsOf: content.sales)
        try context.db.table(Sale.self, name: "old_sale").insert(contentsOf: content.oldSales)
        try context.db.shop.insert(contentsOf: content.shops)
        try context.db.customer.insert(contentsOf: content.customers)
        try context.db.visit.insert(contentsOf: content.visits)
    }

    /// Opens a shop, sells something there, and reads both.
    @Reducer static func open(_ context: borrowing Context, id: UInt32) throws {
        try context.db.shop.insert(Shop(id: id, name: "new", city: "Bonn", owner: nil, isOpen: true))
        try context.db.sale.insert(
            Sale(
                id: id, shop: id, buyer: nil, amount: 5, price: 1, day: 1, tip: nil, note: nil, paid: true,
                spot: Spot(x: 0, label: nil), payment: .cash, size: .small))
        let sales = Sale.all.join(Shop.where { $0.city == "Bonn" }) { $0.shop == $1.id }.where { sale, _ in
            sale.id == id
        }
        let found = try context.db.rows(sales.select { ($0.id, $1.name) })
        guard found.count == 1, found[0] == (id, "new") else { throw SenderError("\(found)") }
        guard try context.db.value(Shop.where { $0.id == id }.count()) == 1 else { throw SenderError("it is gone") }
        guard try context.db.first(Sale.all.orderBy { $0.id.descending })?.id == id else {
            throw SenderError("it is gone")
        }
    }

    @Reducer static func confuse(_ context: borrowing Context) throws {
        try context.db.shop.insert(Shop(id: 901, name: "new", city: "Bonn", owner: nil, isOpen: true))
        _ = try context.db.rows(Sale.all.orderBy { $0.id }.select { $0.day }.distinct())
    }

    /// Some rows come, change and go.
    @Reducer static func trade(_ context: borrowing Context, seed: UInt64) throws {
        var random = DeterministicRandom(seed: seed)
        let content = Content(seed: seed)
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            let key = UInt32.random(in: 0..<9, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: try context.db.sale.id.delete(key * 7)
            case 1, 2:
                if let sale = content.sales.randomElement(using: &random) { try context.db.sale.upsert(sale) }
            case 3: try context.db.shop.id.delete(key)
            case 4:
                if let shop = content.shops.randomElement(using: &random) { try context.db.shop.upsert(shop) }
            case 5:
                if let customer = content.customers.randomElement(using: &random) {
                    try context.db.customer.upsert(customer)
                }
            case 6: try context.db.visit.customer.delete(key)
            default:
                if let visit = content.visits.randomElement(using: &random) { try context.db.visit.upsert(visit) }
            }
        }
    }
}
