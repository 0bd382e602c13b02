package import SpacetimeSATS

/// One argument of a function.
package struct ParameterSchema: Hashable, Sendable {
    /// The name the module wrote: arguments given by name are matched against it.
    package var name: String
    /// The name after case conversion, as generated client code shows it.
    package var clientName: String
    /// Free of `Ref`s; the names inside it are the converted ones.
    package var type: AlgebraicType

    package init(name: String, clientName: String? = nil, type: AlgebraicType) {
        self.name = name
        self.clientName = clientName ?? name
        self.type = type
    }
}

/// When the host calls a reducer of its own accord.
package enum Lifecycle: UInt8, Hashable, Sendable, CaseIterable {
    /// The database is created.
    case onInit = 0
    case onConnect = 1
    case onDisconnect = 2
}

/// A reducer. Its id is its position in ``ModuleSchema/reducers``.
package struct ReducerSchema: Hashable, Sendable {
    /// The canonical name.
    package var name: String
    package var sourceName: String
    package var parameters: [ParameterSchema]
    package var lifecycle: Lifecycle?
    /// False for reducers that the module keeps private, and always for scheduled and lifecycle reducers.
    package var isClientCallable: Bool

    package init(
        name: String, sourceName: String? = nil, parameters: [ParameterSchema] = [], lifecycle: Lifecycle? = nil,
        isClientCallable: Bool = true
    ) {
        self.name = name
        self.sourceName = sourceName ?? name
        self.parameters = parameters
        self.lifecycle = lifecycle
        self.isClientCallable = isClientCallable
    }

    /// The arguments as they are encoded: one product.
    package var parametersType: ProductType { ProductType(parameters) }
}

/// A procedure. Its id is its position in ``ModuleSchema/procedures``.
package struct ProcedureSchema: Hashable, Sendable {
    /// The canonical name.
    package var name: String
    package var sourceName: String
    package var parameters: [ParameterSchema]
    /// Free of `Ref`s.
    package var returnType: AlgebraicType
    package var isClientCallable: Bool

    package init(
        name: String, sourceName: String? = nil, parameters: [ParameterSchema] = [],
        returnType: AlgebraicType = .unit, isClientCallable: Bool = true
    ) {
        self.name = name
        self.sourceName = sourceName ?? name
        self.parameters = parameters
        self.returnType = returnType
        self.isClientCallable = isClientCallable
    }

    /// The arguments as they are encoded: one product.
    package var parametersType: ProductType { ProductType(parameters) }
}

/// What a view returns.
package enum ViewResult: Hashable, Sendable {
    /// At most one row.
    case option
    case array
    /// A query, which the host runs.
    case query
}

/// A view. Its id is ``index``, in the id space of anonymous or of sender views.
package struct ViewSchema: Hashable, Sendable {
    /// The canonical name, also of the table that holds its rows.
    package var name: String
    package var sourceName: String
    package var index: UInt32
    package var isPublic: Bool
    /// Computed once for everybody, without knowing the caller.
    package var isAnonymous: Bool
    package var parameters: [ParameterSchema]
    package var result: ViewResult
    /// The columns of a returned row.
    package var columns: [ColumnSchema]
    /// The module's statement, or what a query view inherits from the table it selects from.
    package var primaryKey: [ColumnID]

    package init(
        name: String, sourceName: String? = nil, index: UInt32, isPublic: Bool = true, isAnonymous: Bool = false,
        parameters: [ParameterSchema] = [], result: ViewResult = .array, columns: [ColumnSchema],
        primaryKey: [ColumnID] = []
    ) {
        self.name = name
        self.sourceName = sourceName ?? name
        self.index = index
        self.isPublic = isPublic
        self.isAnonymous = isAnonymous
        self.parameters = parameters
        self.result = result
        self.columns = columns
        self.primaryKey = primaryKey
    }

    /// The product of ``columns``.
    package var rowType: ProductType { ProductType(columns) }
    /// The arguments as they are encoded: one product.
    package var parametersType: ProductType { ProductType(parameters) }
}

extension ProductType {
    init(_ parameters: [ParameterSchema]) {
        self.init(parameters.map { ProductType.Element(name: $0.name, algebraicType: $0.type) })
    }
}
