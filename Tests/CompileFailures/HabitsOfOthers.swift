import SpacetimeKit

// What people write who know other databases. expect: reducers write rows: add one to the module
// expect: each call of a reducer is a transaction
// expect: subscribe to a query, as in Message.all
// errors: 6

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes { static let tables = Tables(Note.self) }

func habits(_ db: Database<Notes>, _ connection: Connection<Notes>) throws {
    try db.insert(Note(id: 1))
    try db.update(Note(id: 1))
    try db.delete(Note(id: 1))
    try db.transaction {}
    try db.subscribe(Note.self)
    try connection.subscribe(Note.self)
}
