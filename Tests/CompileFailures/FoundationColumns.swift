import Foundation
import SpacetimeKit

// Types of Foundation, each with what to use. expect: 'Date' cannot be stored; use 'Timestamp'
// expect: 'URL' cannot be stored; use 'String'
// expect: 'UUID' cannot be stored; use 'Uuid'
// expect: 'Data' cannot be stored; use '[UInt8]'
// errors: 4

@Table struct Note {
    @PrimaryKey var id: UUID
    var sent: Date
    var link: URL?
    var bytes: [Data]
}
