/// What a message may not do to a cache.
struct CacheViolation: Error, Hashable {
    enum Problem: Hashable {
        /// A row is deleted that no query delivered.
        case notThere
        /// A row ends before one of its columns.
        case noColumn(String)
    }

    let table: String
    /// Which row of the list it was.
    let row: Int
    let problem: Problem
}

extension CacheViolation: CustomStringConvertible {
    var description: String {
        switch problem {
        case .notThere: "a row of table \(table) was deleted that was not there"
        case .noColumn(let column):
            "a row of table \(table) ends before column \(column); does the program have the server's version of the table?"
        }
    }
}
