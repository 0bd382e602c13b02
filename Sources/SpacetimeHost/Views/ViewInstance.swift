import SpacetimeEngine
import SpacetimeSATS

/// A view for one caller and one list of arguments, or for all, that somebody is looking at. Guarded by the database's lock.
final class ViewInstance {
    let view: ViewTables.View
    /// What its rows begin with in the view's table.
    let key: [UInt8]
    /// Nil if it is the same for all.
    let caller: Identity?
    /// They are numbered in the order in which they were first evaluated, which is the order in which they are evaluated again.
    let number: UInt64
    /// What the function has read. Its queries are not among it.
    var reads = ReadSet()
    /// The queries that it consists of, if the function returned some.
    var queries: [ViewQuery] = []
    /// Makes one row of equal ones of the queries; nil if they have none.
    var union: DistinctStage?
    /// How many sets of queries have it.
    var users = 0
    /// It has to be evaluated again in any case.
    var isOverdue = false
    /// The refreshing that it was last found out of date in.
    var mark: UInt64 = 0
    private(set) var evaluationCount = 0

    init(_ view: ViewTables.View, key: [UInt8], caller: Identity?, number: UInt64) {
        self.view = view
        self.key = key
        self.caller = caller
        self.number = number
    }

    func noteEvaluation() { evaluationCount += 1 }
}

/// A query that views consist of, with the values that it was asked with. Shared by all instances that have the same.
final class ViewQuery {
    let query: LiveQuery
    let values: [[UInt8]]
    var instances: [ObjectIdentifier: ViewInstance] = [:]

    init(_ query: LiveQuery, _ values: [[UInt8]]) {
        self.query = query
        self.values = values
    }
}
