package import SpacetimeEngine

/// A function of a module: what kind it is, and its position in the module schema's list of that kind.
///
/// Lifecycle hooks are reducers.
package struct Function: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        case reducer, view, procedure, handler
    }

    package let kind: Kind
    package let position: Int

    package init(_ kind: Kind, _ position: Int) {
        self.kind = kind
        self.position = position
    }

    package static func reducer(_ position: Int) -> Function { Function(.reducer, position) }
    package static func view(_ position: Int) -> Function { Function(.view, position) }
    package static func procedure(_ position: Int) -> Function { Function(.procedure, position) }
    package static func handler(_ position: Int) -> Function { Function(.handler, position) }
}

/// What a function is called with when it runs outside of transactions.
package enum FunctionInput: Sendable {
    /// BSATN of a procedure's arguments.
    case arguments([UInt8])
    /// What a handler answers.
    case request(HTTP.Request)
}

/// What a function that did not throw left behind.
package enum Outcome: Equatable, Sendable {
    /// A reducer returns nothing.
    case done
    /// BSATN of a procedure's result.
    case value([UInt8])
    /// BSATN of the array of a view's rows, from outside.
    case rows([UInt8])
    /// A view's rows, from code that is trusted.
    case batch(RowBatch)
    /// The query that a view consists of, in SQL. An empty text is no rows.
    case query(String)
    /// The query that a view consists of, from code that is trusted.
    case bound(BoundQuery)
    /// What a handler answered.
    case response(HTTP.Response)
}
