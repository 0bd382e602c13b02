import SpacetimeKit

// The code of the article about SQL, and of the comments of what it uses.

func overdue(_ db: Database<Library>, _ reader: String) throws -> [String] {
    let result = try db.sql(
        "SELECT title, shelf FROM book WHERE borrower = :reader ORDER BY title LIMIT 10", ["reader": SQLValue(reader)])
    print(result)
    return try result.values(of: "title", as: String.self)
}

func sqlComments(_ db: Database<Bestiary>, _ id: UInt64) throws -> Int {
    let few = try db.sql("SELECT * FROM monster", limits: QueryLimits(rows: 1_000, time: .seconds(1)))

    try db.sql("SELECT name FROM monster WHERE zone = :zone AND id <> :own", ["zone": 7, "own": SQLValue(id)])

    let result = try db.sql("SELECT name, level FROM monster WHERE level >= :level", ["level": 10])
    for row in result { print(row["name"]!, row["level"]!) }
    let names = try result.values(of: "name", as: String.self)

    let rows = try db.sql("SELECT name FROM monster WHERE level > :level ORDER BY name LIMIT 10", ["level": 3])
    try db.sql("UPDATE monster SET level = level + 1 WHERE id = 7")
    return few.count + names.count + rows.count
}

/// Both tables of the article.
@Module
enum Bestiary {
    static let tables = Tables(Book.self, Monster.self)

    @Reducer(.initialize) static func fill(_ context: borrowing Context) throws {
        for (title, shelf, borrower) in [("The Iliad", "H", "Orc"), ("Emma", "A", nil), ("The Odyssey", "H", nil)] {
            try context.db.book.insert(Book(id: 0, title: title, shelf: shelf, borrower: borrower))
        }
        let weapons: [Weapon] = [.fists, .sword(damage: 30), .bow(arrows: 2, range: 9)]
        for (level, weapon) in zip([1, 3, 12] as [UInt16], weapons) {
            let name = ["Worm", "Orc", "Elf"][Int(level) % 4 == 1 ? 0 : level == 3 ? 1 : 2]
            try context.db.monster.insert(
                Monster(id: 0, zone: 7, level: level, position: Position(x: 1, y: 2), weapon: weapon, name: name))
        }
    }
}
