import SpacetimeKit
import SpacetimeTesting
import Testing

@Table(name: "contact") private struct Contact: Equatable {
    @PrimaryKey var id: UInt32
    var name: String
    var email: String
    var age: UInt32
}

@Table(name: "contact") private struct FloatAge {
    @PrimaryKey var id: UInt32
    var name: String
    var email: String
    var age: Float
}

@Table(name: "contact") private struct Swapped {
    @PrimaryKey var id: UInt32
    var email: String
    var name: String
    var age: UInt32
}

@Table(name: "contact") private struct Shorter {
    @PrimaryKey var id: UInt32
    var name: String
    var email: String
}

@Table(name: "contact") private struct Longer: Equatable {
    @PrimaryKey var id: UInt32
    var name: String
    var email: String
    var age: UInt32
    @Default("none") var phone: String
}

@Table(name: "contact") private struct Renamed {
    @PrimaryKey var id: UInt32
    var name: String
    var mail: String
    var age: UInt32
}

@Table(name: "contact") private struct Landline: Equatable {
    @PrimaryKey var id: UInt32
    var name: String
    var email: String
    var age: UInt32
    var landline: String
}

@Table(name: "person") private struct Person: Equatable {
    @PrimaryKey var id: UInt32
    var name: String
    var email: String
    var age: UInt32
}

@Table(name: "OldName") private struct SourceNamed: Equatable {
    @PrimaryKey var rowNumber: UInt32
    var ownText: String
}

@Table(name: "NewName") private struct SourceRenamed: Equatable {
    @PrimaryKey var rowNumber: UInt32
    var newText: String
}

@SpacetimeType private enum Temper: Equatable { case calm, loud }

@SpacetimeType private enum RicherTemper: Equatable { case calm, loud, said(String) }

@SpacetimeType private enum PoorerTemper: Equatable { case calm }

@Table(name: "diary") private struct Diary {
    @PrimaryKey var id: UInt32
    var mood: Temper
}

@Table(name: "diary") private struct RicherDiary: Equatable {
    @PrimaryKey var id: UInt32
    var mood: RicherTemper
}

@Table(name: "diary") private struct PoorerDiary {
    @PrimaryKey var id: UInt32
    var mood: PoorerTemper
}

@Table(.event, name: "happening") private struct Happening {
    var what: String
}

@Table(name: "task") private struct Task: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

/// Two releases with types of the same names.
enum QuietRelease {
    @SpacetimeType enum Tone: Equatable { case calm, loud }

    @Table(name: "feeling") struct Feeling: Equatable {
        @PrimaryKey var id: UInt32
        var tone: Tone
    }
}

enum NoisyRelease {
    @SpacetimeType enum Tone: Equatable { case quiet, noisy(UInt8) }

    @Table(name: "feeling") struct Feeling: Equatable {
        @PrimaryKey var id: UInt32
        var tone: Tone
    }
}

/// What a migration may not store, read or lose, and what it is told.
@Suite struct MigrationChecksTests {
    private let disk: SimulatedDisk

    private init(disk: SimulatedDisk) { self.disk = disk }

    init() { self.init(disk: SimulatedDisk()) }

    private func open<each Row: TableRow>(
        _ rows: repeat (each Row).Type, migrations: [Migration] = []
    ) throws -> Database<DynamicModule> {
        var parts: [ModulePart] = []
        func add<One: TableRow>(_ type: One.Type) {
            let names: [StaticString] = ["insert", "insert second"]
            let reducer = Reducer<DynamicModule, One>(names[parts.count / 2]) {
                (context: borrowing ReducerContext, row: One) in
                try context.table(One.self).insert(row)
            }
            parts += ModuleBuilder.buildExpression(Table(type)) + ModuleBuilder.buildExpression(reducer)
            guard One.self == Task.self else { return }
            let due = Reducer<DynamicModule, Task>("due", lifecycle: .scheduled) {
                (context: borrowing ReducerContext, row: Task) in
            }
            parts += ModuleBuilder.buildExpression(due)
        }
        repeat add(each rows)
        let module = Module("contacts") { return parts }
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        options.migrations = migrations
        return try Database.open(.directory("contacts", .simulated(disk)), module: module, options: options)
    }

    private let ada = Contact(id: 1, name: "Ada", email: "ada@example.org", age: 36)

    private func fill() throws {
        let database = try open(Contact.self)
        try database.call("insert", arguments: ada.bsatn())
        try database.close()
    }

    /// The error of an opening with one migration; the rows must be as they were.
    private func refusal<each Row: TableRow>(
        _ rows: repeat (each Row).Type, when body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void
    ) throws -> String {
        let error = #expect(throws: DatabaseError.self) {
            try open(repeat each rows, migrations: [Migration("change", body)]).close()
        }
        #expect(error?.code == .migrationRefused)
        let database = try open(Contact.self)
        #expect(try database.snapshot().rows(Contact.all) == [ada])
        try database.close()
        return error?.message ?? ""
    }

    @Test func insertedRowsHaveTheTypesOfTheModule() throws {
        try fill()
        let message = try refusal(Contact.self) { old, new in
            _ = try old.rows(of: Contact.self)
            try new.insert(FloatAge(id: 1, name: "Ada", email: "", age: 3))
        }
        #expect(message.contains("column 4 is 'age: Float' in 'FloatAge' and 'age: UInt32' in table 'contact'"))
    }

    @Test func insertedRowsHaveTheOrderOfTheModule() throws {
        try fill()
        let message = try refusal(Contact.self) { old, new in
            for row in try old.rows(of: Contact.self) {
                try new.insert(Swapped(id: row.id, email: row.email, name: row.name, age: row.age))
            }
        }
        #expect(message.contains("column 2 is 'email: String' in 'Swapped' and 'name: String'"))
    }

    @Test func insertedRowsHaveAllColumnsWithoutADefault() throws {
        try fill()
        let message = try refusal(Contact.self) { old, new in
            _ = try old.rows(of: Contact.self)
            try new.insert(Shorter(id: 1, name: "", email: ""))
        }
        #expect(message.contains("'age: UInt32', is not in 'Shorter' and has no @Default"))
        // One with a default is filled in, as if the column had been added afterwards.
        let database = try open(
            Longer.self,
            migrations: [
                Migration("upper case") { old, new in
                    for var row in try old.rows(of: Contact.self) {
                        row.name = row.name.uppercased()
                        try new.insert(row)
                    }
                }
            ])
        #expect(
            try database.snapshot().rows(Longer.all)
                == [Longer(id: 1, name: "ADA", email: "ada@example.org", age: 36, phone: "none")])
    }

    @Test func rowsAreReadUnderTheirNames() throws {
        try fill()
        for (message, part) in [
            (
                try refusal(Contact.self) { old, _ in _ = try old.rows(of: Swapped.self) },
                "column 2 is 'name: String' in the table and 'email: String' in 'Swapped'"
            ),
            (
                try refusal(Contact.self) { old, _ in _ = try old.rows(of: FloatAge.self) },
                "column 4 is 'age: UInt32' in the table and 'age: Float' in 'FloatAge'"
            ),
            (
                try refusal(Contact.self) { old, _ in _ = try old.rows(of: Shorter.self) },
                "column 4 of the table, 'age: UInt32', is not in 'Shorter'"
            ),
        ] {
            #expect(message.contains(part), "\(message)")
            #expect(message.contains("id: UInt32, name: String, email: String, age: UInt32"))
        }
    }

    @Test func columnsAreComparedBeforeThereAreRows() throws {
        try open(Contact.self).close()
        for body in [
            { old, _ in _ = try old.rows(of: Swapped.self) }, { old, _ in _ = try old.rows(of: FloatAge.self) },
        ] as [@Sendable (OldTables, inout NewTables) throws -> Void] {
            #expect(throws: DatabaseError.self) { try open(Contact.self, migrations: [Migration("change", body)]) }
        }
    }

    @Test func rowsWithoutATypeAreOfTheColumnsTypes() throws {
        try fill()
        let good: AlgebraicValue = .product([.u32(1), .string("Bob"), .string("bob@example.org"), .u32(40)])
        for (row, part) in [
            (
                .product([.u32(1), .string(""), .string(""), .f32(3)]),
                "value 4 of a row of table 'contact' is f32(3.0)"
            ),
            (.product([.u32(1), .string("")]), "a product of 4 values"),
            (.string("Bob"), "a product of 4 values"),
        ] as [(AlgebraicValue, String)] {
            let message = try refusal(Contact.self) { old, new in
                _ = try old.rows(in: "contact")
                try new.insert(row, into: "contact")
            }
            #expect(message.contains(part), "\(message)")
        }
        let database = try open(
            Contact.self,
            migrations: [
                Migration("bob") { old, new in
                    #expect(try old.rows(in: "contact").count == 1)
                    try new.insert(good, into: "contact")
                }
            ])
        #expect(try database.snapshot().rows(Contact.all).map(\.name) == ["Bob"])
    }

    @Test func renamedTablesHaveTheColumnsOfTheModule() throws {
        try fill()
        let message = try refusal(V2.User.self) { _, new in try new.rename("contact", to: "user") }
        #expect(message.contains("'change' leaves"))
        #expect(message.contains("table 'user', 'name': the column is gone"))
        #expect(try refusal(Contact.self) { _, new in try new.rename("contact", to: "nobody") }.contains("'nobody'"))
        #expect(try refusal(Contact.self) { _, new in try new.rename("contakt", to: "x") }.contains("'contact'"))
        #expect(
            try refusal(Contact.self) { _, new in try new.renameColumn("mail", to: "x", of: "contact") }
                .contains("has no column 'mail'; its columns are id: UInt32, name: String"))
        #expect(
            try refusal(Contact.self) { _, new in try new.renameColumn("name", to: "email", of: "contact") }
                .contains("which is there already"))
        #expect(
            try refusal(Contact.self) { _, new in try new.renameColumn("name", to: "9", of: "contact") }
                .contains("cannot be a name"))
    }

    @Test func namesAreThoseOfTheCodeOrOfClients() throws {
        let first = try open(SourceNamed.self)
        try first.call("insert", arguments: SourceNamed(rowNumber: 1, ownText: "one").bsatn())
        try first.close()
        for (table, new, column, other) in [
            ("OldName", "NewName", "ownText", "newText"), ("old_name", "new_name", "own_text", "new_text"),
        ] {
            let copy = MigrationChecksTests(disk: disk.afterPowerLoss(.nothing, seed: 0))
            let second = try copy.open(
                SourceRenamed.self,
                migrations: [
                    Migration("change") { old, tables in
                        #expect(old.contains(table) && old.count(table) == 1)
                        #expect(try old.rows(of: SourceNamed.self, in: table).count == 1)
                        try tables.rename(table, to: new)
                        try tables.renameColumn(column, to: other, of: new)
                    }
                ])
            #expect(try second.snapshot().rows(SourceRenamed.all) == [SourceRenamed(rowNumber: 1, newText: "one")])
        }
    }

    @Test func rowsThatNobodyReadAreNotLost() throws {
        try fill()
        let message = try refusal(Contact.self) { old, new in
            #expect(old.count("contact") == 1)
            try new.insert(Contact(id: 2, name: "Bob", email: "", age: 1))
        }
        #expect(message.contains("would lose what was there, 1 row that"))
        let other = try refusal(Contact.self, Person.self) { old, new in
            try new.insert(Person(id: 2, name: "Bob", email: "", age: 1))
            try new.rename("contact", to: "person")
        }
        #expect(other.contains("has got rows by this migration already"))
        // A chain loses none of what a step before it wrote, either.
        let error = #expect(throws: DatabaseError.self) {
            try open(
                Contact.self, Person.self,
                migrations: [
                    Migration("first") { _, new in try new.insert(Person(id: 1, name: "", email: "", age: 1)) },
                    Migration("second") { _, new in try new.insert(Person(id: 2, name: "", email: "", age: 1)) },
                ])
        }
        #expect(error?.message.contains("'second'") == true)
    }

    @Test func aNameThatIsTakenIsNotRenamedTo() throws {
        try fill()
        let both = try open(Contact.self, Person.self)
        try both.call("insert second", arguments: Person(id: 7, name: "Eve", email: "", age: 2).bsatn())
        try both.close()
        let rename = Migration("change") { _, new in try new.rename("contact", to: "person") }
        let error = #expect(throws: DatabaseError.self) { try open(Person.self, migrations: [rename]) }
        #expect(error?.message.contains("which holds 1 row; call new.drop(\"person\") first") == true)
        let dropped = Migration("change") { _, new in
            try new.drop("person")
            try new.rename("contact", to: "person")
        }
        #expect(try open(Person.self, migrations: [dropped]).snapshot().rows(Person.all).map(\.name) == ["Ada"])
    }

    @Test func tablesExchangeTheirNames() throws {
        try fill()
        let both = try open(Contact.self, Person.self)
        try both.call("insert second", arguments: Person(id: 7, name: "Eve", email: "", age: 2).bsatn())
        try both.close()
        let exchange = Migration("exchange") { _, new in
            try new.rename("contact", to: "between")
            try new.rename("person", to: "contact")
            try new.rename("between", to: "person")
        }
        for _ in 0..<2 {
            let database = try open(Contact.self, Person.self, migrations: [exchange])
            #expect(try database.snapshot().rows(Contact.all).map(\.name) == ["Eve"])
            #expect(try database.snapshot().rows(Person.all).map(\.name) == ["Ada"])
            try database.close()
        }
    }

    @Test func twoTypesOfRowsDoNotMix() throws {
        try fill()
        let message = try refusal(Longer.self) { old, new in
            _ = try old.rows(of: Contact.self)
            try new.insert(Longer(id: 1, name: "", email: "", age: 1, phone: ""))
            try new.insert(Contact(id: 2, name: "", email: "", age: 1))
        }
        #expect(message.contains("is filled with rows of 'Longer' already"))
    }

    @Test func eventsAreNotStored() throws {
        try fill()
        let message = try refusal(Contact.self, Happening.self) { _, new in try new.insert(Happening(what: "")) }
        #expect(message.contains("event table"))
    }

    @Test func whatAMigrationSaysItLeavesIsTrue() throws {
        try fill()
        let error = #expect(throws: DatabaseError.self) {
            try open(Contact.self, migrations: [Migration("change", to: Tables(Renamed.self))])
        }
        #expect(
            error?.message.contains(
                "column 3 is 'email: String' in the database and 'mail: String' in what the migration")
                == true)
        let follows = Migration("change", to: Tables(Longer.self, Person.self))
        let database = try open(Longer.self, Person.self, migrations: [follows])
        #expect(try database.snapshot().rows(Longer.all).map(\.phone) == ["none"])
    }

    @Test func whatAMigrationSaysItBeginsWithIsThere() throws {
        try fill()
        // As if the release with Longer and Person had opened it.
        let follows = Migration("change", from: Tables(Longer.self, Person.self), to: Tables(Person.self)) { old, new in
            #expect(try old.rows(of: Person.self).isEmpty)
            try new.renameColumn("phone", to: "email", of: "contact")
        }
        let taken = #expect(throws: DatabaseError.self) {
            try open(Longer.self, Person.self, migrations: [follows])
        }
        #expect(taken?.message.contains("which is there already") == true)
        let renames = Migration("change", from: Tables(Longer.self, Person.self)) { _, new in
            try new.renameColumn("phone", to: "landline", of: "contact")
        }
        #expect(
            try open(Landline.self, Person.self, migrations: [renames]).snapshot().rows(Landline.all).map(\.landline)
                == ["none"])
    }

    @Test func whatAMigrationCannotBeginWithIsRefused() throws {
        try fill()
        let begins = Migration("change", from: Tables(Renamed.self)) { _, _ in Issue.record("it ran") }
        let error = #expect(throws: DatabaseError.self) { try open(Contact.self, migrations: [begins]) }
        #expect(
            error?.message.contains("table 'contact' is not what the migration says it begins with: column 3 is 'email")
                == true)
    }

    @Test func enumsMayHaveMoreCasesAndNotFewer() throws {
        let first = try open(Diary.self)
        try first.call("insert", arguments: Diary(id: 1, mood: .loud).bsatn())
        try first.close()
        let fewer = Migration("fewer") { old, _ in _ = try old.rows(of: PoorerDiary.self) }
        let error = #expect(throws: DatabaseError.self) { try open(Diary.self, migrations: [fewer]) }
        #expect(error?.message.contains("'mood: calm | loud' in the table and 'mood: calm' in 'PoorerDiary'") == true)
        let more = Migration("more") { old, new in
            for var row in try old.rows(of: RicherDiary.self) {
                #expect(row.mood == .loud)
                row.mood = .said("much")
                try new.insert(row)
            }
        }
        let second = try open(RicherDiary.self, migrations: [more])
        #expect(try second.snapshot().rows(RicherDiary.all) == [RicherDiary(id: 1, mood: .said("much"))])
    }

    @Test func typesOfTwoReleasesMayHaveOneName() throws {
        let first = try open(QuietRelease.Feeling.self)
        try first.call("insert", arguments: QuietRelease.Feeling(id: 1, tone: .loud).bsatn())
        try first.close()
        let tones = Migration(
            "tones", from: Tables(QuietRelease.Feeling.self), to: Tables(NoisyRelease.Feeling.self)
        ) { old, new in
            for row in try old.rows(of: QuietRelease.Feeling.self) {
                try new.insert(NoisyRelease.Feeling(id: row.id, tone: row.tone == .loud ? .noisy(9) : .quiet))
            }
        }
        let second = try open(NoisyRelease.Feeling.self, migrations: [tones])
        #expect(
            try second.snapshot().rows(NoisyRelease.Feeling.all) == [NoisyRelease.Feeling(id: 1, tone: .noisy(9))])
    }

    @Test func scheduledRowsMigrate() throws {
        let first = try open(Task.self)
        let task = Task(id: 3, when: .interval(.seconds(4)))
        try first.call("insert", arguments: task.bsatn())
        try first.close()
        let again = Migration("again", to: Tables(Task.self)) { old, new in
            for row in try old.rows(of: Task.self) { try new.insert(row) }
        }
        #expect(try open(Task.self, migrations: [again]).snapshot().rows(Task.all) == [task])
    }

    @Test func refusalsSayWhatToDo() throws {
        try fill()
        let renamed = #expect(throws: DatabaseError.self) { try open(Renamed.self) }
        #expect(
            renamed?.message.contains("Migration.renameColumn(\"email\", to: \"mail\", of: \"contact\")") == true)
        let moved = #expect(throws: DatabaseError.self) { try open(Person.self) }
        #expect(moved?.message.contains("Migration.rename(\"contact\", to: \"person\")") == true)
        #expect(moved?.message.contains("still holds 1 row;") == true)
        let retyped = #expect(throws: DatabaseError.self) { try open(FloatAge.self) }
        #expect(retyped?.message.contains("its type was UInt32 and is Float") == true)
        let swapped = #expect(throws: DatabaseError.self) { try open(Swapped.self) }
        #expect(swapped?.message.contains("moved from place 2 to 3") == true)
        // What it says works.
        let database = try open(Renamed.self, migrations: [.renameColumn("email", to: "mail", of: "contact")])
        #expect(try database.snapshot().rows(Renamed.all).map(\.mail) == ["ada@example.org"])
    }
}
