import SpacetimeKit

@Table(.public) struct Animal: Equatable {
    @PrimaryKey var id: UInt64
    var age: UInt32
    var isIll: Bool = false
}

@Table struct Field: Equatable {
    @PrimaryKey var name: String
    var harvests: UInt32
}

@Table struct Chime: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

/// What happened, in order.
@Table struct Event: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var what: String
    var at: Timestamp
}

/// Jobs that go through tables.
@Module enum Farm {
    static let tables = Tables(Animal.self, Field.self, Chime.self, Event.self)

    @Reducer static func fill(_ context: borrowing Context, from first: UInt64, count: UInt64) throws {
        for id in first..<(first + count) { try context.db.animal.insert(Animal(id: id, age: 0)) }
    }

    @Reducer static func sow(_ context: borrowing Context, names: [String]) throws {
        for name in names { try context.db.field.insert(Field(name: name, harvests: 0)) }
    }

    @Reducer static func sell(_ context: borrowing Context, ids: [UInt64]) throws {
        for id in ids { try context.db.animal.id.delete(id) }
    }

    @Reducer static func infect(_ context: borrowing Context, id: UInt64) throws {
        try context.db.animal.id.update(id) { $0.isIll = true }
    }

    @Reducer static func wind(_ context: borrowing Context, every interval: TimeDuration) throws {
        try context.db.chime.insert(Chime(id: 0, when: .interval(interval)))
    }

    @Reducer(.scheduled) static func tick(_ context: borrowing Context, chime: Chime) throws {
        try context.db.event.insert(Event(id: 0, what: "tick", at: context.timestamp))
    }

    @Reducer(.sliced(within: .hours(1))) static func age(_ context: borrowing Context, animal: Animal) throws {
        guard context.sender == context.identity, context.connectionID == nil else { throw SenderError("who are you?") }
        try context.db.animal.id.update(Animal(id: animal.id, age: animal.age + 1, isIll: animal.isIll))
        try context.db.event.insert(Event(id: 0, what: "age \(animal.id)", at: context.timestamp))
        let id = animal.id
        try context.afterRollback { context in
            try context.db.event.insert(Event(id: 0, what: "nurse \(id)", at: context.timestamp))
        }
        if animal.isIll { throw SenderError("\(animal.id) is ill") }
    }

    @Reducer(.sliced(within: .minutes(10))) static func harvest(_ context: borrowing Context, field: Field) throws {
        try context.db.field.name.update(Field(name: field.name, harvests: field.harvests + 1))
    }
}
