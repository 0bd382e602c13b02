import SpacetimeTesting
import Testing

@testable import SpacetimeKit

/// Each form of the typed builder against the same thing said in Swift about arrays.
@Suite struct TypedQueryTests {
    static let seeds = 1...6 as ClosedRange<UInt64>

    /// Runs queries in each place where they can be run, and compares.
    private struct Runner {
        let db: Database<Market>
        let content: Market.Content

        init(seed: UInt64) throws {
            content = Market.Content(seed: seed)
            db = try Database.open(.inMemory, module: Market.self)
            try db.call(Market.fill, seed)
        }

        func check<Output>(
            _ query: some QueryConvertible<Output>, _ expected: [Output], isOrdered: Bool = false,
            location: SourceLocation = #_sourceLocation
        ) throws {
            func text(_ rows: [Output]) -> [String] {
                let texts = rows.map { "\($0)" }
                return isOrdered ? texts : texts.sorted()
            }
            let expected = text(expected)
            #expect(text(try MarketOracle(db).rows(query)) == expected, "by nested loops", sourceLocation: location)
            #expect(text(try db.read { try $0.rows(query) }) == expected, "in a read", sourceLocation: location)
            #expect(text(try db.snapshot().rows(query)) == expected, "in a snapshot", sourceLocation: location)
            #expect(try db.snapshot().count(query) == expected.count, sourceLocation: location)
            let first = [try db.read { try $0.first(query) }, try db.snapshot().first(query)].compactMap(\.self)
            for first in text(first) {
                #expect(isOrdered ? expected.first == first : expected.contains(first), sourceLocation: location)
            }
            #expect(first.count == (expected.isEmpty ? 0 : 2), sourceLocation: location)
        }

        func check<Value>(
            _ query: ValueQuery<Value>, value expected: Value, location: SourceLocation = #_sourceLocation
        ) throws {
            try check(query, [expected], location: location)
            #expect("\(try db.read { try $0.value(query) })" == "\(expected)", sourceLocation: location)
            #expect("\(try db.snapshot().value(query))" == "\(expected)", sourceLocation: location)
        }
    }

    // MARK: Rows of one table

    @Test(arguments: seeds) func conditionsAddUp(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let sales = runner.content.sales
        try runner.check(Sale.all, sales)
        try runner.check(Sale.where { $0.paid }.where { !($0.day < 3) }, sales.filter { $0.paid && $0.day >= 3 })
        try runner.check(
            Sale.where { $0.buyer == $0.shop }.where { $0.spot.x > 0 || $0.payment.card > 2 },
            sales.filter { sale in
                var card = 0 as UInt32
                if case .card(let number) = sale.payment { card = number }
                return sale.buyer == sale.shop && (sale.spot.x > 0 || card > 2)
            })
        try runner.check(Sale.where { $0.shop != $0.buyer }, sales.filter { $0.shop != $0.buyer })
        try runner.check(
            Sale.where { $0.day == 2 }.in("old_sale"), runner.content.oldSales.filter { $0.day == 2 })
    }

    @Test(arguments: seeds) func windowsAreOrderedAndCut(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let sales = runner.content.sales
        try runner.check(Sale.all.orderBy { $0.id.descending }, sales.sorted { $0.id > $1.id }, isOrdered: true)
        let byDay = sales.sorted { ($0.day, $1.id) < ($1.day, $0.id) }
        let window = Sale.all.orderBy { ($0.day, $0.id.descending) }
        try runner.check(window, byDay, isOrdered: true)
        try runner.check(window.limit(5), Array(byDay.prefix(5)), isOrdered: true)
        try runner.check(window.limit(5).offset(3), Array(byDay.dropFirst(3).prefix(5)), isOrdered: true)
        try runner.check(window.offset(70), Array(byDay.dropFirst(70)), isOrdered: true)
        try runner.check(window.limit(0), [], isOrdered: true)
        // Nil comes last; turned round, it comes first.
        let byTip = sales.sorted { ($0.tip ?? .max, $0.id) < ($1.tip ?? .max, $1.id) }
        try runner.check(Sale.all.orderBy { $0.tip }.orderBy { $0.id }, byTip, isOrdered: true)
        try runner.check(
            Sale.all.orderBy { ($0.tip.descending, $0.id.descending) }.limit(20), Array(byTip.reversed().prefix(20)),
            isOrdered: true)
        try runner.check(
            Sale.where { $0.size == .large }.orderBy { ($0.spot.label, $0.price, $0.id) }.select { $0.id },
            sales.filter { $0.size == .large }
                .sorted { ($0.spot.label ?? "~", $0.price, $0.id) < ($1.spot.label ?? "~", $1.price, $1.id) }.map(\.id),
            isOrdered: true)
        #expect(try MarketOracle(runner.db).rows(Sale.all.limit(7)).count == 7)
    }

    @Test(arguments: seeds) func columnsAreSelected(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let sales = runner.content.sales
        try runner.check(Sale.where { $0.paid }.select { $0.note }, sales.filter(\.paid).map(\.note))
        try runner.check(
            Sale.all.select { ($0.id, $0.spot, $0.spot.label, $0.payment, $0.size) },
            sales.map { ($0.id, $0.spot, $0.spot.label, $0.payment, $0.size) })
        try runner.check(
            Sale.all.select { ($0.payment.card, $0.payment.credit.days, $0.payment.credit.note) },
            sales.map { sale -> (UInt32?, UInt8?, String?) in
                switch sale.payment {
                case .cash: (nil, nil, nil)
                case .card(let number): (number, nil, nil)
                case .credit(let days, let note): (nil, days, note)
                }
            })
        try runner.check(Sale.all.select { $0.day }.distinct(), Array(Set(sales.map(\.day))))
        try runner.check(
            Sale.all.orderBy { $0.day.descending }.select { $0.day }.distinct().limit(3),
            Array(Set(sales.map(\.day)).sorted(by: >).prefix(3)), isOrdered: true)
    }

    // MARK: Semijoins

    @Test(arguments: seeds) func semijoinsKeepRowsOfOneTable(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let content = runner.content
        let open = Set(content.shops.filter(\.isOpen).map(\.id))
        try runner.check(
            Sale.where { $0.paid }.leftSemijoin(Shop.where { $0.isOpen }) { $0.shop == $1.id },
            content.sales.filter { $0.paid && open.contains($0.shop) })
        try runner.check(
            Sale.all.rightSemijoin(Shop.self) { $0.shop == $1.id },
            content.shops.filter { shop in content.sales.contains { $0.shop == shop.id } })
        // Several rows fit one: it is there once.
        try runner.check(
            Shop.where { $0.city != "Bonn" }.leftSemijoin(Sale.self) { $0.id == $1.shop && $1.amount > 0 },
            content.shops.filter { shop in
                shop.city != "Bonn" && content.sales.contains { $0.shop == shop.id && $0.amount > 0 }
            })
        // An optional against a value, and the table against itself.
        try runner.check(
            Customer.all.leftSemijoin(Customer.self) { $0.friend == $1.id && $0.name != $1.name },
            content.customers.filter { customer in
                content.customers.contains { $0.id == customer.friend && $0.name != customer.name }
            })
        // One behind the other, and one inside the other.
        let visitors = Set(content.visits.filter { open.contains($0.shop) }.map(\.customer))
        try runner.check(
            Sale.all
                .leftSemijoin(Shop.self) { $0.shop == $1.id && $1.owner != nil }
                .where { $0.day > 1 }
                .leftSemijoin(
                    Customer.all.leftSemijoin(
                        Visit.all.leftSemijoin(Shop.where { $0.isOpen }) { $0.shop == $1.id }
                    ) { $0.id == $1.customer }
                ) { $0.buyer == $1.id },
            content.sales.filter { sale in
                guard let buyer = sale.buyer, content.customers.contains(where: { $0.id == buyer }) else {
                    return false
                }
                return sale.day > 1 && visitors.contains(buyer)
                    && content.shops.contains { $0.id == sale.shop && $0.owner != nil }
            })
        try runner.check(
            Sale.all.leftSemijoin(Visit.self) { $0.shop == $1.shop && $0.buyer == $1.customer && $1.count > 1 }
                .orderBy { ($0.amount.descending, $0.id) }.limit(4),
            Array(
                content.sales.filter { sale in
                    content.visits.contains { $0.shop == sale.shop && $0.customer == sale.buyer && $0.count > 1 }
                }.sorted { ($1.amount, $0.id) < ($0.amount, $1.id) }.prefix(4)), isOrdered: true)
    }

    @Test(arguments: seeds) func semijoinsThatFindSeveralRowsCanBeOrdered(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let sold = Set(runner.content.sales.map(\.shop))
        let shops = runner.content.shops.filter { sold.contains($0.id) }
            .sorted { ($0.city, $1.id) < ($1.city, $0.id) }
        let query = Shop.all.leftSemijoin(Sale.self) { $0.id == $1.shop }.orderBy { ($0.city, $0.id.descending) }
        try runner.check(query, shops, isOrdered: true)
        try runner.check(query.limit(3).offset(1), Array(shops.dropFirst().prefix(3)), isOrdered: true)
        // By a column that is not selected, which a key is.
        try runner.check(query.select { $0.id }, shops.map(\.id), isOrdered: true)
        try runner.check(
            query.limit(2).select { ($0.name, $0.id) }, shops.prefix(2).map { ($0.name, $0.id) }, isOrdered: true)
    }

    // MARK: Joins

    @Test(arguments: seeds) func joinsPairRows(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let content = runner.content
        func pairs<A, B>(_ a: [A], _ b: [B], _ fits: (A, B) -> Bool) -> [(A, B)] {
            a.flatMap { left in b.filter { fits(left, $0) }.map { (left, $0) } }
        }
        try runner.check(
            Sale.where { $0.paid }.join(Shop.where { $0.isOpen }) { $0.shop == $1.id },
            pairs(content.sales, content.shops) { $0.paid && $1.isOpen && $0.shop == $1.id })
        try runner.check(
            Sale.all.join(Shop.self) { $0.shop == $1.id }.where { sale, shop in sale.amount > 3 || shop.city == "Bonn" }
                .select { ($0.id, $1.name, $1.owner) },
            pairs(content.sales, content.shops) { $0.shop == $1.id && ($0.amount > 3 || $1.city == "Bonn") }
                .map { ($0.id, $1.name, $1.owner) })
        try runner.check(
            Customer.all.join(Customer.self) { $0.friend == $1.friend }.select { ($0.id, $1.id) },
            pairs(content.customers, content.customers) { $0.friend == $1.friend }.map { ($0.id, $1.id) })
        try runner.check(
            Customer.all.join(Customer.self) { $0.id < $1.id && !($0.friend == $1.id) }
                .select { ($0.wholeRow, $1.name) },
            pairs(content.customers, content.customers) { $0.id < $1.id && $0.friend != $1.id }
                .map { ($0, $1.name) })
        // What some rows do not have, on both sides: nil equals nil.
        func note(_ sale: Sale) -> String? {
            if case .credit(_, let note) = sale.payment { note } else { nil }
        }
        let few = content.sales.filter { $0.id < 25 }
        try runner.check(
            Sale.where { $0.id < 25 }.join(Sale.where { $0.id < 25 }) { $0.payment.credit.note == $1.note }
                .select { ($0.id, $1.id) },
            pairs(few, few) { note($0) == $1.note }.map { ($0.id, $1.id) })
        try runner.check(
            Sale.where { $0.id < 25 }.join(Sale.where { $0.id < 25 }) {
                $0.payment.credit.note != $1.payment.credit.note
            }.select { ($0.id, $1.id) },
            pairs(few, few) { note($0) != note($1) }.map { ($0.id, $1.id) })
        try runner.check(
            Sale.where { $0.id < 25 }.join(Sale.where { $0.id < 25 }) { $0.tip < $1.tip }.select { ($0.id, $1.id) },
            pairs(few, few) { left, right in
                guard let a = left.tip, let b = right.tip else { return false }
                return a < b
            }.map { ($0.id, $1.id) })
    }

    @Test(arguments: seeds) func severalTablesAreJoined(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let content = runner.content
        var three: [(Sale, Shop, Customer)] = []
        var four: [(UInt32, String, String, UInt16)] = []
        for sale in content.sales {
            for shop in content.shops where shop.id == sale.shop {
                for customer in content.customers where customer.id == sale.buyer && customer.name != "Bob" {
                    three.append((sale, shop, customer))
                    for visit in content.visits where visit.shop == shop.id && visit.customer == customer.id {
                        four.append((sale.id, shop.name, customer.name, visit.count))
                    }
                }
            }
        }
        let joined = Sale.all.join(Shop.self) { $0.shop == $1.id }
            .join(Customer.where { $0.name != "Bob" }) { sale, _, customer in sale.buyer == customer.id }
        try runner.check(joined, three)
        try runner.check(
            joined.orderBy { sale, shop, _ in (shop.name, sale.id.descending) }.limit(6).select {
                ($0.id, $1.name, $2.name)
            },
            Array(
                three.map { ($0.id, $1.name, $2.name) }.sorted { ($0.1, $1.0) < ($1.1, $0.0) }.prefix(6)),
            isOrdered: true)
        try runner.check(
            joined.join(Visit.self) { _, shop, customer, visit in visit.shop == shop.id && visit.customer == customer.id
            }
            .select { ($0.id, $1.name, $2.name, $3.count) },
            four)
        try runner.check(
            Sale.all.leftSemijoin(Customer.self) { $0.buyer == $1.id }.join(Shop.self) { $0.shop == $1.id }
                .where { _, shop in shop.isOpen }.count(),
            value: UInt64(
                content.sales.filter { sale in
                    content.customers.contains { $0.id == sale.buyer }
                        && content.shops.contains { $0.id == sale.shop && $0.isOpen }
                }.count))
    }

    @Test(arguments: seeds) func leftJoinsKeepWhatNothingFits(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let content = runner.content
        func shop(_ sale: Sale) -> Shop? { content.shops.first { $0.id == sale.shop } }
        let joined = Sale.all.leftJoin(Shop.self) { $0.shop == $1.id }
        try runner.check(
            joined.select { ($0.wholeRow, $1.name, $1.owner) },
            content.sales.map { ($0, shop($0)?.name, shop($0)?.owner) })
        try runner.check(
            joined.where { $1.id == nil }.select { sale, _ in sale.id },
            content.sales.filter { shop($0) == nil }.map(\.id))
        try runner.check(
            joined.where { $1.name != "shop 1" }.select { sale, _ in sale.id },
            content.sales.filter { shop($0)?.name != "shop 1" }.map(\.id))
        try runner.check(
            joined.where { sale, shop in shop.owner == sale.buyer }.select { sale, _ in sale.id },
            content.sales.filter { shop($0)?.owner == $0.buyer }.map(\.id))
        try runner.check(
            Sale.all.leftJoin(Shop.where { $0.isOpen }) { $0.shop == $1.id && $0.paid }
                .leftJoin(Customer.self) { _, shop, customer in shop.owner == customer.id }
                .select { ($0.id, $1.id, $2.name) },
            content.sales.map { sale in
                let open = shop(sale).flatMap { $0.isOpen && sale.paid ? $0 : nil }
                let owner = open?.owner.flatMap { owner in content.customers.first { $0.id == owner } }
                return (sale.id, open?.id, owner?.name)
            })
        try runner.check(
            joined.groupBy { $1.city }.select { city, sales in (city, sales.count(), sales.count { $1.id }) },
            Dictionary(grouping: content.sales) { shop($0)?.city }.map { city, sales in
                (city, UInt64(sales.count), city == nil ? 0 : UInt64(sales.count))
            })
    }

    // MARK: Aggregates

    @Test(arguments: seeds) func valuesAreAggregated(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let all = runner.content.sales
        for query in [Sale.all, Sale.where { $0.paid && $0.day > 4 }, Sale.where { $0.day > 90 }] {
            let sales = try MarketOracle(runner.db).rows(query)
            let tips = sales.compactMap(\.tip)
            try runner.check(query.count(), value: UInt64(sales.count))
            try runner.check(query.count { $0.tip }, value: UInt64(tips.count))
            try runner.check(query.count { $0.id }, value: UInt64(sales.count))
            try runner.check(query.countDistinct { $0.tip }, value: UInt64(Set(tips).count))
            try runner.check(query.countDistinct { $0.spot }, value: UInt64(Set(sales.map { "\($0.spot)" }).count))
            let isEmpty = sales.isEmpty
            try runner.check(query.sum { $0.amount }, value: isEmpty ? nil : sales.reduce(0) { $0 + Int128($1.amount) })
            try runner.check(query.sum { $0.id }, value: isEmpty ? nil : sales.reduce(0) { $0 + UInt128($1.id) })
            try runner.check(query.sum { $0.price }, value: isEmpty ? nil : sales.reduce(0) { $0 + $1.price })
            try runner.check(query.sum { $0.tip }, value: tips.isEmpty ? nil : tips.reduce(0) { $0 + Int128($1) })
            try runner.check(
                query.average { $0.tip },
                value: tips.isEmpty ? nil : Double(tips.reduce(0) { $0 + Int($1) }) / Double(tips.count))
            try runner.check(
                query.average { $0.price },
                value: isEmpty ? nil : sales.reduce(0) { $0 + $1.price } / Double(sales.count))
            try runner.check(query.min { $0.tip }, value: tips.min())
            try runner.check(query.max { $0.spot.x }, value: sales.map(\.spot.x).max())
            try runner.check(query.max { $0.note }, value: sales.compactMap(\.note).max())
            try runner.check(
                query.min { $0.size },
                value: sales.isEmpty ? nil : sales.contains { $0.size == .small } ? .small : .large)
        }
        #expect(!all.isEmpty)
    }

    @Test(arguments: seeds) func groupsAreAggregated(seed: UInt64) throws {
        let runner = try Runner(seed: seed)
        let sales = runner.content.sales
        let byShop = Dictionary(grouping: sales, by: \.shop)
        try runner.check(
            Sale.all.groupBy { $0.shop }.select { shop, sales in
                (shop, sales.count(), sales.sum { $0.amount }, sales.max { $0.price }, sales.average { $0.amount })
            },
            byShop.map { shop, sales in
                let sum = sales.reduce(0) { $0 + Int($1.amount) }
                let average = Double(sum) / Double(sales.count)
                return (shop, UInt64(sales.count), Int128(sum), sales.map(\.price).max() ?? 0, average)
            })
        let tips = { (sales: [Sale]) in sales.compactMap(\.tip) }
        try runner.check(
            Sale.where { $0.day < 9 }.groupBy { $0.spot.label }
                .where { label, sales in sales.count() > 2 && label != "l1" }
                .select { label, sales in
                    (
                        label, sales.sum { $0.tip }, sales.min { $0.tip }, sales.average { $0.tip },
                        sales.count { $0.tip }
                    )
                },
            Dictionary(grouping: sales.filter { $0.day < 9 }, by: \.spot.label)
                .filter { $0.value.count > 2 && $0.key != "l1" }
                .map { label, sales -> (String?, Int128?, Int16?, Double?, UInt64) in
                    let tips = tips(sales)
                    if tips.isEmpty { return (label, nil, nil, nil, 0) }
                    let sum = tips.reduce(0) { $0 + Int($1) }
                    return (label, Int128(sum), tips.min(), Double(sum) / Double(tips.count), UInt64(tips.count))
                })
        // Ordered by an aggregate that is not selected, and by the keys.
        let days = Dictionary(grouping: sales) { "\($0.day) \($0.paid)" }.values.map { group in
            (group[0].day, group[0].paid, group.reduce(0) { $0 + Int($1.amount) })
        }
        try runner.check(
            Sale.all.groupBy { ($0.day, $0.paid) }
                .orderBy { day, paid, sales in (sales.sum { $0.amount }.descending, day, sales.count { $0.paid }) }
                .limit(50).select { day, _, sales in (day, sales.sum { $0.amount }) },
            days.sorted { ($1.2, $0.0) < ($0.2, $1.0) }.map { ($0.0, Int128($0.2)) }.prefix(50).map { $0 },
            isOrdered: true)
        try runner.check(
            Sale.all.groupBy { ($0.size, $0.buyer, $0.paid) }.where { _, buyer, _, _ in buyer != nil }
                .select { size, buyer, paid, sales in (size, buyer, paid, sales.countDistinct { $0.day }) },
            Dictionary(grouping: sales.filter { $0.buyer != nil }) { "\($0.size) \($0.buyer ?? 0) \($0.paid)" }.values
                .map {
                    ($0[0].size, $0[0].buyer, $0[0].paid, UInt64(Set($0.map(\.day)).count))
                })
        // Of joined rows.
        try runner.check(
            Sale.all.join(Shop.self) { $0.shop == $1.id }.groupBy { $1.city }
                .select { city, sales in (city, sales.sum { sale, _ in sale.amount }, sales.min { $1.name }) },
            Dictionary(
                grouping: sales.compactMap { sale in
                    runner.content.shops.first { $0.id == sale.shop }.map { (sale, $0) }
                }, by: { $0.1.city }
            ).map { city, pairs in
                (city, pairs.reduce(0) { $0 + Int128($1.0.amount) }, pairs.map { $0.1.name }.min() ?? "")
            })
        try runner.check(
            Sale.where { $0.day > 90 }.groupBy { $0.shop }.select { shop, sales in (shop, sales.count()) }, [])
    }
}
