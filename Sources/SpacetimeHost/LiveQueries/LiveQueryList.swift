/// The queries of a set, in their order.
///
/// Most sets have one query, and there may be a million of them: that one takes no array.
struct LiveQueryList: RandomAccessCollection {
    private enum Content {
        case one(LiveQuery)
        case several([LiveQuery])
    }

    private let content: Content

    init(_ queries: [LiveQuery]) { content = queries.count == 1 ? .one(queries[0]) : .several(queries) }

    var startIndex: Int { 0 }

    var endIndex: Int {
        switch content {
        case .one: 1
        case .several(let queries): queries.count
        }
    }

    subscript(position: Int) -> LiveQuery {
        switch content {
        case .one(let query):
            precondition(position == 0, "a set of one query has no other")
            return query
        case .several(let queries): return queries[position]
        }
    }
}
